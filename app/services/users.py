"""Accounts: what their owners and what administrators do with them."""

import logging
from collections.abc import Collection
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import Clock
from app.core.exceptions import (
    LastAdminError,
    UserNotFoundError,
    WrongPasswordError,
)
from app.database import Database
from app.models import ADMIN, USER, EndReason, User, UserChanges, UserStatus
from app.repositories import RoleRepository, SessionRepository, UserRepository
from app.repositories.pages import Page, PageRequest
from app.services.limits import Limits
from app.services.passwords import Passwords
from app.services.principals import Principal

logger = logging.getLogger(__name__)


class UserService:
    """The rules of accounts."""

    def __init__(
        self, database: Database, clock: Clock, limits: Limits, passwords: Passwords
    ) -> None:
        self._database = database
        self._clock = clock
        self._limits = limits
        self._passwords = passwords

    async def get(self, user_id: UUID) -> User:
        """Return an account.

        Raises:
            UserNotFoundError: If there is none.
        """
        async with self._database.reading() as session:
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
    ) -> Page[User]:
        """Return accounts, newest first, that match every filter given."""
        async with self._database.reading() as session:
            return await UserRepository(session).page(
                request, text=text, role=role, status=status
            )

    async def create(
        self,
        by: Principal,
        email: str,
        password: str,
        display_name: str | None = None,
        roles: Collection[str] = (USER,),
    ) -> User:
        """Make an account for somebody.

        Raises:
            PermissionDeniedError: If the roles give what the caller does not hold.
            RoleNotFoundError: If there is no such role.
            PasswordRefusedError: If the password breaks a rule.
            EmailTakenError: If the address has an account.
        """
        await self._must_hold_roles(by, roles)
        password_hash = await self._passwords.hash_new(password, email)
        user = User.new(email, password_hash, self._clock(), display_name)
        async with self._database.writing() as session:
            repository = RoleRepository(session)
            await repository.lock_all()
            user.roles = await repository.get_all(roles)
            by.must_hold(*user.permissions)
            await UserRepository(session).add(user)
        logger.info("user.created", extra={"new_user": str(user.id)})
        return user

    async def update(self, user_id: UUID, changes: UserChanges) -> User:
        """Change an account; disabling it ends all its sessions at once.

        Raises:
            UserNotFoundError: If there is none.
            LastAdminError: If the last active admin would be disabled.
        """
        async with self._database.writing() as session:
            user = await self._lock(session, user_id)
            if changes.get("status") == UserStatus.DISABLED and user.is_active:
                await self._keep_an_admin(session, user)
                await SessionRepository(session).end_all_of_user(
                    user_id, EndReason.USER_DISABLED, self._clock()
                )
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
        async with self._database.writing() as session:
            user = await self._lock(session, user_id)
            repository = RoleRepository(session)
            await repository.lock_all()
            roles = await repository.get_all(names)
            for role in {*roles, *user.roles}:
                by.must_hold(*role.permissions)
            if ADMIN not in names:
                await self._keep_an_admin(session, user)
            user.roles = roles
            self._touch(session, user)
        logger.info("user.roles_set", extra={"of_user": str(user_id), "roles": names})
        return user

    async def delete(self, user_id: UUID) -> None:
        """Delete an account and everything of it.

        Raises:
            UserNotFoundError: If there is none.
            LastAdminError: If it is the last active admin's.
        """
        async with self._database.writing() as session:
            user = await self._lock(session, user_id)
            await self._keep_an_admin(session, user)
            await UserRepository(session).delete(user)
        logger.info("user.deleted", extra={"of_user": str(user_id)})

    async def delete_own(self, principal: Principal, password: str) -> None:
        """Delete the caller's own account.

        Raises:
            WrongPasswordError: If the password is not right.
            TooManyRequestsError: If it has been wrong too often.
            LastAdminError: If the caller is the last active admin.
        """
        await self._check_password(principal, password)
        await self.delete(principal.user.id)

    async def change_password(
        self, principal: Principal, current_password: str, new_password: str
    ) -> None:
        """Change the caller's password; all other sessions end.

        Raises:
            WrongPasswordError: If the current one is not right.
            TooManyRequestsError: If it has been wrong too often.
            PasswordRefusedError: If the new one breaks a rule.
        """
        checked = await self._check_password(principal, current_password)
        new_hash = await self._passwords.hash_new(new_password, checked.email)
        async with self._database.writing() as session:
            user = await self._lock(session, checked.id)
            if user.password_hash != checked.password_hash:
                raise WrongPasswordError
            user.password_hash = new_hash
            self._touch(session, user)
            await SessionRepository(session).end_all_of_user(
                user.id,
                EndReason.PASSWORD_CHANGED,
                self._clock(),
                keep=principal.session.id,
            )
        logger.info("user.password_changed", extra={"of_user": str(user.id)})

    async def _check_password(self, principal: Principal, password: str) -> User:
        async with self._limits.password_check(principal.session.id):
            user = await self.get(principal.user.id)
            if not await self._passwords.verify(password, user.password_hash):
                raise WrongPasswordError
        return user

    async def _must_hold_roles(self, by: Principal, names: Collection[str]) -> None:
        """Refuse before the costly hashing what would be refused after it."""
        async with self._database.reading() as session:
            for role in await RoleRepository(session).get_all(names):
                by.must_hold(*role.permissions)

    async def _lock(self, session: AsyncSession, user_id: UUID) -> User:
        user = await UserRepository(session).lock(user_id)
        if user is None:
            raise UserNotFoundError
        return user

    async def _keep_an_admin(self, session: AsyncSession, user: User) -> None:
        """Refuse to lose this user if there is no other active admin."""
        if ADMIN not in user.role_names or not user.is_active:
            return
        await RoleRepository(session).lock_all()
        if not await UserRepository(session).has_other_active_admin(user):
            raise LastAdminError

    def _touch(self, session: AsyncSession, user: User) -> None:
        user.updated_at = self._clock()
        UserRepository(session).changed(user)
