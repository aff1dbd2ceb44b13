"""A mail server that is gone for a while, or does not do what it should."""

import pytest

from app.core.config import Settings
from app.models import MessageStatus
from app.services import delivery
from app.services.letters import Letter
from tests.mail.delivering import Outbox, Worker, name_of
from tests.mail.sending import IMPATIENT
from tests.support.clock import FakeClock
from tests.support.logs import written_log
from tests.support.servers.smtp import MailServer, Mode

IN_THE_MIDDLE = [
    Mode.CLOSE_AT_MAIL,
    Mode.SENDER_REFUSED,
    Mode.RECIPIENT_421,
    Mode.MESSAGE_421,
    Mode.HANG_AT_DATA,
    Mode.DROP_IN_DATA,
]
"""What ends a connection on which a message was offered."""

SAID = {
    Mode.GOOD: "outbox.sent",
    Mode.RECIPIENT_LATER: "outbox.put_off",
    Mode.CLOSE_AT_MAIL: "outbox.put_off",
    Mode.RECIPIENT_REFUSED: "outbox.given_up",
}

MESSAGES = 4


class TestGone:
    """A server that is not there."""

    async def test_nothing_is_touched(
        self, worker: Worker, server: MailServer, outbox: Outbox
    ) -> None:
        """The messages stay as they are; once it is back all arrive, each once."""
        await server.refuse()
        ids = [await worker.put(f"{n}@example.com") for n in range(MESSAGES)]
        due_at = worker.clock()
        worker.start()
        await server.until(lambda: worker.breaker == "open")
        worker.clock.tick(hours=30)
        await worker.until_looked()
        for message in await outbox.messages():
            assert (message.attempts, message.due_at) == (0, due_at)
            assert (message.status, message.error) == (MessageStatus.WAITING, None)
        await server.recover()
        worker.wait_for_probe()
        await outbox.until_sent(*ids)
        assert server.times == {name_of(one): 1 for one in ids}

    async def test_left_alone(self, worker: Worker, server: MailServer) -> None:
        """After three failures it is not even asked, however much is due."""
        server.mode = Mode.TURNS_AWAY
        await worker.put("ada@example.com")
        worker.start()
        await server.until(lambda: worker.breaker == "open")
        await worker.until_looked()
        assert server.connections == 3

    async def test_waits_between_two_tries(
        self,
        worker: Worker,
        server: MailServer,
        outbox: Outbox,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """It neither turns round and round, nor hurries at what is written meanwhile:
        the server would not be any better."""
        monkeypatch.setattr(delivery, "LOOK_SECONDS", 3600)
        server.mode = Mode.TURNS_AWAY
        await worker.put("ada@example.com")
        worker.start()
        await server.until(lambda: server.connections == 1)
        await worker.put("bob@example.com")
        for _ in range(50):
            await outbox.messages()
        assert (server.connections, worker.breaker) == (1, "closed")


class TestInTheMiddle:
    """A server that fails with a message at hand."""

    @pytest.mark.parametrize("mode", IN_THE_MIDDLE, ids=lambda mode: mode.name.lower())
    async def test_put_off(
        self,
        settings: Settings,
        clock: FakeClock,
        server: MailServer,
        outbox: Outbox,
        mode: Mode,
    ) -> None:
        """The message is put off and never given up; all arrive, each once."""
        async with Worker(settings, clock, IMPATIENT) as worker:
            server.mode = mode
            ids = [await worker.put(f"{n}@example.com") for n in range(MESSAGES)]
            worker.start()
            message = await outbox.until_put_off(ids[0])
            assert message.error is not None and message.error.startswith("smtp is un")
            server.mode = Mode.GOOD
            worker.clock.tick(minutes=1)
            worker.wait_for_probe()
            await outbox.until_sent(*ids)
            assert server.times == {name_of(one): 1 for one in ids}

    async def test_lost_answer(
        self, worker: Worker, server: MailServer, outbox: Outbox
    ) -> None:
        """Where the server may have taken it, it is sent once more: readers see one
        mail, as it has the name it had."""
        server.mode = Mode.DROP_AFTER_DATA
        message_id = await worker.put("ada@example.com")
        worker.start()
        await outbox.until_put_off(message_id)
        server.mode = Mode.GOOD
        worker.clock.tick(minutes=1)
        await outbox.until_sent(message_id)
        assert server.times == {name_of(message_id): 2}
        first, second = server.received
        assert first.text == second.text and "ada@example.com" in first.text


class TestSecrecy:
    """What the log may not hold."""

    @pytest.mark.parametrize(("mode", "event"), SAID.items(), ids=SAID.values())
    async def test_logs(
        self,
        settings: Settings,
        clock: FakeClock,
        server: MailServer,
        outbox: Outbox,
        mode: Mode,
        event: str,
    ) -> None:
        """It tells what became of which message, and neither to whom it went nor what
        it said."""
        server.mode = mode
        with written_log(settings) as log:
            async with Worker(settings, clock) as worker:
                message_id = await worker.put("ada@example.com")
                worker.start()
                message = await outbox.until(message_id, lambda m: m.attempts > 0)
                await server.until(lambda: event in log.text)
                letter = await worker.composer.compose(message)
        # The server under test says aloud what it hears.
        ours = [line for line in log.lines() if not line["logger"].startswith("mail.")]
        [line] = [line for line in ours if line["event"] == event]
        assert line["message_id"] == str(message_id)
        assert not [one for one in _secrets(letter) if one in str(ours)]


def _secrets(letter: Letter) -> list[str]:
    assert letter.code and letter.link
    return [letter.recipient, letter.code, letter.link.partition("token=")[2]]
