"""The outbox as administrators see it, and what is kept of it."""

import logging
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from app.core.clock import Clock
from app.core.exceptions import MessageNotFailedError, MessageNotFoundError
from app.database import Database
from app.models import Message, MessageStatus
from app.repositories import ChallengeRepository, OutboxRepository
from app.repositories.pages import Page, PageRequest
from app.services.challenges import SIGN_UP_KEPT

logger = logging.getLogger(__name__)

SENT_KEPT = timedelta(days=7)
"""For how long it can be seen what became of a message."""

KEPT = timedelta(days=30)
"""For how long a message that was given up can be sent again."""


@dataclass(frozen=True)
class Waiting:
    """What waits to be delivered, and for how long the oldest of it has."""

    number: int
    oldest_seconds: float


class Outbox:
    """The rules of the outbox."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def page(
        self, request: PageRequest, status: MessageStatus | None = None
    ) -> Page[Message]:
        """Return messages, newest first."""
        async with self._database.reading() as session:
            return await OutboxRepository(session).page(request, status)

    async def waiting(self) -> Waiting:
        """Return how much waits now."""
        async with self._database.reading() as session:
            number, oldest = await OutboxRepository(session).waiting()
        age = self._clock() - oldest if oldest else timedelta()
        return Waiting(number, age.total_seconds())

    async def get(self, message_id: UUID) -> Message:
        """Return a message.

        Raises:
            MessageNotFoundError: If there is none.
        """
        async with self._database.reading() as session:
            message = await OutboxRepository(session).get(message_id)
        if message is None:
            raise MessageNotFoundError
        return message

    async def send_again(self, message_id: UUID) -> Message:
        """Have a message that was given up be tried once more.

        Raises:
            MessageNotFoundError: If there is none.
            MessageNotFailedError: If it was sent, or is still tried.
        """
        async with self._database.writing() as session:
            outbox = OutboxRepository(session)
            again = await outbox.send_again(message_id, self._clock())
            message = await outbox.get(message_id)
        if message is None:
            raise MessageNotFoundError
        if not again:
            raise MessageNotFailedError
        logger.info("outbox.sent_again", extra={"message_id": str(message_id)})
        return message

    async def tidy(self) -> None:
        """Forget what was sent long ago, and challenges with all that belongs to them.

        A challenge is needed as long as its message can be sent again.
        """
        now = self._clock()
        # One by one: who deletes an account locks challenges before their messages.
        async with self._database.writing() as session:
            sent = await OutboxRepository(session).delete_sent_before(now - SENT_KEPT)
        async with self._database.writing() as session:
            await ChallengeRepository(session).forget_pending(now - SIGN_UP_KEPT)
        async with self._database.writing() as session:
            old = await ChallengeRepository(session).delete_over_before(now - KEPT)
        if sent or old:
            logger.info("outbox.tidied", extra={"messages": sent, "challenges": old})
