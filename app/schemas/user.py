"""Accounts in requests and responses."""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Literal, Self, cast
from uuid import UUID

from pydantic import BeforeValidator, ConfigDict, Field, StrictBool, model_validator

from app.models import NewAccount, Profile, Role
from app.models import User as UserRow
from app.models import UserChanges, UserStatus
from app.schemas.base import (
    DisplayName,
    Email,
    Locale,
    NewPassword,
    Password,
    RequestBody,
    ResponseBody,
    RoleName,
)

MAXIMUM_ROLES = 20


def _names(roles: Iterable[Role | str]) -> list[str]:
    return [role.name if isinstance(role, Role) else role for role in roles]


RoleNames = Annotated[list[RoleName], Field(max_length=MAXIMUM_ROLES)]


class User(ResponseBody):
    """An account."""

    id: UUID
    email: str
    email_verified: bool
    display_name: str | None
    locale: str | None
    """The language that mail is written in, if it is one of those there are."""

    status: UserStatus
    roles: Annotated[list[str], BeforeValidator(_names)]
    created_at: datetime
    updated_at: datetime
    last_sign_in_at: datetime | None
    invited_at: datetime | None
    """When an invitation was sent that nobody has accepted yet."""

    delete_at: datetime | None
    """When an account with the status `deleted` will be gone."""

    @classmethod
    def of(cls, row: UserRow | Profile) -> Self:
        """Return the account as it is shown."""
        return cls.model_validate(row)


class Me(User):
    """The caller's own account."""

    permissions: Annotated[list[str], BeforeValidator(sorted)]
    """What the caller may do, through all roles together."""


class _Changes(RequestBody):
    """A change: what is left out stays as it is."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})

    @model_validator(mode="after")
    def _must_change_something(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("must name at least one field")
        return self

    def changes(self) -> UserChanges:
        """Return only what was sent."""
        return cast(UserChanges, self.model_dump(exclude_unset=True))


class MeChanges(_Changes):
    """What people change about their own account."""

    display_name: DisplayName | None = None
    """The name to show; null removes it."""

    locale: Locale | None = None
    """The language of mail; null has it go by the browser that asks for one."""


class UserAdminChanges(_Changes):
    """What administrators change about an account."""

    display_name: DisplayName | None = None
    """The name to show; null removes it."""

    status: Literal[UserStatus.ACTIVE, UserStatus.DISABLED] = UserStatus.ACTIVE
    """A disabled user can't sign in, and every session ends at once. Either keeps an
    account that its owner has deleted."""

    email_verified: StrictBool = False
    """Whether the address is known to be the user's."""


class NewUser(RequestBody):
    """An account that an administrator makes."""

    email: Email
    password: NewPassword | None = None
    """Without it, the user is invited by mail and chooses one. Give one only where no
    mail is sent, or for programs."""

    display_name: DisplayName | None = None
    locale: Locale | None = None
    roles: RoleNames = ["user"]

    def account(self) -> NewAccount:
        """Return it as the rules want it."""
        return NewAccount(**self.model_dump(exclude={"password"}))


class UserRoles(RequestBody):
    """The roles that a user is to have, instead of all earlier ones."""

    roles: Annotated[RoleNames, Field(examples=[["user", "editor"]])]


class PasswordChange(RequestBody):
    """A change of one's own password."""

    current_password: Password
    new_password: NewPassword


class AccountDeletion(RequestBody):
    """The proof that it is really the owner who deletes the account."""

    password: Password
