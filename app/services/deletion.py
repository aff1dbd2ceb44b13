"""Deleting accounts: at once, or with a time in which their owners can undo it."""

import logging
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.challenge_tokens import Proof
from app.core.client import Client
from app.core.clock import Clock
from app.core.config import Settings
from app.core.exceptions import ChallengeFailedError, LastAdminError
from app.database import Database
from app.models import ADMIN, EndReason, MessageKind, Purpose, User, UserStatus
from app.repositories import (
    ChallengeRepository,
    RoleRepository,
    SessionRepository,
    UserRepository,
)
from app.services.challenges import Challenges
from app.services.mailing import Mailing
from app.services.own_password import OwnPassword
from app.services.principals import Principal, Principals

logger = logging.getLogger(__name__)


class Deletion:
    """The rules of deleting one's own account."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        clock: Clock,
        principals: Principals,
        own_password: OwnPassword,
        challenges: Challenges,
    ) -> None:
        self._period = timedelta(days=settings.deletion_days)
        self._database = database
        self._clock = clock
        self._principals = principals
        self._own_password = own_password
        self._challenges = challenges

    async def delete_own(
        self, principal: Principal, password: str, client: Client
    ) -> None:
        """Delete the caller's own account, or sign it out and plan its end.

        Raises:
            WrongPasswordError: If the password is not right.
            TooManyRequestsError: If it has been wrong too often.
            LastAdminError: If the caller is the last active admin.
        """
        await self._own_password.check(principal, password)
        async with self._principals.writing(principal) as (session, actor):
            self._own_password.refuse_another(principal, actor)
            # Whoever reads an address that nobody has proven did not make the account:
            # it is not kept for them, and they are not told of it.
            is_planned = bool(self._period) and actor.user.email_verified
            if is_planned:
                await self._plan(session, actor.user, client)
            else:
                await delete_account(session, actor.user)
        event = "user.deletion_planned" if is_planned else "user.deleted"
        logger.info(event, extra={"of_user": str(actor.user.id)})

    async def undo(self, proof: Proof) -> None:
        """Keep an account that its owner has deleted; everybody is still signed out.

        Raises:
            ChallengeFailedError: If the proof is wrong.
            ChallengeEndedError: If it was right once.
        """
        async with self._database.writing() as session:
            challenge, user = await self._challenges.examine_own(
                session, Purpose.UNDO_DELETION, proof
            )
            if user.status != UserStatus.DELETED:
                raise ChallengeFailedError
            await self._challenges.use_up(session, challenge)
            user.status = UserStatus.ACTIVE
            user.delete_at = None
            user.updated_at = self._clock()
            UserRepository(session).changed(user)
        logger.info("user.deletion_undone", extra={"of_user": str(user.id)})

    async def tidy(self) -> None:
        """Delete the accounts whose time has come, each in a transaction of its own."""
        async with self._database.reading() as session:
            due = await UserRepository(session).due_for_deletion(self._clock())
        for user_id in due:
            await self._delete_due(user_id)

    async def _plan(self, session: AsyncSession, user: User, client: Client) -> None:
        await keep_an_admin(session, user)
        now = self._clock()
        user.status = UserStatus.DELETED
        user.delete_at = await self._end(session, user, now + self._period)
        user.updated_at = now
        UserRepository(session).changed(user)
        await SessionRepository(session).end_all_of_user(
            user.id, EndReason.USER_DELETED, now
        )
        await ChallengeRepository(session).cancel_all(user, now)
        mailing = Mailing(
            kind=MessageKind.DELETION_PLANNED,
            email=user.email,
            client=client,
            user_id=user.id,
            facts={"until": user.delete_at.isoformat()},
            expires_at=user.delete_at,
        )
        await self._challenges.ask(session, mailing)

    async def _end(
        self, session: AsyncSession, user: User, planned: datetime
    ) -> datetime:
        """Return when it will be gone: not while its address can still be given back.

        Who has taken an account over could otherwise delete it for good.
        """
        undos = await ChallengeRepository(session).open_undos(user, self._clock())
        return max([planned, *(undo.link_expires_at for undo in undos)])

    async def _delete_due(self, user_id: UUID) -> None:
        async with self._database.writing() as session:
            user = await UserRepository(session).lock(user_id)
            if user is None or user.delete_at is None:
                return
            # Anew: an undo lasts from when its mail was taken, which may be later.
            user.delete_at = await self._end(session, user, user.delete_at)
            if user.delete_at > self._clock():
                return
            await delete_account(session, user)
        logger.info("user.deleted", extra={"of_user": str(user_id)})


async def delete_account(session: AsyncSession, user: User) -> None:
    """Delete an account and everything of it.

    Raises:
        LastAdminError: If it is the last active admin's.
    """
    await keep_an_admin(session, user)
    await UserRepository(session).delete(user)
    await ChallengeRepository(session).delete_of(user.email)


async def keep_an_admin(session: AsyncSession, user: User) -> None:
    """Refuse to lose this user if there is no other active admin.

    Raises:
        LastAdminError: If so.
    """
    if ADMIN not in user.role_names or not user.is_active:
        return
    await RoleRepository(session).lock_all()
    if not await UserRepository(session).has_other_active_admin(user):
        raise LastAdminError
