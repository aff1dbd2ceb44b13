"""A process that is asked to end."""

import asyncio

import pytest

from app.core.config import Settings
from app.models import MessageStatus
from app.services import delivery
from tests.mail.delivering import Outbox, TroubledDatabase, Worker, name_of
from tests.support.clock import FakeClock
from tests.support.servers.smtp import MailServer, Mode


class TestStop:
    """Delivery.stop()."""

    async def test_waits_for_what_is_sent(
        self, worker: Worker, server: MailServer, outbox: Outbox
    ) -> None:
        """A message that is being sent is sent and noted; no more are taken."""
        server.mode = Mode.HANG_AFTER_DATA
        ids = [await worker.put(f"{number}@example.com") for number in range(3)]
        worker.start()
        await server.until_received(1)
        stopping = asyncio.create_task(worker.delivery.stop())
        await _some_turns()
        assert not stopping.done()
        server.told.set()
        await stopping
        first, *others = await outbox.messages()
        assert first.status == MessageStatus.SENT
        assert {message.attempts for message in others} == {0}
        assert server.times == {name_of(ids[0]): 1}

    async def test_waits_for_what_is_taken(
        self, settings: Settings, clock: FakeClock, server: MailServer, outbox: Outbox
    ) -> None:
        """So is one that is being taken at that moment: otherwise it would wait for the
        end of its claim."""
        database = TroubledDatabase(settings)
        async with Worker(settings, clock, database=database) as worker:
            message_id = await worker.put("ada@example.com")
            database.may_write.clear()
            database.is_asked.clear()
            worker.start()
            await server.until(database.is_asked.is_set)
            stopping = asyncio.create_task(worker.delivery.stop())
            await _some_turns()
            assert not stopping.done()
            database.may_write.set()
            await stopping
        assert (await outbox.message(message_id)).status == MessageStatus.SENT
        assert server.times == {name_of(message_id): 1}

    async def test_not_for_ever(
        self,
        worker: Worker,
        server: MailServer,
        outbox: Outbox,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """A server that does not come to an end is not waited for; the message stays
        taken, and is sent when its claim has ended."""
        monkeypatch.setattr(delivery, "STOP_SECONDS", 0.05)
        server.mode = Mode.HANG_AT_DATA
        message_id = await worker.put("ada@example.com")
        worker.start()
        await outbox.until(message_id, lambda message: message.attempts == 1)
        await worker.delivery.stop()
        await worker.kill()
        message = await outbox.message(message_id)
        assert message.status == MessageStatus.WAITING
        assert message.due_at == worker.clock() + delivery.LEASE

    async def test_ends_by_itself(self, worker: Worker, outbox: Outbox) -> None:
        """Once stopped, it ends without being told again."""
        message_id = await worker.put("ada@example.com")
        worker.start()
        await outbox.until_sent(message_id)
        await worker.delivery.stop()
        await worker.ended()


async def _some_turns() -> None:
    """Let whoever can go on go on."""
    for _ in range(20):
        await asyncio.sleep(0)
