"""The tables, one module per aggregate."""

from app.models.base import Base, Identified, new_id
from app.models.challenge import PROTECTIVE, Challenge, ChallengeEnd, Purpose
from app.models.outbox import Message, MessageKind, MessageStatus
from app.models.role import ADMIN, USER, Permission, Role, user_roles
from app.models.session import OF_ITSELF, EndReason, Method, Session, SessionState
from app.models.signing_key import StoredKey
from app.models.user import Account, NewAccount, Profile, User, UserChanges, UserStatus

__all__ = [
    "ADMIN",
    "OF_ITSELF",
    "PROTECTIVE",
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
    "NewAccount",
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
