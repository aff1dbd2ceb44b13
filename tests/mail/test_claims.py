"""Several processes with one outbox, and those that die or come too late."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from app.core.config import Settings
from app.models import Message, MessageStatus
from app.repositories import OutboxRepository
from app.services.delivery import LEASE
from app.services.outbox import Outbox as OutboxService
from app.services.smtp import POLICY
from tests.mail.delivering import Outbox, TroubledDatabase, Worker, name_of
from tests.support.clock import FakeClock
from tests.support.logs import written_log
from tests.support.servers.smtp import MailServer, Mode

MANY = 60

Note = Callable[[OutboxRepository, Message, FakeClock], Awaitable[bool]]
NOTES: dict[str, Note] = {
    "sent": lambda outbox, claimed, clock: outbox.note_sent(claimed, clock()),
    "failed": lambda outbox, claimed, clock: outbox.note_failed(
        claimed, clock(), "550 No"
    ),
    "put off": lambda outbox, claimed, clock: outbox.put_off(
        claimed, clock() + timedelta(minutes=1), "451 Later"
    ),
}
EACH_NOTE = pytest.mark.parametrize("note", NOTES.values(), ids=NOTES)


def columns(message: Message) -> dict[str, object]:
    """Return what stands in a row."""
    return {
        column.name: getattr(message, column.name) for column in Message.__table__.c
    }


class TestTogether:
    """Two processes that deliver at the same time."""

    async def test_each_once(
        self, settings: Settings, clock: FakeClock, server: MailServer, outbox: Outbox
    ) -> None:
        """No message is sent by both."""
        async with Worker(settings, clock) as one, Worker(settings, clock) as other:
            ids = [await one.put(f"{number}@example.com") for number in range(MANY)]
            both = asyncio.Barrier(2)
            for worker in (one, other):
                worker.composer.first = lambda _: both.wait()
                worker.start()
            await outbox.until_sent(*ids)
            assert min(one.composer.written, other.composer.written) > 1
        assert server.times == {name_of(message_id): 1 for message_id in ids}
        assert {message.attempts for message in await outbox.messages()} == {1}

    @pytest.mark.postgresql
    async def test_nobody_waits(self, worker: Worker, outbox: Outbox) -> None:
        """Who wants a message takes the next one while somebody is taking the first."""
        ids = [await worker.put(f"{number}@example.com") for number in range(2)]
        async with worker.database.writing() as session, asyncio.timeout(5):
            now = worker.clock()
            first = await OutboxRepository(session).claim(now, LEASE)
            second = await outbox.claim()
        assert first is not None
        assert [first.id, second.id] == ids


class TestDied:
    """A process that has taken a message and is no more."""

    async def test_after_the_lease(
        self, worker: Worker, server: MailServer, outbox: Outbox
    ) -> None:
        """Nobody else takes the message for two minutes; then somebody does."""
        message_id = await worker.put("ada@example.com")
        await outbox.claim()
        worker.start()
        worker.clock.now += LEASE - timedelta(seconds=1)
        await outbox.until_sent(await worker.put("bob@example.com"))
        assert name_of(message_id) not in server.times
        worker.clock.tick(seconds=1)
        await outbox.until_sent(message_id)
        assert (await outbox.message(message_id)).attempts == 2
        assert server.times[name_of(message_id)] == 1
        assert LEASE == timedelta(minutes=2)

    async def test_after_handing_over(
        self, settings: Settings, clock: FakeClock, server: MailServer, outbox: Outbox
    ) -> None:
        """If it had been handed over, it is handed over once more under its name, with
        the same link and code."""
        server.mode = Mode.HANG_AFTER_DATA
        async with Worker(settings, clock) as dying:
            message_id = await dying.put("ada@example.com")
            dying.start()
            await server.until_received(1)
            await dying.kill()
        message = await outbox.message(message_id)
        assert (message.attempts, message.status) == (1, MessageStatus.WAITING)
        server.mode = Mode.GOOD
        clock.now += LEASE
        async with Worker(settings, clock) as worker:
            worker.start()
            await outbox.until_sent(message_id)
        assert server.times == {name_of(message_id): 2}
        first, second = server.received
        assert first.text == second.text

    def test_lease_is_long_enough(self) -> None:
        """Nobody who is alive holds a message longer than it is theirs."""
        assert 4 * POLICY.deadline_seconds <= LEASE.total_seconds()


class TestTooLate:
    """A process that says what became of a message when another has it."""

    @EACH_NOTE
    async def test_claimed_by_another(
        self, worker: Worker, outbox: Outbox, note: Note
    ) -> None:
        """It changes nothing, and the other's word counts."""
        message_id = await worker.put("ada@example.com")
        late = await outbox.claim()
        worker.clock.now += LEASE
        await outbox.claim()
        before = columns(await outbox.message(message_id))
        async with worker.database.writing() as session:
            assert not await note(OutboxRepository(session), late, worker.clock)
        assert columns(await outbox.message(message_id)) == before

    @EACH_NOTE
    async def test_sent_by_another(
        self, worker: Worker, outbox: Outbox, note: Note
    ) -> None:
        """Nor does it when the other has come to an end."""
        message_id = await worker.put("ada@example.com")
        late = await outbox.claim()
        worker.clock.now += LEASE
        worker.start()
        await outbox.until_sent(message_id)
        before = columns(await outbox.message(message_id))
        async with worker.database.writing() as session:
            assert not await note(OutboxRepository(session), late, worker.clock)
        assert columns(await outbox.message(message_id)) == before

    @EACH_NOTE
    @pytest.mark.parametrize(
        "first", [NOTES["sent"], NOTES["failed"]], ids=["sent", "failed"]
    )
    async def test_noted_before(
        self, worker: Worker, outbox: Outbox, first: Note, note: Note
    ) -> None:
        """Nor when it has said so before."""
        message_id = await worker.put("ada@example.com")
        claimed = await outbox.claim()
        async with worker.database.writing() as session:
            assert await first(OutboxRepository(session), claimed, worker.clock)
        before = columns(await outbox.message(message_id))
        async with worker.database.writing() as session:
            assert not await note(OutboxRepository(session), claimed, worker.clock)
        assert columns(await outbox.message(message_id)) == before

    @EACH_NOTE
    async def test_given_up_and_sent_again(
        self, worker: Worker, outbox: Outbox, note: Note
    ) -> None:
        """Nor when the message was given up meanwhile, and then tried anew: no claim
        has the number of an older one."""
        message_id = await worker.put("ada@example.com")
        late = await outbox.claim()
        worker.clock.now += LEASE
        second = await outbox.claim()
        async with worker.database.writing() as session:
            await OutboxRepository(session).note_failed(second, worker.clock(), "550")
        service = OutboxService(worker.database, worker.clock)
        await service.send_again(message_id)
        await outbox.claim()
        before = columns(await outbox.message(message_id))
        async with worker.database.writing() as session:
            assert not await note(OutboxRepository(session), late, worker.clock)
            assert not await note(OutboxRepository(session), second, worker.clock)
        assert columns(await outbox.message(message_id)) == before

    @pytest.mark.parametrize(
        ("mode", "event"),
        [
            (Mode.GOOD, "outbox.sent_too_late"),
            (Mode.RECIPIENT_REFUSED, None),
            (Mode.RECIPIENT_LATER, None),
        ],
        ids=["sent", "refused", "later"],
    )
    async def test_slow_process(
        self,
        settings: Settings,
        clock: FakeClock,
        server: MailServer,
        outbox: Outbox,
        mode: Mode,
        event: str | None,
    ) -> None:
        """A process that wakes up after its time leaves the message, and the life of
        its link, as the other has left them."""
        asleep, awake = asyncio.Event(), asyncio.Event()

        async def sleep(_: Message) -> None:
            asleep.set()
            await awake.wait()

        async with Worker(settings, clock) as slow, Worker(settings, clock) as worker:
            message_id = await slow.put("ada@example.com")
            slow.composer.first = sleep
            slow.start()
            await server.until(asleep.is_set)
            clock.now += LEASE
            worker.start()
            await outbox.until_sent(message_id)
            before = columns(await outbox.message(message_id))
            life = (await outbox.challenge_of(message_id)).link_expires_at
            clock.tick(minutes=5)
            server.mode = mode
            with written_log(settings) as log:
                awake.set()
                await slow.delivery.stop()
        assert columns(await outbox.message(message_id)) == before
        assert (await outbox.challenge_of(message_id)).link_expires_at == life
        said = [line["event"] for line in log.lines() if "outbox." in line["event"]]
        assert said == ([event] if event else [])
        assert len(server.received) + server.refused == 2


class TestDatabaseGone:
    """A database that does not answer when a message has been handed over."""

    async def test_sent_once_more(
        self, settings: Settings, clock: FakeClock, server: MailServer, outbox: Outbox
    ) -> None:
        """The message is not lost: after the lease it is sent under the same name."""
        database = TroubledDatabase(settings)
        async with Worker(settings, clock, database=database) as worker:
            message_id = await worker.put("ada@example.com")

            async def fail_next(_: Message) -> None:
                database.fails_next = True

            worker.composer.first = fail_next
            with written_log(settings) as log:
                worker.start()
                await server.until(lambda: database.failed)
                message = await outbox.message(message_id)
                assert message.status == MessageStatus.WAITING
                clock.now += LEASE
                await outbox.until_sent(message_id)
        assert server.times == {name_of(message_id): 2}
        # An outage of the database is logged where it is found.
        assert log.lines("outbox.failed") == []
