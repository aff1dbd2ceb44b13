"""The cheap HTTP client: it never takes half an answer for one, nor loses a request."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from tests.faults.wire import NoAnswerError, NotConnectedError, Request, Wire

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

REQUEST = Request("POST", "/path", {"X-Name": "value"}, b"body")
GOOD = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nX-Name: Value\r\n\r\n{}"


@asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[str]:
    """Serve on a free port."""
    server = await asyncio.start_server(handler, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


@pytest.fixture
async def wire() -> AsyncIterator[Wire]:
    """A wire; what it holds open is closed."""
    made = Wire()
    yield made
    made.close()


async def read(reader: asyncio.StreamReader) -> bytes:
    """Read one request."""
    return await reader.readuntil(b"body")


class TestAsk:
    """One request."""

    async def test_answer(self, wire: Wire) -> None:
        """The request arrives whole, and so does the answer."""
        arrived = []

        async def handle(
            reader: asyncio.StreamReader, writer: asyncio.StreamWriter
        ) -> None:
            arrived.append(await read(reader))
            writer.write(GOOD)
            writer.close()

        async with serving(handle) as url:
            answer = await wire.ask(url, REQUEST, 5)
        assert (answer.status, answer.document) == (200, {})
        assert answer.header("x-name") == "Value"
        assert arrived[0].startswith(b"POST /path HTTP/1.1\r\nHost: 127.0.0.1:")
        assert b"\r\nX-Name: value\r\nContent-Length: 4\r\n\r\nbody" in arrived[0]

    async def test_connection_is_kept(self, wire: Wire) -> None:
        """Two requests, one connection."""
        connections = 0

        async def handle(
            reader: asyncio.StreamReader, writer: asyncio.StreamWriter
        ) -> None:
            nonlocal connections
            connections += 1
            for _ in range(2):
                await read(reader)
                writer.write(GOOD)
            writer.close()

        async with serving(handle) as url:
            await wire.ask(url, REQUEST, 5)
            await wire.ask(url, REQUEST, 5)
        assert connections == 1

    async def test_nobody_listens(self, wire: Wire) -> None:
        """A request that was never sent says so."""
        async with serving(lambda reader, writer: asyncio.sleep(0)) as url:
            pass
        with pytest.raises(NotConnectedError):
            await wire.ask(url, REQUEST, 5)

    @pytest.mark.parametrize(
        "part", [b"", GOOD[:40], GOOD[:-1], b"nonsense\r\n\r\n"], ids=range(4)
    )
    async def test_cut_off(self, wire: Wire, part: bytes) -> None:
        """Half an answer is none."""

        async def handle(
            reader: asyncio.StreamReader, writer: asyncio.StreamWriter
        ) -> None:
            await read(reader)
            writer.write(part)
            writer.close()

        async with serving(handle) as url:
            with pytest.raises(NoAnswerError):
                await wire.ask(url, REQUEST, 5)

    async def test_deadline(self, wire: Wire) -> None:
        """A request that misses its deadline is over when the server has answered."""
        answering = asyncio.Event()

        async def handle(
            reader: asyncio.StreamReader, writer: asyncio.StreamWriter
        ) -> None:
            await read(reader)
            await answering.wait()
            writer.write(GOOD)
            writer.close()

        async with serving(handle) as url:
            with pytest.raises(NoAnswerError) as missed:
                await wire.ask(url, REQUEST, 0.05)
            over = missed.value.over
            assert over is not None and not over.done()
            answering.set()
            await asyncio.wait_for(over, 5)
