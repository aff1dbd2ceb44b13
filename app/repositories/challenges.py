"""Challenges in the database."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, and_, delete, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.emails import email_key
from app.models import PROTECTIVE, Challenge, ChallengeEnd, Purpose, User, UserStatus
from app.repositories.executing import rows_changed


class ChallengeRepository:
    """Reads and writes challenges."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    def add(self, challenge: Challenge) -> None:
        """Add a challenge."""
        self._session.add(challenge)

    async def get(self, challenge_id: UUID) -> Challenge | None:
        """Return the challenge with this id."""
        return await self._session.get(Challenge, challenge_id)

    async def get_by_seed(self, seed: UUID) -> Challenge | None:
        """Return the challenge whose link and code are made of this."""
        return await self._session.scalar(
            select(Challenge).where(Challenge.seed == seed)
        )

    async def lock(self, challenge_id: UUID) -> Challenge | None:
        """Return the challenge and keep others from changing it until the end."""
        statement = select(Challenge).where(Challenge.id == challenge_id)
        # What a lock waited for must be read anew.
        anew = statement.with_for_update().execution_options(populate_existing=True)
        return await self._session.scalar(anew)

    async def newest_sign_up(self, email: str, since: datetime) -> Challenge | None:
        """Return the last sign-up that waits for this address to be proven."""
        statement = select(Challenge).where(
            Challenge.email_key == email_key(email),
            Challenge.purpose == Purpose.VERIFY_EMAIL,
            Challenge.pending.is_not(None),
            Challenge.ended_at.is_(None),
            Challenge.created_at > since,
        )
        return await self._session.scalar(
            statement.order_by(Challenge.id.desc()).limit(1)
        )

    async def use_up(self, challenge: Challenge, now: datetime) -> bool:
        """End a challenge that was passed; False if somebody else has ended it."""
        statement = update(Challenge).where(
            Challenge.id == challenge.id, Challenge.ended_at.is_(None)
        )
        used = statement.values(
            ended_at=now, end_reason=ChallengeEnd.USED, pending=None
        )
        return await rows_changed(self._session, used) > 0

    async def begin(
        self,
        challenge_id: UUID,
        *,
        link_expires_at: datetime,
        code_expires_at: datetime | None,
    ) -> None:
        """Have the time in which a challenge can be passed begin anew."""
        statement = update(Challenge).where(Challenge.id == challenge_id)
        begun = statement.values(
            link_expires_at=link_expires_at, code_expires_at=code_expires_at
        )
        await rows_changed(self._session, begun)

    async def cancel_older(self, newer: Challenge) -> None:
        """End what an account or an address was sent before for the same purpose.

        But not sign-ups that wait: they may be of different people, and none of them
        may end another's.
        """
        if newer.purpose in PROTECTIVE:
            return
        by_address = newer.user_id is None or newer.purpose == Purpose.VERIFY_EMAIL
        same = (
            (Challenge.email_key == newer.email_key, Challenge.pending.is_(None))
            if by_address
            else (Challenge.user_id == newer.user_id,)
        )
        await self._cancel(newer.created_at, Challenge.purpose == newer.purpose, *same)

    async def cancel_all(self, user: User, now: datetime) -> None:
        """End every open challenge of an account and its address; forget sign-ups.

        But not those that its owner takes it back with, nor, as long as it is to be
        deleted, the one that keeps it.
        """
        kept = set(PROTECTIVE)
        if user.status == UserStatus.DELETED:
            kept.add(Purpose.UNDO_DELETION)
        of_address = and_(
            Challenge.email_key == user.email_key, Challenge.user_id.is_(None)
        )
        await self._cancel(
            now,
            or_(of_address, Challenge.user_id == user.id),
            Challenge.purpose.not_in(kept),
        )

    async def cancel_begun(self, user: User, now: datetime) -> None:
        """End what somebody has begun in a session of an account.

        What its owner can ask for without one is left: whoever has got into a session
        would keep them from getting back in.
        """
        await self._cancel(
            now,
            Challenge.user_id == user.id,
            Challenge.purpose == Purpose.CHANGE_EMAIL,
        )

    async def cancel_sent_elsewhere(self, user: User, now: datetime) -> None:
        """End the notices of an account that went to another address than its own."""
        await self._cancel(
            now,
            Challenge.user_id == user.id,
            Challenge.purpose == Purpose.SIGN_OUT_OTHERS,
            Challenge.email_key != user.email_key,
        )

    async def cancel_these(
        self, challenges: Iterable[Challenge], now: datetime
    ) -> None:
        """End these challenges."""
        ids = [challenge.id for challenge in challenges]
        await self._cancel(now, Challenge.id.in_(ids))

    async def open_undos(self, user: User, now: datetime) -> Sequence[Challenge]:
        """Return what can still give an account one of its earlier addresses back."""
        statement = select(Challenge).where(
            Challenge.user_id == user.id,
            Challenge.purpose == Purpose.UNDO_EMAIL_CHANGE,
            Challenge.ended_at.is_(None),
            Challenge.link_expires_at > now,
        )
        return (await self._session.scalars(statement)).all()

    async def is_reserved(self, email: str, now: datetime) -> bool:
        """Tell whether an address may still be given back to an account that had it."""
        statement = select(Challenge.id).where(
            Challenge.email_key == email_key(email),
            Challenge.purpose == Purpose.UNDO_EMAIL_CHANGE,
            Challenge.ended_at.is_(None),
            Challenge.link_expires_at > now,
        )
        return await self._session.scalar(statement.limit(1)) is not None

    async def _cancel(self, now: datetime, *conditions: ColumnElement[bool]) -> None:
        statement = update(Challenge).where(Challenge.ended_at.is_(None), *conditions)
        cancelled = statement.values(
            ended_at=now, end_reason=ChallengeEnd.CANCELLED, pending=None
        )
        await rows_changed(self._session, cancelled)

    async def forget_pending(self, moment: datetime) -> None:
        """Forget what has waited since before a moment for an address to be proven."""
        statement = update(Challenge).where(
            Challenge.created_at < moment,
            Challenge.purpose == Purpose.VERIFY_EMAIL,
            Challenge.pending.is_not(None),
        )
        await rows_changed(self._session, statement.values(pending=None))

    async def delete_of(self, email: str) -> None:
        """Forget what an address was sent, and the mail.

        What was sent to an account goes with the account.
        """
        statement = delete(Challenge).where(
            Challenge.email_key == email_key(email), Challenge.user_id.is_(None)
        )
        await rows_changed(self._session, statement)

    async def delete_over_before(self, moment: datetime) -> int:
        """Delete what was over before a moment, and its mail; return how many."""
        statement = delete(Challenge).where(
            # What was made later is not over either; this is what the index knows.
            Challenge.created_at < moment,
            Challenge.link_expires_at < moment,
        )
        return await rows_changed(self._session, statement)
