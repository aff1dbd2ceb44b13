"""Accounts: what administrators do with them."""

import logging
from collections.abc import Collection
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import Clock
from app.core.exceptions import UserNotFoundError
from app.database import Database
from app.models import (
    ADMIN,
    EndReason,
    NewAccount,
    Permission,
    Profile,
    User,
    UserChanges,
    UserStatus,
)
from app.repositories import (
    ChallengeRepository,
    RoleRepository,
    SessionRepository,
    UserRepository,
)
from app.repositories.pages import Page, PageRequest
from app.services.deletion import delete_account, keep_an_admin
from app.services.passwords import Passwords
from app.services.principals import Actor, Principal, Principals

logger = logging.getLogger(__name__)


class UserService:
    """The rules of accounts."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        passwords: Passwords,
        principals: Principals,
    ) -> None:
        self._database = database
        self._clock = clock
        self._passwords = passwords
        self._principals = principals

    async def get(self, user_id: UUID) -> User:
        """Return an account.

        Raises:
            UserNotFoundError: If there is none.
        """
        async with self._database.reading() as session:
            return await self.find(session, user_id)

    async def find(self, session: AsyncSession, user_id: UUID) -> User:
        """Return an account in a transaction.

        Raises:
            UserNotFoundError: If there is none.
        """
        user = await UserRepository(session).get(user_id)
        if user is None:
            raise UserNotFoundError
        return user

    async def page(
        self,
        request: PageRequest,
        *,
        text: str | None = None,
        role: str | None = None,
        status: UserStatus | None = None,
    ) -> Page[Profile]:
        """Return accounts, newest first, that match every filter given."""
        async with self._database.reading(may_lag=True) as session:
            return await UserRepository(session).page(
                request, text=text, role=role, status=status
            )

    async def create(
        self,
        by: Principal,
        new: NewAccount,
        password: str,
    ) -> User:
        """Make an account for somebody, with a password that is handed over to them.

        Raises:
            PermissionDeniedError: If the roles give what the caller does not hold.
            RoleNotFoundError: If there is no such role.
            PasswordRefusedError: If the password breaks a rule.
            EmailTakenError: If the address has an account.
        """
        await self._must_hold_roles(by, new.roles)
        password_hash = await self._passwords.hash_new(password, new.email)
        async with self._principals.writing(by) as (session, actor):
            user = new.row(password_hash, self._clock())
            await add_account(session, actor, user, new.roles)
        logger.info("user.created", extra={"new_user": str(user.id)})
        return user

    async def update(self, by: Principal, user_id: UUID, changes: UserChanges) -> User:
        """Change an account; disabling it ends all its sessions at once.

        Raises:
            PermissionDeniedError: If the caller may not change accounts any more.
            UserNotFoundError: If there is none.
            LastAdminError: If the last active admin would be disabled.
        """
        async with self._principals.writing(by, user_id) as (session, actor):
            actor.must_hold(Permission.USERS_WRITE)
            user = await self.find(session, user_id)
            if changes.get("status") == UserStatus.DISABLED and user.is_active:
                await keep_an_admin(session, user)
                now = self._clock()
                await SessionRepository(session).end_all_of_user(
                    user_id, EndReason.USER_DISABLED, now
                )
                await ChallengeRepository(session).cancel_all(user, now)
            if "status" in changes:
                # Whatever it was before, it is not to be deleted any more.
                user.delete_at = None
            for name, value in changes.items():
                setattr(user, name, value)
            self._touch(session, user)
        logger.info(
            "user.changed", extra={"of_user": str(user_id), "fields": sorted(changes)}
        )
        return user

    async def set_roles(self, by: Principal, user_id: UUID, names: list[str]) -> User:
        """Replace a user's roles.

        Raises:
            UserNotFoundError: If there is no such user.
            RoleNotFoundError: If there is no such role.
            PermissionDeniedError: If the caller lacks a permission of the roles that
                are given or taken.
            LastAdminError: If the last active admin would be stripped.
        """
        async with self._principals.writing(by, user_id) as (session, actor):
            actor.must_hold(Permission.USERS_WRITE)
            user = await self.find(session, user_id)
            roles = await RoleRepository(session).get_all(names)
            for role in {*roles, *user.roles}:
                actor.must_hold(*role.permissions)
            if ADMIN not in names:
                await keep_an_admin(session, user)
            user.roles = roles
            self._touch(session, user)
        logger.info("user.roles_set", extra={"of_user": str(user_id), "roles": names})
        return user

    async def delete(self, by: Principal, user_id: UUID) -> None:
        """Delete an account and everything of it.

        Raises:
            PermissionDeniedError: If the caller may not change accounts any more.
            UserNotFoundError: If there is none.
            LastAdminError: If it is the last active admin's.
        """
        async with self._principals.writing(by, user_id) as (session, actor):
            actor.must_hold(Permission.USERS_WRITE)
            await delete_account(session, await self.find(session, user_id))
        logger.info("user.deleted", extra={"of_user": str(user_id)})

    async def _must_hold_roles(self, by: Principal, names: Collection[str]) -> None:
        """Refuse before the costly hashing what would be refused after it."""
        async with self._database.reading() as session:
            for role in await RoleRepository(session).get_all(names):
                by.must_hold(*role.permissions)

    def _touch(self, session: AsyncSession, user: User) -> None:
        user.updated_at = self._clock()
        UserRepository(session).changed(user)


async def add_account(
    session: AsyncSession, actor: Actor, user: User, roles: Collection[str]
) -> None:
    """Add an account that an administrator makes.

    Raises:
        RoleNotFoundError: If there is no such role.
        PermissionDeniedError: If the roles give what the administrator does not hold.
        EmailTakenError: If the address has an account.
    """
    user.roles = await RoleRepository(session).get_all(roles)
    actor.must_hold(Permission.USERS_WRITE, *user.permissions)
    await UserRepository(session).add(user)
