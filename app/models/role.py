"""Roles and permissions."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import JSON, Column, ForeignKey, String, Table
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, UtcDateTime

ADMIN = "admin"
USER = "user"


class Permission(StrEnum):
    """What the service itself asks for; roles may hold other programs' too."""

    USERS_READ = "users:read"
    USERS_WRITE = "users:write"
    ROLES_READ = "roles:read"
    ROLES_WRITE = "roles:write"
    OUTBOX_READ = "outbox:read"
    OUTBOX_WRITE = "outbox:write"

    @property
    def description(self) -> str:
        """What it allows, in a sentence."""
        return _DESCRIPTIONS[self]


_DESCRIPTIONS = {
    Permission.USERS_READ: "List users, see one, and see their sessions.",
    Permission.USERS_WRITE: "Create, change, disable, delete and sign out users.",
    Permission.ROLES_READ: "List roles and permissions.",
    Permission.ROLES_WRITE: "Create, change and delete roles.",
    Permission.OUTBOX_READ: "List mail that waits, was sent, or was given up.",
    Permission.OUTBOX_WRITE: "Send mail again that was given up.",
}

user_roles = Table(
    "user_roles",
    Base.metadata,
    Column("user_id", ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("role_name", ForeignKey("roles.name"), primary_key=True, index=True),
)


class Role(Base):
    """A named set of permissions.

    The permissions stand on the row as a sorted list: they are always read together.
    """

    __tablename__ = "roles"

    name: Mapped[str] = mapped_column(String(50), primary_key=True)
    description: Mapped[str] = mapped_column(String(300))
    permissions: Mapped[list[str]] = mapped_column(JSON)
    builtin: Mapped[bool]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
