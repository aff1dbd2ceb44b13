"""The outbox in the database."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import and_, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.database import note_change
from app.models import Challenge, Message, MessageKind, MessageStatus
from app.repositories.executing import rows_changed
from app.repositories.pages import Page, PageRequest, fetch_page

OUTBOX = "outbox"
"""The name under which a message that is due is noted."""

_LONG_AGO = datetime.fromtimestamp(0, UTC)

STATUS = {
    MessageStatus.WAITING: Message.due_at.is_not(None),
    MessageStatus.SENT: Message.sent_at.is_not(None),
    MessageStatus.FAILED: Message.failed_at.is_not(None),
    MessageStatus.WITHHELD: and_(
        Message.due_at.is_(None), Message.sent_at.is_(None), Message.failed_at.is_(None)
    ),
}
"""How it is seen what became of a message."""


class OutboxRepository:
    """Reads and writes messages."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    def add(self, message: Message) -> None:
        """Add a message, and have it be looked at once it is saved."""
        note_change(self._session, OUTBOX)
        self._session.add(message)

    async def get(self, message_id: UUID) -> Message | None:
        """Return the message with this id."""
        return await self._session.get(Message, message_id)

    async def page(
        self, request: PageRequest, status: MessageStatus | None = None
    ) -> Page[Message]:
        """Return messages, newest first."""
        statement = select(Message)
        if status is not None:
            statement = statement.where(STATUS[status])
        return await fetch_page(self._session, statement, Message.id, request)

    async def number_told(
        self, user_id: UUID, kind: MessageKind, since: datetime
    ) -> int:
        """Return how many messages of a kind an account was sent since a moment."""
        statement = (
            select(func.count())
            .select_from(Message)
            .join(Challenge, Challenge.id == Message.challenge_id)
            .where(Challenge.user_id == user_id, Challenge.created_at > since)
            .where(Message.kind == kind)
        )
        return await self._session.scalar(statement) or 0

    async def next_due(self) -> datetime | None:
        """Return when the first of the waiting messages is due."""
        return await self._session.scalar(select(func.min(Message.due_at)))

    async def waiting(self) -> tuple[int, datetime | None]:
        """Return how many messages wait, and when the oldest of them was written."""
        counted = select(func.count(), func.min(Message.created_at))
        # Not `is_not(None)`: SQLite would read the whole table for that.
        waiting = counted.where(Message.due_at > _LONG_AGO)
        number, oldest = (await self._session.execute(waiting)).one()
        return number, oldest

    async def claim(self, now: datetime, lease: timedelta) -> Message | None:
        """Take the message that has been due the longest, so that nobody else does.

        Whoever takes it has until the end of the lease to say what became of it.
        """
        due = (
            select(Message.id)
            .where(Message.due_at <= now)
            .order_by(Message.due_at, Message.id)
            .limit(1)
            .with_for_update(skip_locked=True)
        )
        statement = (
            update(Message)
            .where(Message.id == due.scalar_subquery())
            .values(due_at=now + lease, attempts=Message.attempts + 1)
            .returning(Message)
            .execution_options(synchronize_session=False)
        )
        return await self._session.scalar(statement)

    async def note_sent(self, claimed: Message, now: datetime) -> bool:
        """Note that a message was handed over; False if another has it by now."""
        return await self._note(claimed, due_at=None, sent_at=now, error=None)

    async def note_failed(self, claimed: Message, now: datetime, error: str) -> bool:
        """Give a message up; False if another has it by now."""
        return await self._note(claimed, due_at=None, failed_at=now, error=error)

    async def put_off(self, claimed: Message, due_at: datetime, error: str) -> bool:
        """Have a message be tried again later; False if another has it by now."""
        return await self._note(claimed, due_at=due_at, error=error)

    async def send_again(self, message_id: UUID, now: datetime) -> bool:
        """Have a message that was given up be tried anew; False if it was not.

        Its attempts are counted on: were their numbers used again, who still has one of
        the old claims would be taken for who has the new one.
        """
        note_change(self._session, OUTBOX)
        statement = update(Message).where(
            Message.id == message_id, Message.failed_at.is_not(None)
        )
        again = statement.values(due_at=now, failed_at=None)
        return await rows_changed(self._session, again) > 0

    async def delete_sent_before(self, moment: datetime) -> int:
        """Delete messages that were sent before a moment; return how many."""
        statement = delete(Message).where(Message.sent_at < moment)
        return await rows_changed(self._session, statement)

    async def _note(self, claimed: Message, **values: datetime | str | None) -> bool:
        statement = update(Message).where(
            Message.id == claimed.id,
            Message.attempts == claimed.attempts,
            Message.due_at.is_not(None),
        )
        return await rows_changed(self._session, statement.values(**values)) > 0
