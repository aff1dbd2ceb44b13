"""Accounts."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TypedDict
from uuid import UUID

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core.emails import email_key
from app.models.base import Base, Identified, UtcDateTime
from app.models.role import USER, Role, user_roles


class UserStatus(StrEnum):
    """Whether an account may sign in."""

    ACTIVE = "active"
    DISABLED = "disabled"
    DELETED = "deleted"
    """By its owner, who can still undo it until `delete_at`."""


class UserChanges(TypedDict, total=False):
    """What can be changed about an account; what is absent stays."""

    display_name: str | None
    status: UserStatus
    email_verified: bool
    locale: str | None


class User(Identified, Base):
    """An account.

    `email` is kept as typed; `email_key` is what is compared and is unique. `locale` is
    a language tag (RFC 5646). `invited_at` says since when an invitation waits for its
    reader; `delete_at`, when an account that its owner has deleted will be gone;
    `devices_since`, from when on the tokens of its devices count: since it was last
    given to its owner.
    """

    __tablename__ = "users"

    email: Mapped[str] = mapped_column(String(254))
    email_key: Mapped[str] = mapped_column(String(320), unique=True)
    email_verified: Mapped[bool] = mapped_column(default=False)
    display_name: Mapped[str | None] = mapped_column(String(100))
    locale: Mapped[str | None] = mapped_column(String(35))
    password_hash: Mapped[str] = mapped_column(String(255))
    status: Mapped[UserStatus] = mapped_column(
        String(20), default=UserStatus.ACTIVE, index=True
    )
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)
    last_sign_in_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    invited_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    delete_at: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)
    devices_since: Mapped[datetime | None] = mapped_column(UtcDateTime)
    roles: Mapped[list[Role]] = relationship(
        secondary=user_roles, lazy="raise", order_by=Role.name
    )

    @classmethod
    def new(
        cls,
        email: str,
        password_hash: str,
        now: datetime,
        display_name: str | None = None,
        locale: str | None = None,
    ) -> "User":
        """Return an account that is made now, for the caller to save."""
        return cls(
            email=email,
            email_key=email_key(email),
            password_hash=password_hash,
            display_name=display_name,
            locale=locale,
            created_at=now,
            updated_at=now,
        )

    @property
    def is_active(self) -> bool:
        """Whether the account may sign in and act."""
        return self.status == UserStatus.ACTIVE

    @property
    def role_names(self) -> tuple[str, ...]:
        """The names of its roles, sorted."""
        return tuple(role.name for role in self.roles)

    @property
    def permissions(self) -> frozenset[str]:
        """Everything its roles allow together."""
        return frozenset(name for role in self.roles for name in role.permissions)


@dataclass(frozen=True, kw_only=True)
class NewAccount:
    """What an administrator says of somebody who is to have an account."""

    email: str
    display_name: str | None = None
    locale: str | None = None
    roles: Collection[str] = (USER,)

    def row(self, password_hash: str, now: datetime) -> User:
        """Return the account, without its roles."""
        return User.new(self.email, password_hash, now, self.display_name, self.locale)


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What is shown of a user, as they were when they were read."""

    id: UUID
    email: str
    email_verified: bool
    display_name: str | None
    locale: str | None
    status: UserStatus
    created_at: datetime
    updated_at: datetime
    last_sign_in_at: datetime | None
    invited_at: datetime | None
    delete_at: datetime | None
    roles: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Account(Profile):
    """A user as they were when they were read, and what their roles allow.

    What many requests are answered from: a row of the ORM is five times as large, and
    takes twice as long to read.
    """

    password_hash: str = field(repr=False)
    permissions: frozenset[str]

    @property
    def is_active(self) -> bool:
        """Whether the account may sign in and act."""
        return self.status == UserStatus.ACTIVE

    @property
    def role_names(self) -> tuple[str, ...]:
        """The names of its roles, sorted."""
        return self.roles
