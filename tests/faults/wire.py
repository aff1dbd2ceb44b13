"""Requests over plain HTTP/1.1, cheap enough to send hundreds a second beside servers.

A request that misses its deadline is not torn down: its connection stays open until the
server answers or dies, so that the caller can learn when it can do no more harm.
"""

import asyncio
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol, cast
from urllib.parse import urlsplit

import httptools

REUSABLE_SECONDS = 2.0
"""Servers close idle connections after five; one that is closed while a request is on
its way leaves the caller in doubt for nothing."""


class NotConnectedError(Exception):
    """Nobody listens: the request was never sent."""


class NoAnswerError(Exception):
    """The request was sent, and no whole answer came in time.

    Attributes:
        over: Done as soon as the server has answered after all, or has died.
    """

    def __init__(self, why: str, over: "asyncio.Future[None] | None" = None) -> None:
        super().__init__(why)
        self.over = over


@dataclass(frozen=True)
class Request:
    """What is sent; the path is the whole one."""

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    def encoded(self, host: str) -> bytes:
        """Return the bytes that go over the wire."""
        lines = [f"{self.method} {self.path} HTTP/1.1", f"Host: {host}"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        lines += [f"Content-Length: {len(self.body)}", "", ""]
        return "\r\n".join(lines).encode("latin-1") + self.body


@dataclass(frozen=True)
class Answer:
    """What came back, whole."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    @cached_property
    def document(self) -> Any:
        """The body as JSON; an empty object if it is none."""
        try:
            return json.loads(self.body) if self.body else {}
        except ValueError:
            return {}

    def header(self, name: str) -> str | None:
        """Return the first header of this name, given in lower case."""
        return next((value for key, value in self.headers if key == name), None)

    def cookies(self) -> dict[str, str]:
        """Return what `Set-Cookie` sets, without the attributes."""
        lines = [value for key, value in self.headers if key == "set-cookie"]
        pairs = [line.partition(";")[0].partition("=") for line in lines]
        return {name: value for name, _, value in pairs}


class Sender(Protocol):
    """Sends requests; a fake takes its place in unit tests."""

    async def ask(self, url: str, request: Request, deadline: float) -> Answer:
        """Return the answer of the server at this URL.

        Raises:
            NotConnectedError: If the request could not be sent at all.
            NoAnswerError: If no whole answer came within the deadline, in seconds.
        """


class Wire:
    """Sends requests over connections that it keeps open."""

    def __init__(self) -> None:
        self._idle: dict[str, list[_Connection]] = {}

    async def ask(self, url: str, request: Request, deadline: float) -> Answer:
        """See `Sender.ask`."""
        began = time.monotonic()
        connection = await self._connection(url, deadline)
        exchange = connection.send(request)
        left = began + deadline - time.monotonic()
        done, _ = await asyncio.wait([exchange], timeout=max(0.0, left))
        if not done:
            connection.over.add_done_callback(lambda _: connection.close())
            raise NoAnswerError("deadline", connection.over)
        answer = exchange.result()
        if connection.is_reusable:
            self._idle.setdefault(url, []).append(connection)
        else:
            connection.close()
        return answer

    def close(self) -> None:
        """Close what is idle."""
        for connections in self._idle.values():
            for connection in connections:
                connection.close()
        self._idle.clear()

    async def _connection(self, url: str, deadline: float) -> "_Connection":
        idle = self._idle.get(url, [])
        while idle:
            connection = idle.pop()
            if connection.is_reusable:
                return connection
            connection.close()
        address = urlsplit(url)
        assert address.hostname is not None
        loop = asyncio.get_running_loop()
        opening = loop.create_connection(
            lambda: _Connection(address.netloc), address.hostname, address.port or 80
        )
        try:
            _, made = await asyncio.wait_for(opening, deadline)
        except (OSError, TimeoutError) as error:
            raise NotConnectedError(type(error).__name__) from error
        return made


class _Connection(asyncio.Protocol):
    """One connection; carries one exchange at a time."""

    def __init__(self, host: str) -> None:
        loop = asyncio.get_running_loop()
        self._host = host
        self._transport: asyncio.Transport | None = None
        self._exchange: asyncio.Future[Answer] | None = None
        self._lost = False
        self._is_kept = False
        self._last_used = 0.0
        self.over: asyncio.Future[None] = loop.create_future()

    @property
    def is_reusable(self) -> bool:
        """Whether another request may be sent."""
        fresh = time.monotonic() - self._last_used < REUSABLE_SECONDS
        return not self._lost and self._is_kept and fresh

    def send(self, request: Request) -> "asyncio.Future[Answer]":
        """Send a request and return its answer to be."""
        loop = asyncio.get_running_loop()
        self._exchange = loop.create_future()
        # Whoever has given up waiting does not fetch the error.
        self._exchange.add_done_callback(lambda f: f.cancelled() or f.exception())
        self.over = loop.create_future()
        self._parser = httptools.HttpResponseParser(self)
        self._headers: list[tuple[str, str]] = []
        self._body = bytearray()
        if self._transport is None or self._lost:
            self._end(NoAnswerError("connection lost"))
        else:
            self._transport.write(request.encoded(self._host))
        return self._exchange

    def close(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take note of the transport."""
        # uvloop's own kind is not derived from this, but is one.
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Feed what the server sent to the parser."""
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, AttributeError) as error:
            self._end(NoAnswerError(f"not HTTP: {type(error).__name__}"))
            self.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """End what is still waiting."""
        self._lost = True
        self._end(NoAnswerError("connection lost"))

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header; called by the parser, like those below."""
        self._headers.append((name.decode("latin-1").lower(), value.decode("latin-1")))

    def on_body(self, body: bytes) -> None:
        """Keep a piece of the body."""
        self._body += body

    def on_message_complete(self) -> None:
        """Hand the answer over."""
        self._last_used = time.monotonic()
        self._is_kept = self._parser.should_keep_alive()
        status = self._parser.get_status_code()
        if status < 200:
            return  # An interim answer; the real one follows.
        self._end(Answer(status, tuple(self._headers), bytes(self._body)))

    def _end(self, result: Answer | NoAnswerError) -> None:
        if not self.over.done():
            self.over.set_result(None)
        if self._exchange is None or self._exchange.done():
            return
        if isinstance(result, Answer):
            self._exchange.set_result(result)
        else:
            self._exchange.set_exception(result)
