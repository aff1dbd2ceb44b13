"""Messages that the mail server does not take."""

from datetime import timedelta

import pytest

from app.core.metrics import REGISTRY
from app.models import Message, MessageStatus
from app.services import outbox as outbox_service
from app.services.delivery import FIRST_WAIT, GIVEN_UP_AFTER, LONGEST_WAIT
from tests.mail.delivering import Outbox, Worker, name_of
from tests.support.servers.smtp import MailServer, Mode

SHORTEST, LONGEST = 0.8, 1.2
"""What of a wait is waited, by chance."""

FINAL = {
    Mode.RECIPIENT_REFUSED: "550 5.1.1 Nobody of that name",
    Mode.MESSAGE_REFUSED: "554 5.6.0 Not such a message",
    Mode.LATIN_1: "550 5.1.1 Empf nger 5.1.1 unbekannt",
}


def counted(outcome: str) -> float:
    """Return how often this process has counted such an end of a try."""
    labels = {"outcome": outcome}
    return REGISTRY.get_sample_value("cardea_mail_total", labels) or 0


def is_failed(message: Message) -> bool:
    """Tell whether a message was given up."""
    return message.status == MessageStatus.FAILED


class TestRefused:
    """A message that the server will never take."""

    @pytest.mark.parametrize("mode", FINAL, ids=lambda mode: mode.name.lower())
    async def test_given_up(
        self, worker: Worker, server: MailServer, outbox: Outbox, mode: Mode
    ) -> None:
        """It is given up at once, and what the server said is kept."""
        before = counted("given_up")
        server.mode = mode
        message_id = await worker.put("eve@example.com")
        worker.start()
        message = await outbox.until(message_id, is_failed)
        assert (message.error, message.attempts) == (FINAL[mode], 1)
        assert (message.failed_at, message.due_at) == (worker.clock(), None)
        assert counted("given_up") == before + 1

    async def test_not_tried_again(
        self, worker: Worker, server: MailServer, outbox: Outbox
    ) -> None:
        """It is not tried again by itself, and the others are sent."""
        server.mode, server.refuses_only = Mode.RECIPIENT_REFUSED, "eve@"
        eve = await worker.put("eve@example.com")
        ada = await worker.put("ada@example.com")
        worker.start()
        await outbox.until_sent(ada)
        worker.clock.tick(days=1)
        await outbox.until_sent(await worker.put("bob@example.com"))
        assert (await outbox.message(eve)).attempts == server.refused == 1

    async def test_long_answers(
        self, worker: Worker, server: MailServer, outbox: Outbox
    ) -> None:
        """Of a long answer the beginning is kept."""
        server.mode = Mode.TALKATIVE
        message_id = await worker.put("eve@example.com")
        worker.start()
        message = await outbox.until(message_id, is_failed)
        assert message.error is not None
        assert len(message.error) == 200 and message.error.startswith("550 5.1.1 Alas")

    async def test_sent_again(
        self, worker: Worker, server: MailServer, outbox: Outbox
    ) -> None:
        """An administrator can have it sent once more, under the same name."""
        server.mode = Mode.MESSAGE_REFUSED
        message_id = await worker.put("eve@example.com")
        worker.start()
        await outbox.until(message_id, is_failed)
        server.mode = Mode.GOOD
        worker.clock.tick(days=2)
        service = outbox_service.Outbox(worker.database, worker.clock)
        await service.send_again(message_id)
        await outbox.until_sent(message_id)
        message = await outbox.message(message_id)
        assert (message.attempts, message.failed_at, message.error) == (2, None, None)
        assert server.times == {name_of(message_id): 1}


class TestPutOff:
    """A message that the server may take later."""

    async def test_growing_waits(
        self, worker: Worker, server: MailServer, outbox: Outbox
    ) -> None:
        """It waits, each time twice as long up to half an hour, and is sent at last."""
        server.mode = Mode.RECIPIENT_LATER
        message_id = await worker.put("ada@example.com")
        worker.start()
        for attempt in range(1, 11):
            message = await outbox.until_put_off(message_id, attempt)
            assert message.due_at is not None
            wait = message.due_at - worker.clock()
            expected = min(FIRST_WAIT * 2 ** (attempt - 1), LONGEST_WAIT)
            assert SHORTEST * expected <= wait <= LONGEST * expected
            worker.clock.now = message.due_at
        server.mode = Mode.GOOD
        await outbox.until_sent(message_id)
        assert (await outbox.message(message_id)).error is None
        assert server.times == {name_of(message_id): 1}

    def test_waits(self) -> None:
        """The first is a quarter of a minute."""
        assert FIRST_WAIT == timedelta(seconds=15)
        assert LONGEST_WAIT == timedelta(minutes=30)

    async def test_not_all_at_once_again(
        self, worker: Worker, server: MailServer, outbox: Outbox
    ) -> None:
        """What was put off at once does not come back at once."""
        before = counted("put_off")
        server.mode = Mode.MESSAGE_LATER
        ids = [await worker.put(f"{number}@example.com") for number in range(5)]
        worker.start()
        messages = [await outbox.until_put_off(one) for one in ids]
        assert len({message.due_at for message in messages}) > 1
        assert {message.error for message in messages} == {"452 4.3.1 Disk full"}
        assert counted("put_off") == before + 5

    async def test_others_are_sent(
        self, worker: Worker, server: MailServer, outbox: Outbox
    ) -> None:
        """Meanwhile the others go their way, over the same connection."""
        server.mode, server.refuses_only = Mode.RECIPIENT_LATER, "slow@"
        slow = await worker.put("slow@example.com")
        ada = await worker.put("ada@example.com")
        worker.start()
        await outbox.until_sent(ada)
        assert (await outbox.message(slow)).status == MessageStatus.WAITING
        assert server.connections == 1

    async def test_given_up_after_a_day(
        self, worker: Worker, server: MailServer, outbox: Outbox
    ) -> None:
        """At the age of a day it is given up, and not before."""
        server.mode = Mode.RECIPIENT_LATER
        message_id = await worker.put("ada@example.com")
        worker.clock.now += GIVEN_UP_AFTER - timedelta(seconds=1)
        worker.start()
        message = await outbox.until_put_off(message_id)
        assert message.status == MessageStatus.WAITING
        worker.clock.tick(minutes=1)
        message = await outbox.until(message_id, is_failed)
        assert (message.attempts, message.error) == (2, "451 4.7.1 Come back later")
        assert GIVEN_UP_AFTER == timedelta(days=1)


class TestNotWritten:
    """A message that becomes no letter."""

    async def test_others_are_sent(
        self, worker: Worker, server: MailServer, outbox: Outbox
    ) -> None:
        """It holds nothing up, and is sent when it can be written."""

        async def poison(message: Message) -> None:
            if message.recipient.startswith("eve@"):
                raise LookupError(f"no words for {message.recipient}")

        worker.composer.always = poison
        eve = await worker.put("eve@example.com")
        ada = await worker.put("ada@example.com")
        worker.start()
        message = await outbox.until_put_off(eve)
        assert message.error == "not written: LookupError"
        await outbox.until_sent(ada)
        worker.composer.always = None
        worker.clock.tick(seconds=18)
        await outbox.until_sent(eve)
        assert server.times == {name_of(ada): 1, name_of(eve): 1}
