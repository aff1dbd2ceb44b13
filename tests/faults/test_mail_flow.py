"""Whether it is noticed that a breaker stays as it is, or that no mail flows."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest

from tests.faults.mail_flow import breakers_are, mail_flows
from tests.faults.mail_server import RecordingMailServer
from tests.mail.sending import Client

SECONDS = 0.5
READY, FORGOT = "/health/ready", "/api/v1/auth/password/forgot"


class FakeServer:
    """A server with a breaker, as seen from outside.

    Attributes:
        states: The states that it tells of, one after the other; the last one stays.
        asked: The paths that it was asked for.
        mail: Where it hands mail in that it is asked for, if it does.
    """

    def __init__(self, *states: str) -> None:
        self.states = list(states)
        self.asked: list[str] = []
        self.mail: RecordingMailServer | None = None
        self.url = ""

    async def answer(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Answer one request."""
        line = await reader.readline()
        path = line.decode().split(" ")[1]
        self.asked.append(path)
        if path == FORGOT and self.mail is not None:
            await Client(self.mail.url).send()
        body = json.dumps({"breakers": {"smtp": {"state": self.states[0]}}})
        if path == READY and len(self.states) > 1:
            del self.states[0]
        head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\nConnection: close"
        writer.write(f"{head}\r\n\r\n{body}".encode())
        await writer.drain()
        writer.close()


@pytest.fixture
async def server() -> AsyncIterator[FakeServer]:
    """A server whose breaker is closed."""
    fake = FakeServer("closed")
    listening = await asyncio.start_server(fake.answer, "127.0.0.1", 0)
    fake.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    async with listening:
        yield fake


@pytest.fixture
async def mail() -> AsyncIterator[RecordingMailServer]:
    """A mail server that is well."""
    async with RecordingMailServer() as mail:
        yield mail


class TestBreakers:
    """breakers_are()."""

    async def test_becomes_so(self, server: FakeServer) -> None:
        """It is waited for."""
        server.states = ["closed", "closed", "open"]
        assert await breakers_are([server.url], {"open"}, 10)

    async def test_never(self, server: FakeServer) -> None:
        """It is not waited for without end."""
        assert not await breakers_are([server.url], {"open"}, SECONDS)

    async def test_nobody_there(self) -> None:
        """A server that does not answer has no breaker in any state."""
        assert not await breakers_are(["http://127.0.0.1:9"], {"closed"}, SECONDS)

    async def test_half_open(self, server: FakeServer) -> None:
        """Who may try again is given something to send."""
        server.states = ["half_open", "closed"]
        assert await breakers_are([server.url], {"closed"}, 10)
        assert server.asked == [READY, FORGOT, READY]


class TestFlows:
    """mail_flows()."""

    async def test_flows(self, server: FakeServer, mail: RecordingMailServer) -> None:
        """What is asked for arrives."""
        server.mail = mail
        assert await mail_flows([server.url], mail, 10)

    async def test_does_not_arrive(
        self, server: FakeServer, mail: RecordingMailServer
    ) -> None:
        """Nothing arrives, though the breaker is closed."""
        assert not await mail_flows([server.url], mail, SECONDS)

    async def test_stays_open(
        self, server: FakeServer, mail: RecordingMailServer
    ) -> None:
        """The breaker is open although mail comes from elsewhere."""
        server.states, server.mail = ["open"], mail
        assert not await mail_flows([server.url], mail, SECONDS)
