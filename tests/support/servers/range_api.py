"""A local server that speaks the range API of Have I Been Pwned, well or badly."""

import asyncio
import hashlib
from collections.abc import Iterable
from enum import Enum


class Mode(Enum):
    """How the server treats a request."""

    GOOD = "answers as the real one does"
    HANG = "never answers"
    STALL = "begins an answer and never ends it"
    ERROR = "answers 500"
    GARBAGE = "answers well, but with a line of HTML at the end"
    EMPTY = "answers 200 with nothing"
    NO_HTTP = "answers with bytes that are not HTTP"
    HUGE = "answers well, but with 300 KiB of padding"
    REDIRECT = "sends the client to /moved, where all passwords are breached"


def sha1(password: str) -> str:
    """Return the hash of a password as the range API writes it."""
    return hashlib.sha1(password.encode()).hexdigest().upper()


class RangeApi:
    """The server; use it as an async context manager.

    Attributes:
        mode: How it treats the next request.
        breached: The passwords it knows.
        padding: Passwords whose hashes it sends as padding, so with count 0.
        requests: Path and headers (names in lower case) of what it was asked.
        connections: How many connections it has accepted.
    """

    def __init__(self, breached: Iterable[str] = (), padding: Iterable[str] = ()):
        self.mode = Mode.GOOD
        self.breached = list(breached)
        self.padding = list(padding)
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.connections = 0
        self._port = 0
        self._server: asyncio.Server | None = None
        self._conversations: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self._port}"

    async def __aenter__(self) -> "RangeApi":
        await self.recover()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.refuse()

    async def recover(self) -> None:
        """Listen (again, on the same port) and answer well."""
        self.mode = Mode.GOOD
        if self._server is None:
            host = "127.0.0.1"
            self._server = await asyncio.start_server(self._accept, host, self._port)
            self._port = self._server.sockets[0].getsockname()[1]

    async def refuse(self) -> None:
        """Refuse connections, and break off those there are."""
        if self._server is not None:
            self._server.close()
            for conversation in self._conversations:
                conversation.cancel()
            await asyncio.gather(*self._conversations, return_exceptions=True)
            await self._server.wait_closed()
            self._server = None

    def _accept(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.connections += 1
        conversation = asyncio.create_task(self._converse(reader, writer))
        self._conversations.add(conversation)
        conversation.add_done_callback(self._conversations.discard)

    async def _converse(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        try:
            path = await self._read_request(reader)
            writer.write(self.answer(path))
            await writer.drain()
            if self.mode in (Mode.HANG, Mode.STALL):
                await asyncio.Event().wait()
        except (OSError, asyncio.IncompleteReadError):
            pass  # The client has gone, as it may.
        finally:
            writer.close()

    async def _read_request(self, reader: asyncio.StreamReader) -> str:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("ascii")
        request_line, *lines = head.strip().split("\r\n")
        path = request_line.split(" ")[1]
        headers = (line.split(": ", 1) for line in lines)
        self.requests.append((path, {name.lower(): value for name, value in headers}))
        return path

    def answer(self, path: str) -> bytes:
        """Return the whole answer to a request for this path."""
        good = _head(200) + self.lines(path[-5:])
        answers = {
            Mode.GOOD: good,
            Mode.HANG: b"",
            Mode.STALL: good[:-20],
            Mode.ERROR: _head(500) + self.lines(path[-5:]),
            Mode.GARBAGE: good + b"<p>Please sign in to this network.</p>",
            Mode.EMPTY: _head(200),
            Mode.NO_HTTP: b"\x00\x01\x02 220 mail.example.org ESMTP\r\n\r\n",
            Mode.HUGE: good + self.lines("") * 400,
            Mode.REDIRECT: _head(302, f"Location: {self.url}/moved{path}\r\n"),
        }
        return good if path.startswith("/moved") else answers[self.mode]

    def lines(self, prefix: str) -> bytes:
        """Return the known hashes of this range, and some that are padding."""
        counts = {sha1(str(number))[5:]: 0 for number in range(20)}
        counts |= {sha1(p)[5:]: 0 for p in self.padding if sha1(p)[:5] == prefix}
        counts |= {sha1(p)[5:]: 37 for p in self.breached if sha1(p)[:5] == prefix}
        return "".join(f"{s}:{n}\r\n" for s, n in sorted(counts.items())).encode()


def _head(status: int, more: str = "") -> bytes:
    return (
        f"HTTP/1.1 {status} Whatever\r\nContent-Type: text/plain\r\n"
        f"Connection: close\r\n{more}\r\n"
    ).encode()
