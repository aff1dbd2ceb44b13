"""Sessions: begun, kept alive, listed, ended."""

import logging
from datetime import timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.client import Client
from app.core.clock import Clock
from app.core.config import Settings
from app.core.exceptions import (
    AccountDeletedError,
    AccountDisabledError,
    BusyError,
    InvalidRefreshTokenError,
    SessionEndedError,
    SessionNotFoundError,
)
from app.core.security import RefreshClaim
from app.database import Database
from app.models import (
    Account,
    EndReason,
    MessageKind,
    Method,
    Session,
    SessionState,
    User,
    UserStatus,
)
from app.repositories import (
    ChallengeRepository,
    SessionRepository,
    UserRepository,
)
from app.repositories.pages import Page, PageRequest
from app.repositories.sessions import End, Rotation
from app.services.notices import Notices
from app.services.rotation import Position, Verdict, judge

logger = logging.getLogger(__name__)

ATTEMPTS = 10
"""How often a refresh looks again at a session that others keep changing."""

KEPT_AFTER_END = timedelta(days=90)
"""How long an ended session is kept, so that its owner can see why it ended."""


def refuse_inactive(user: User) -> None:
    """Refuse to begin a session on an account that may not sign in.

    Raises:
        AccountDeletedError: If its owner has deleted it.
        AccountDisabledError: If an administrator has disabled it.
    """
    if user.status == UserStatus.DELETED:
        raise AccountDeletedError
    if not user.is_active:
        raise AccountDisabledError


