"""The mail server of a run: what it remembers of good and bad times."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest

from app.services.circuit_breaker import DependencyUnavailableError
from app.services.smtp import MailRefusedError
from tests.faults.mail_server import RecordingMailServer
from tests.mail.sending import HASTY, Client, email_to
from tests.support.servers.smtp import Mode

Known = tuple[str, bool, bool]


@pytest.fixture
async def server() -> AsyncIterator[RecordingMailServer]:
    """A server that is well."""
    async with RecordingMailServer() as server:
        yield server


async def send(server: RecordingMailServer, number: int = 1) -> None:
    """Try to hand one message over."""
    with suppress(DependencyUnavailableError, MailRefusedError):
        await Client(server.url).send(email_to(number=number))


def known(server: RecordingMailServer) -> list[Known]:
    """Return what it did with which message, and whether it said so."""
    return [(one.message, one.taken, one.said) for one in server.handled]


class TestHandled:
    """What is remembered of a message."""

    @pytest.mark.parametrize(
        ("mode", "remembered"),
        [
            (Mode.GOOD, [("1", True, True)]),
            (Mode.MESSAGE_REFUSED, [("1", False, True)]),
            (Mode.MESSAGE_LATER, []),
            (Mode.RECIPIENT_LATER, []),
            (Mode.DROP_IN_DATA, []),
            (Mode.DROP_AFTER_DATA, [("1", True, False)]),
        ],
        ids=lambda given: given.name.lower() if isinstance(given, Mode) else "",
    )
    async def test_modes(
        self, server: RecordingMailServer, mode: Mode, remembered: list[Known]
    ) -> None:
        """Taken or refused for good, and whether it was said."""
        server.mode = mode
        await send(server)
        assert known(server) == remembered

    async def test_hanging(self, server: RecordingMailServer) -> None:
        """Taken, and whoever sent it is gone before that was said."""
        server.mode = Mode.HANG_AFTER_DATA
        sending = asyncio.create_task(send(server))
        await server.until(lambda: server.taken > 0)
        sending.cancel()
        await server.until(lambda: not server.open)
        assert known(server) == [("1", True, False)]

    async def test_slow(self, server: RecordingMailServer) -> None:
        """A second goes by with each byte, until it is well again."""
        server.mode = Mode.SLOW
        with pytest.raises(DependencyUnavailableError):
            await Client(server.url, HASTY).send(email_to())
        await server.restart()
        await send(server, 2)
        assert known(server) == [("2", True, True)]

    async def test_whose(self, server: RecordingMailServer) -> None:
        """Whom it is for, and nothing of what it says."""
        await send(server)
        [one] = server.handled
        assert (one.message, one.recipient) == ("1", "ada@example.com")
        assert server.received == [] and server.heard_in_the_clear == b""

    async def test_counts(self, server: RecordingMailServer) -> None:
        """What was taken without a word is told apart."""
        await send(server, 1)
        server.mode = Mode.DROP_AFTER_DATA
        await send(server, 2)
        assert (server.taken, server.unsaid) == (2, 1)

    async def test_came_again(self, server: RecordingMailServer) -> None:
        """What was said is said of the last time."""
        server.mode = Mode.DROP_AFTER_DATA
        await send(server)
        server.mode = Mode.GOOD
        await send(server)
        assert known(server) == [("1", True, False), ("1", True, True)]


class TestRestart:
    """Being well again."""

    async def test_hanging(self, server: RecordingMailServer) -> None:
        """Who was kept waiting is cut off, and the next one is served."""
        server.mode = Mode.SILENT
        waiting = asyncio.create_task(Client(server.url).send(email_to(number=1)))
        await server.until(lambda: bool(server.open))
        await server.restart()
        with pytest.raises(DependencyUnavailableError):
            await waiting
        await send(server, 2)
        assert known(server) == [("2", True, True)]
