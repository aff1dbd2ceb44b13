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
from app.models import (
    ADMIN,
    USER,
    EndReason,
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
from app.services.limits import Limits
from app.services.passwords import Passwords
from app.services.principals import Actor, Principal, Principals

logger = logging.getLogger(__name__)


class UserService:
    """The rules of accounts."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        limits: Limits,
        passwords: Passwords,
        principals: Principals,
    ) -> None:
        self._database = database
        self._clock = clock
        self._limits = limits
        self._passwords = passwords
        self._principals = principals

    async def get(self, user_id: UUID) -> User:
        """Return an account.

        Raises:
            UserNotFoundError: If there is none.
        """
        async with self._database.reading() as session:
            return await self._find(session, user_id)

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
        async with self._principals.writing(by) as (session, actor):
            user.roles = await RoleRepository(session).get_all(roles)
            actor.must_hold(Permission.USERS_WRITE, *user.permissions)
            await UserRepository(session).add(user)
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
            user = await self._find(session, user_id)
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

    async def rename_own(self, principal: Principal, display_name: str | None) -> User:
        """Change the name that is shown of the caller; None removes it."""
        async with self._principals.writing(principal) as (session, actor):
            actor.user.display_name = display_name
            self._touch(session, actor.user)
        logger.info("user.renamed", extra={"of_user": str(actor.user.id)})
        return actor.user

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
            user = await self._find(session, user_id)
            roles = await RoleRepository(session).get_all(names)
            for role in {*roles, *user.roles}:
                actor.must_hold(*role.permissions)
            if ADMIN not in names:
                await self._keep_an_admin(session, user)
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
            await self._delete(session, await self._find(session, user_id))
        logger.info("user.deleted", extra={"of_user": str(user_id)})

    async def delete_own(self, principal: Principal, password: str) -> None:
        """Delete the caller's own account.

        Raises:
            WrongPasswordError: If the password is not right.
            TooManyRequestsError: If it has been wrong too often.
            LastAdminError: If the caller is the last active admin.
        """
        await self._check_password(principal, password)
        async with self._principals.writing(principal) as (session, actor):
            self._refuse_other_password(principal, actor)
            await self._delete(session, actor.user)
        logger.info("user.deleted", extra={"of_user": str(actor.user.id)})

    async def change_password(
        self, principal: Principal, current_password: str, new_password: str
    ) -> None:
        """Change the caller's password; all other sessions end.

        Raises:
            WrongPasswordError: If the current one is not right.
            TooManyRequestsError: If it has been wrong too often.
            PasswordRefusedError: If the new one breaks a rule.
        """
        await self._check_password(principal, current_password)
        new_hash = await self._passwords.hash_new(new_password, principal.user.email)
        async with self._principals.writing(principal) as (session, actor):
            self._refuse_other_password(principal, actor)
            actor.user.password_hash = new_hash
            self._touch(session, actor.user)
            await SessionRepository(session).end_all_of_user(
                actor.user.id,
                EndReason.PASSWORD_CHANGED,
                self._clock(),
                keep=actor.session.id,
            )
            await ChallengeRepository(session).cancel_all(
                actor.user.email, self._clock()
            )
        logger.info("user.password_changed", extra={"of_user": str(actor.user.id)})

    async def _check_password(self, principal: Principal, password: str) -> None:
        async with self._limits.password_check(principal.session.id):
            stored = principal.user.password_hash
            if not await self._passwords.verify(password, stored):
                raise WrongPasswordError

    def _refuse_other_password(self, checked: Principal, now: Actor) -> None:
        if now.user.password_hash != checked.user.password_hash:
            raise WrongPasswordError

    async def _must_hold_roles(self, by: Principal, names: Collection[str]) -> None:
        """Refuse before the costly hashing what would be refused after it."""
        async with self._database.reading() as session:
            for role in await RoleRepository(session).get_all(names):
                by.must_hold(*role.permissions)

    async def _find(self, session: AsyncSession, user_id: UUID) -> User:
        user = await UserRepository(session).get(user_id)
        if user is None:
            raise UserNotFoundError
        return user

    async def _delete(self, session: AsyncSession, user: User) -> None:
        await self._keep_an_admin(session, user)
        await UserRepository(session).delete(user)
        await ChallengeRepository(session).delete_of(user.email)

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