class Sessions:
    """The rules of sessions."""

    def __init__(
        self, settings: Settings, database: Database, clock: Clock, notices: Notices
    ) -> None:
        self._idle = timedelta(seconds=settings.refresh_idle_seconds)
        self._max_age = timedelta(seconds=settings.refresh_max_seconds)
        self._grace = timedelta(seconds=settings.refresh_grace_seconds)
        self._database = database
        self._clock = clock
        self._notices = notices

    def begin(self, user: User, client: Client, method: Method) -> Session:
        """Return a new session of this user, for the caller to save."""
        now = self._clock()
        return Session(
            user_id=user.id,
            generation=0,
            rotated_at=now,
            confirmed=False,
            created_at=now,
            last_used_at=now,
            expires_at=now + min(self._idle, self._max_age),
            max_expires_at=now + self._max_age,
            ip=client.ip,
            user_agent=client.user_agent,
            device=client.device,
            method=method,
        )

    async def refresh(
        self, claim: RefreshClaim, client: Client
    ) -> tuple[Account, Session | SessionState]:
        """Give a genuine refresh token what it deserves (see `rotation.judge`).

        Returns:
            The user, and the session at the generation to issue tokens for.

        Raises:
            InvalidRefreshTokenError: If the session is gone.
            SessionEndedError: If it has ended, or ends now for a reused token.
            BusyError: If others change the session all the time.
        """
        async with self._database.writing() as session:
            if refreshed := await self._rotate_newest(session, claim, client):
                return refreshed
            for _ in range(ATTEMPTS):
                if refreshed := await self._try_refresh(session, claim, client):
                    return refreshed
        raise BusyError

    async def page_of_user(
        self, user_id: UUID, request: PageRequest, *, ended: bool
    ) -> Page[Session]:
        """Return a user's sessions, newest first; ended ones too if asked for."""
        async with self._database.reading() as session:
            return await SessionRepository(session).page_of_user(
                user_id, request, self._clock(), ended=ended
            )

    async def end_own(self, user_id: UUID, session_id: UUID, current: UUID) -> None:
        """End one of the caller's own sessions.

        Raises:
            SessionNotFoundError: If the caller has no such live session.
        """
        here = session_id == current
        reason = EndReason.SIGNED_OUT if here else EndReason.SIGNED_OUT_ELSEWHERE
        async with self._database.writing() as session:
            repository, now = SessionRepository(session), self._clock()
            row = await repository.get(session_id)
            if row is None or row.user_id != user_id or row.why_ended(now):
                raise SessionNotFoundError
            ended = await repository.end(row, reason, now)
        if not ended:
            # Somebody else has ended it since.
            raise SessionNotFoundError
        _log_end(row, reason)

    async def sign_out(self, session_id: UUID) -> None:
        """End the session that asks for it; it may have ended already."""
        async with self._database.writing() as session:
            repository = SessionRepository(session)
            row = await repository.get(session_id)
            if row is None:
                return
            if await repository.end(row, EndReason.SIGNED_OUT, self._clock()):
                _log_end(row, EndReason.SIGNED_OUT)

    async def end_all(
        self, user_id: UUID, reason: EndReason, *, keep: UUID | None = None
    ) -> None:
        """End all sessions of a user, but the one to keep, and what was begun there.

        That is a change of address which waits for its proof.
        """
        now = self._clock()
        async with self._database.writing() as session:
            user = await UserRepository(session).lock(user_id)
            if user is None:
                return
            await SessionRepository(session).end_all_of_user(
                user_id, reason, now, keep=keep
            )
            await ChallengeRepository(session).cancel_begun(user, now)
        logger.info(
            "session.all_ended", extra={"of_user": str(user_id), "reason": reason}
        )

    async def tidy(self) -> None:
        """Note the end of sessions whose time is over; forget those long ended."""
        now = self._clock()
        async with self._database.writing() as session:
            repository = SessionRepository(session)
            ended = await repository.end_expired(now)
            deleted = await repository.delete_ended_before(now - KEPT_AFTER_END)
        if ended or deleted:
            logger.info("session.tidied", extra={"ended": ended, "deleted": deleted})

    async def _rotate_newest(
        self, session: AsyncSession, claim: RefreshClaim, client: Client
    ) -> tuple[Account, Session | SessionState] | None:
        """Do what is nearly always to be done, in one statement; None if it is not."""
        # The clock is looked at when the turn to write has come, which may take long.
        await session.connection()
        rotation = self._rotation(claim.generation + 1, client)
        row = await SessionRepository(session).rotate_newest(claim.session_id, rotation)
        if row is None:
            return None
        user = await self._owner(session, row)
        # PostgreSQL does not look at the user again after it has waited for the row.
        return (user, row) if user.is_active else None

    async def _try_refresh(
        self, session: AsyncSession, claim: RefreshClaim, client: Client
    ) -> tuple[Account, Session | SessionState] | None:
        """Refresh a session as it is seen; None if somebody changes it meanwhile."""
        repository = SessionRepository(session)
        row = await repository.get(claim.session_id)
        if row is None:
            raise InvalidRefreshTokenError
        if row.end_reason is not None:
            raise SessionEndedError(EndReason(row.end_reason))
        user = await self._owner(session, row)
        verdict = self._judge(claim.generation, row)
        if end := self._due_end(row, user, verdict):
            if end.reason is EndReason.TOKEN_REUSED:
                # Before its session, as wherever both are locked: the notice hangs on
                # the account.
                await UserRepository(session).lock(row.user_id)
            if not await repository.end_as_seen(row, end):
                return None
            _log_end(row, end.reason)
            if end.reason is EndReason.TOKEN_REUSED:
                await self._tell_of_reuse(session, user, row, client)
            raise SessionEndedError(end.reason)
        if verdict is Verdict.REPEAT:
            return user, row
        # A renewed pair is that of the present generation, the next after the claim's.
        rotation = self._rotation(claim.generation + 1, client)
        rotated = await repository.rotate(row, rotation)
        return (user, rotated) if rotated else None

    async def _tell_of_reuse(
        self, session: AsyncSession, user: Account, row: Session, client: Client
    ) -> None:
        """Say on which device the session was, and who came with the old token."""
        facts = {"session_device": row.device, "session_ip": row.ip}
        await self._notices.tell(session, MessageKind.TOKEN_REUSED, user, client, facts)

    async def _owner(
        self, session: AsyncSession, row: Session | SessionState
    ) -> Account:
        user = await UserRepository(session).read(row.user_id)
        if user is None:
            raise InvalidRefreshTokenError
        return user

    def _due_end(self, row: Session, user: Account, verdict: Verdict) -> End | None:
        """Return when and why a session ends now, None if it lives."""
        now = self._clock()
        if reason := row.why_ended(now):
            return End(reason, row.expires_at)
        if not user.is_active:
            return End(EndReason.USER_DISABLED, now)
        return End(EndReason.TOKEN_REUSED, now) if verdict is Verdict.REUSED else None

    def _judge(self, presented: int, row: Session) -> Verdict:
        position = Position(row.generation, row.rotated_at, row.confirmed)
        return judge(presented, position, self._clock(), self._grace)

    def _rotation(self, generation: int, client: Client) -> Rotation:
        now = self._clock()
        return Rotation(
            generation=generation,
            rotated_at=now,
            expires_at=now + self._idle,
            ip=client.ip,
            user_agent=client.user_agent,
            device=client.device,
        )


def _log_end(row: Session, reason: EndReason) -> None:
    suspicious = reason is EndReason.TOKEN_REUSED
    logger.log(
        logging.WARNING if suspicious else logging.INFO,
        "session.ended",
        extra={"ended": str(row.id), "of_user": str(row.user_id), "reason": reason},
    )
