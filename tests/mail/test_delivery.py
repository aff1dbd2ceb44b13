"""What is due is delivered: once, in order, and as soon as it can be."""

from datetime import timedelta

import pytest

from app.core.config import Settings
from app.core.metrics import REGISTRY
from app.models import new_id
from app.services import delivery
from app.services.mailing import CODE_LIFE, LINK_LIFE
from tests.mail.delivering import Outbox, Worker, name_of
from tests.mail.sending import SENDER
from tests.support.servers.smtp import MailServer, Mode


def delivered() -> float:
    """Return how many messages this process has counted as sent."""
    return REGISTRY.get_sample_value("cardea_mail_total", {"outcome": "sent"}) or 0


class TestOrder:
    """Delivery.keep(), with several messages."""

    async def test_the_longest_due_first(
        self, worker: Worker, server: MailServer, outbox: Outbox
    ) -> None:
        """Messages go out in the order in which they became due, each once."""
        now = worker.clock()
        ids = [
            await worker.put(f"{number}@example.com", now - timedelta(minutes=number))
            for number in (1, 3, 2)
        ]
        worker.start()
        await outbox.until_sent(*ids)
        recipients = [one.recipients for one in server.received]
        assert recipients == [["3@example.com"], ["2@example.com"], ["1@example.com"]]

    async def test_the_oldest_of_one_moment_first(
        self, worker: Worker, server: MailServer, outbox: Outbox
    ) -> None:
        """Of what became due at the same time, the older message goes first."""
        ids = [new_id() for _ in range(5)]
        for message_id in reversed(ids):
            await worker.put("ada@example.com", message_id=message_id)
        worker.start()
        await outbox.until_sent(*ids)
        assert list(server.times.items()) == [(name_of(one), 1) for one in ids]

    async def test_one_connection(
        self, worker: Worker, server: MailServer, outbox: Outbox
    ) -> None:
        """All that is due shares a connection, which is closed when nothing is."""
        ids = [await worker.put(f"{number}@example.com") for number in range(5)]
        worker.start()
        await outbox.until_sent(*ids)
        await server.until(lambda: not server.open)
        assert server.connections == 1


class TestSent:
    """A message that was handed over."""

    async def test_what_arrives(
        self, worker: Worker, server: MailServer, outbox: Outbox
    ) -> None:
        """It comes from MAIL_FROM, goes to its one reader, and is named after its row,
        which no other message is."""
        message_id = await worker.put("ada@example.com")
        worker.start()
        await outbox.until_sent(message_id)
        [received] = server.received
        assert (received.sender, received.recipients) == (SENDER, ["ada@example.com"])
        assert received.message_id == name_of(message_id)

    async def test_what_is_noted(self, worker: Worker, outbox: Outbox) -> None:
        """It is noted when it was sent, and counted."""
        before = delivered()
        message_id = await worker.put("ada@example.com")
        worker.clock.tick(seconds=7)
        worker.start()
        await outbox.until_sent(message_id)
        message = await outbox.message(message_id)
        assert (message.sent_at, message.due_at) == (worker.clock(), None)
        assert (message.attempts, message.failed_at, message.error) == (1, None, None)
        assert delivered() == before + 1

    async def test_life_begins(self, worker: Worker, outbox: Outbox) -> None:
        """The time in which its link and its code can be used begins when it is
        sent, however long it waited."""
        message_id = await worker.put("ada@example.com")
        other = await worker.put(
            "bob@example.com", worker.clock() + timedelta(hours=99)
        )
        worker.clock.tick(hours=9)
        worker.start()
        await outbox.until_sent(message_id)
        sent, waiting = [await outbox.challenge_of(one) for one in (message_id, other)]
        assert sent.link_expires_at == worker.clock() + LINK_LIFE
        assert sent.code_expires_at == worker.clock() + CODE_LIFE
        assert waiting.link_expires_at == waiting.created_at + LINK_LIFE

    async def test_life_does_not_begin(
        self, worker: Worker, server: MailServer, outbox: Outbox
    ) -> None:
        """It does not while the message is not taken."""
        server.mode = Mode.RECIPIENT_LATER
        message_id = await worker.put("ada@example.com")
        worker.clock.tick(hours=9)
        worker.start()
        await outbox.until_put_off(message_id)
        challenge = await outbox.challenge_of(message_id)
        assert challenge.link_expires_at == challenge.created_at + LINK_LIFE
        assert challenge.code_expires_at == challenge.created_at + CODE_LIFE


class TestDue:
    """When a message is looked at."""

    async def test_not_before(
        self, worker: Worker, server: MailServer, outbox: Outbox
    ) -> None:
        """What is due later waits, and not even a connection is made for it."""
        due_at = worker.clock() + timedelta(minutes=1)
        message_id = await worker.put("ada@example.com", due_at)
        worker.start()
        worker.clock.tick(seconds=59)
        await worker.until_looked()
        assert server.connections == 0
        worker.clock.tick(seconds=1)
        await outbox.until_sent(message_id)

    async def test_at_once(
        self, worker: Worker, outbox: Outbox, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What this process has written goes out without waiting for the next look."""
        monkeypatch.setattr(delivery, "LOOK_SECONDS", 3600)
        worker.start()
        for number in range(3):
            await outbox.until_sent(await worker.put(f"{number}@example.com"))

    async def test_written_elsewhere(
        self, worker: Worker, settings: Settings, outbox: Outbox
    ) -> None:
        """What others have written is found at the next look."""
        worker.start()
        async with Worker(settings, worker.clock) as elsewhere:
            await outbox.until_sent(await elsewhere.put("ada@example.com"))
