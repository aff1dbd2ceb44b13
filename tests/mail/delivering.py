"""What one process delivers mail with, and a look at the outbox."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.config import Settings
from app.core.emails import email_key
from app.core.exceptions import DatabaseUnavailableError
from app.core.security import ChallengeTokens, DerivedKeys
from app.database import Database
from app.models import Challenge, Message, MessageKind, MessageStatus, Purpose, new_id
from app.repositories import ChallengeRepository, OutboxRepository
from app.services.circuit_breaker import BreakerPolicy, BreakerRegistry
from app.services.composing import Composer
from app.services.delivery import LEASE, Delivery
from app.services.letters import Letter, Letters
from app.services.mailing import lives
from app.services.smtp import POLICY, Smtp
from tests.mail.sending import PATIENT
from tests.support.clock import FakeClock
from tests.support.databases import SECRET_KEY
from tests.support.shared_limits import BreakerClock

Happen = Callable[[Message], Awaitable[object]]


class WatchedComposer(Composer):
    """Lets something happen before a letter is written.

    Attributes:
        first: What happens before the next one.
        always: What happens before each.
        written: How many letters were asked for.
    """

    first: Happen | None = None
    always: Happen | None = None
    written = 0

    async def compose(self, message: Message) -> Letter:
        """Let it happen, then write the letter."""
        self.written += 1
        happen, self.first = self.first or self.always, None
        if happen is not None:
            await happen(message)
        return await super().compose(message)


class TroubledDatabase(Database):
    """Makes writers wait, or fails once.

    Attributes:
        may_write: Cleared to make them wait.
        is_asked: Set when somebody wants to write.
        fails_next: Whether the next one fails.
        failed: Whether one has.
    """

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.may_write, self.is_asked = asyncio.Event(), asyncio.Event()
        self.may_write.set()
        self.fails_next = self.failed = False

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncSession]:
        """Give a session, but not always."""
        self.is_asked.set()
        await self.may_write.wait()
        if self.fails_next:
            self.fails_next, self.failed = False, True
            raise DatabaseUnavailableError
        async with super().writing() as session:
            yield session


class Worker:
    """One process as far as mail goes; use it as an async context manager.

    Attributes:
        clock: The time of what is due.
        composer: What writes its letters.
        delivery: What is under test; it begins with `start()`.
    """

    def __init__(
        self,
        settings: Settings,
        clock: FakeClock,
        policy: BreakerPolicy = PATIENT,
        database: Database | None = None,
    ) -> None:
        assert settings.smtp_server is not None
        self.clock = clock
        self.database = database or Database(settings)
        self._breaker_clock = BreakerClock()
        self._breakers = BreakerRegistry(self._breaker_clock)
        tokens = ChallengeTokens(DerivedKeys(SECRET_KEY))
        letters = Letters(settings)
        self.composer = WatchedComposer(
            settings, self.database, self._present, tokens, letters
        )
        smtp = Smtp(settings.smtp_server, settings.host, self._breakers, policy)
        self.delivery = Delivery(self.database, self._present, smtp, self.composer)
        self.database.on_change(self.delivery.hear)
        self._task: asyncio.Task[None] | None = None
        self._looks = 0

    async def __aenter__(self) -> "Worker":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.delivery.stop()
        await self.kill()
        await self.database.close()

    def start(self) -> None:
        """Begin to deliver."""
        self._task = asyncio.create_task(self.delivery.keep())

    async def kill(self) -> None:
        """End without a word, whatever is under way."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self.ended()

    async def until_looked(self) -> None:
        """Wait until it has asked several times whether what waits is due by now."""
        looks = self._looks
        async with asyncio.timeout(20):
            while self._looks < looks + 5:
                await asyncio.sleep(0.005)

    async def ended(self) -> None:
        """Wait until it ends by itself."""
        assert self._task is not None
        async with asyncio.timeout(5):
            await self._task

    @property
    def breaker(self) -> str:
        """The state of its breaker."""
        return self._breakers.snapshot()["smtp"].state

    def wait_for_probe(self) -> None:
        """Let so much time pass that an open breaker tries the server again."""
        self._breaker_clock.now += POLICY.recovery_seconds + 1

    async def put(
        self,
        email: str,
        due_at: datetime | None = None,
        message_id: UUID | None = None,
    ) -> UUID:
        """Put a message with a link and a code into the outbox; return its id.

        Args:
            email: Whom it is for.
            due_at: When it is to be sent, if not now.
            message_id: Its id, if not the next.
        """
        now = self.clock()
        challenge = Challenge(
            id=new_id(),
            purpose=Purpose.VERIFY_EMAIL,
            email=email,
            email_key=email_key(email),
            pending={"password_hash": "!", "display_name": None},
            created_at=now,
            **vars(lives(MessageKind.VERIFY_EMAIL, now)),
        )
        message = Message(
            id=message_id or new_id(),
            kind=MessageKind.VERIFY_EMAIL,
            recipient=email,
            language="en",
            facts={"at": now.isoformat(), "ip": "192.0.2.1", "device": "curl"},
            challenge_id=challenge.id,
            created_at=now,
            due_at=due_at or now,
        )
        async with self.database.writing() as session:
            ChallengeRepository(session).add(challenge)
            await session.flush()
            OutboxRepository(session).add(message)
        return message.id

    def _present(self) -> datetime:
        self._looks += 1
        return self.clock()


class Outbox:
    """A look at the outbox past the process under test."""

    def __init__(self, database: Database, clock: FakeClock) -> None:
        self._database = database
        self._clock = clock

    async def message(self, message_id: UUID) -> Message:
        """Return a message."""
        async with self._database.reading() as session:
            message = await OutboxRepository(session).get(message_id)
        assert message is not None
        return message

    async def messages(self) -> list[Message]:
        """Return all, in the order in which they were made."""
        async with self._database.reading() as session:
            return list(await session.scalars(select(Message).order_by(Message.id)))

    async def challenge_of(self, message_id: UUID) -> Challenge:
        """Return what a message asks its reader to show."""
        message = await self.message(message_id)
        async with self._database.reading() as session:
            challenge = await ChallengeRepository(session).get(message.challenge_id)
        assert challenge is not None
        return challenge

    async def until(
        self, message_id: UUID, is_so: Callable[[Message], bool]
    ) -> Message:
        """Wait until something is so of a message; return it."""
        async with asyncio.timeout(20):
            while not is_so(message := await self.message(message_id)):
                await asyncio.sleep(0.005)
        return message

    async def until_sent(self, *message_ids: UUID) -> None:
        """Wait until all these were noted as sent."""
        for message_id in message_ids:
            await self.until(message_id, lambda m: m.status == MessageStatus.SENT)

    async def until_put_off(self, message_id: UUID, attempts: int = 1) -> Message:
        """Wait until a message was tried so often, and is to be tried again."""

        def is_put_off(message: Message) -> bool:
            # Who has taken it has until then to say what became of it.
            is_taken = message.due_at == self._clock() + LEASE
            return message.attempts == attempts and bool(message.error) and not is_taken

        return await self.until(message_id, is_put_off)

    async def claim(self) -> Message:
        """Take a message, as a process does that dies then."""
        async with self._database.writing() as session:
            claimed = await OutboxRepository(session).claim(self._clock(), LEASE)
        assert claimed is not None
        return claimed


def name_of(message_id: UUID) -> str:
    """Return the Message-ID of a message."""
    return f"<{message_id}@localhost>"
