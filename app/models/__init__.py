"""The tables, one module per aggregate."""

from app.models.base import Base, Identified, new_id
from app.models.role import ADMIN, USER, Permission, Role, user_roles
from app.models.session import EndReason, Session
from app.models.signing_key import StoredKey
from app.models.user import User, UserChanges, UserStatus

__all__ = [
    "ADMIN",
    "USER",
    "Base",
    "EndReason",
    "Identified",
    "Permission",
    "Role",
    "Session",
    "StoredKey",
    "User",
    "UserChanges",
    "UserStatus",
    "new_id",
    "user_roles",
]
