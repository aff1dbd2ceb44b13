"""A server that pretends to be Redis and gives one answer to everything."""

import asyncio
from contextlib import suppress

LOADING = b"-LOADING Redis is loading the dataset in memory\r\n"


class BadRedis:
    """The server; use it as an async context manager.

    Attributes:
        answer: What it says to everything it is sent; nothing ends the connection.
    """

    def __init__(self, answer: bytes) -> None:
        self.answer = answer
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    @property
    def url(self) -> str:
        """Where it is."""
        assert self._server is not None
        return f"redis://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def __aenter__(self) -> "BadRedis":
        self._server = await asyncio.start_server(self._converse, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for writer in self._writers:
            writer.close()
        await self._server.wait_closed()

    async def _converse(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._writers.add(writer)
        with suppress(OSError):
            while await reader.read(65_536) and self.answer:
                writer.write(self.answer)
                await writer.drain()
        writer.close()
