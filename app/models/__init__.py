"""The tables, one module per aggregate."""

from app.models.base import Base, Identified, new_id
from app.models.challenge import Challenge, ChallengeEnd, Purpose
from app.models.outbox import Message, MessageKind, MessageStatus
from app.models.role import ADMIN, USER, Permission, Role, user_roles
from app.models.session import EndReason, Method, Session, SessionState
from app.models.signing_key import StoredKey
from app.models.user import Account, Profile, User, UserChanges, UserStatus

__all__ = [
    "ADMIN",
    "USER",
    "Account",
    "Base",
    "Challenge",
    "ChallengeEnd",
    "EndReason",
    "Identified",
    "Message",
    "MessageKind",
    "MessageStatus",
    "Method",
    "Permission",
    "Profile",
    "Purpose",
    "Role",
    "Session",
    "SessionState",
    "StoredKey",
    "User",
    "UserChanges",
    "UserStatus",
    "new_id",
    "user_roles",
]
