"""One connection: how long its client may take, and how much it may send."""

import asyncio
import math
from collections.abc import MutableMapping
from enum import Enum
from functools import partial
from typing import Any

import httptools
import uvicorn
from uvicorn.protocols.http.httptools_impl import (
    HttpToolsProtocol,
    RequestResponseCycle,
)
from uvicorn.server import ServerState

from app.api.system import STOPPING
from app.core.exceptions import (
    AppError,
    BodyTooLargeError,
    BusyError,
    HeadTooLargeError,
    MalformedRequestError,
    RequestTimeoutError,
)
from app.core.problems import Problems
from app.serving.connections import Connections
from app.serving.limits import (
    LINGER_SECONDS,
    MAXIMUM_FRAMING_BYTES,
    MAXIMUM_HEAD_BYTES,
    MAXIMUM_HEADERS,
    MAXIMUM_PIPELINED,
    PIECE_BYTES,
    Limits,
)
from app.serving.refusals import refusal


class Config(uvicorn.Config):
    """uvicorn's, with what all connections of the process share."""

    limits: Limits
    problems: Problems
    connected: Connections


class Part(Enum):
    """What the client is sending."""

    NOTHING = "nothing"
    HEAD = "head"
    BODY = "body"


class _PipelineFullError(Exception):
    """Stops the parser; the client is to send the rest on another connection."""


class Protocol(HttpToolsProtocol):
    """uvicorn's, which alone would wait for ever and take whatever comes.

    One timer runs for what the client owes: the head of a request, its body, or the
    next request. What is owed changes several times a request, so the timer is not set
    anew each time: when it rings too early, it is set to when it should have rung.
    Another runs while the client leaves an answer unread. A client that fails is
    refused in the shape of all errors: by the app if the app waits for the rest of the
    body, else from here.
    """

    config: Config

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._limits = config.limits
        self._seconds = {
            Part.NOTHING: self._limits.keep_alive_seconds,
            Part.HEAD: self._limits.head_seconds,
            Part.BODY: self._limits.body_seconds,
        }
        self._connected = config.connected
        # A client that has just connected owes a head.
        self._part = Part.HEAD
        self._messages = 0
        self._overhead = 0
        self._deaf = False
        self._lost = False
        self._cut: tuple[RequestResponseCycle, AppError] | None = None
        self._answering: RequestResponseCycle | None = None
        self._owed: tuple[Part, int] | None = None
        self._due = math.inf
        self._reading: asyncio.TimerHandle | None = None
        self._writing: asyncio.TimerHandle | None = None

    # What the transport says.

    def connection_made(  # type: ignore[override]
        self, transport: asyncio.Transport
    ) -> None:
        """Take a place, or be refused if everybody else is being answered."""
        super().connection_made(transport)
        if self._connected.admit(self):
            self._watch()
        else:
            self._refuse(BusyError())

    def connection_lost(self, exc: Exception | None) -> None:
        """Leave; the app learns that nobody reads its answer."""
        self._lost = True
        self._connected.remove(self)
        for timer in (self._reading, self._writing):
            if timer is not None:
                timer.cancel()
        if self._answering is not None:
            # With pipelined requests this is not the one that uvicorn tells.
            self._answering.disconnected = True
            self._answering.message_event.set()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on, piece by piece, until the client fails."""
        start = 0
        while start < len(data) and not self._deaf:
            piece = data[start : start + self._room()]
            start += len(piece)
            self._feed(piece)
        self._watch()

    def pause_writing(self) -> None:
        """Note that the client has stopped reading."""
        super().pause_writing()
        self._say_whose_turn()
        self._expect_reader()

    def resume_writing(self) -> None:
        """Note that it reads again."""
        super().resume_writing()
        if self._writing is not None:
            self._writing.cancel()
            self._writing = None
        self._say_whose_turn()

    def give_way(self) -> None:
        """Leave, as somebody else needs the place."""
        if self._is_answering():
            self._fail(BusyError())
        if not self._cut:
            self.transport.abort()

    def shutdown(self) -> None:
        """Close once what has been asked is answered."""
        if self._is_answering():
            self.cycle.keep_alive = False
        else:
            self.transport.close()
            self._watch()

    # What the parser says.

    def on_message_begin(self) -> None:
        """Begin to count what this request costs."""
        self._part = Part.HEAD
        self._overhead = 0
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header, but not what comes as a trailer after the body.

        uvicorn would add that to the headers that the app is looking at already.
        """
        if self._part is Part.BODY:
            return
        if len(self.headers) >= MAXIMUM_HEADERS:
            raise HeadTooLargeError
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Give the request to the app, or let it wait for the one before."""
        if len(self.pipeline) >= MAXIMUM_PIPELINED:
            self._stop_listening()
            raise _PipelineFullError
        super().on_headers_complete()
        self._part = Part.BODY

    def on_body(self, body: bytes) -> None:
        """Pass a part of the body on."""
        self._overhead -= len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Wait for nothing more."""
        self._part = Part.NOTHING
        self._messages += 1
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Go on to the next request.

        As uvicorn does, but without its timer for the next request, which would end
        while a head is on its way.
        """
        self.server_state.total_requests += 1
        if not self.transport.is_closing():
            self.flow.resume_reading()
            if self.pipeline:
                self._start_asgi_task(*self.pipeline.pop())
        self._watch()

    # What we do about it.

    def _room(self) -> int:
        """Return how much may be read before it must be looked at."""
        if self._part is Part.HEAD:
            return max(1, min(PIECE_BYTES, MAXIMUM_HEAD_BYTES - self._overhead))
        return PIECE_BYTES

    def _feed(self, piece: bytes) -> None:
        try:
            self.parser.feed_data(piece)
        except httptools.HttpParserUpgrade:
            # Whatever follows is in the language that was asked for, so it must not
            # be read as requests.
            self._stop_listening()
        except httptools.HttpParserError as error:
            if not self._deaf:
                cause = error.__context__
                own = cause if isinstance(cause, AppError) else MalformedRequestError()
                self._fail(own)
        else:
            self._overhead += len(piece)
            self._check_overhead()

    def _check_overhead(self) -> None:
        """Refuse a head without end, and a body that hardly is one."""
        if self._part is Part.HEAD and self._overhead >= MAXIMUM_HEAD_BYTES:
            self._fail(HeadTooLargeError())
        most = MAXIMUM_HEAD_BYTES + MAXIMUM_FRAMING_BYTES
        if self._part is Part.BODY and self._overhead > most:
            self._fail(BodyTooLargeError())

    def _is_answering(self) -> bool:
        """Tell whether a request has been taken that is not answered yet."""
        return self.cycle is not None and not self.cycle.response_complete

    def _watch(self) -> None:
        """Have the timer run for what the client owes now."""
        if self.transport.is_closing():
            self._expect_reader()
        if self._deaf or self.transport.is_closing():
            return
        owed: tuple[Part, int] | None = (self._part, self._messages)
        if self._part is Part.NOTHING and self._is_answering():
            owed = None
        if owed != self._owed or owed is None:
            self._await(owed)

    def _await(self, owed: tuple[Part, int] | None) -> None:
        self._owed = owed
        self._say_whose_turn()
        if owed is None:
            self._due = math.inf
            return
        self._due = self.loop.time() + self._seconds[owed[0]]
        if self._reading is None or self._due < self._reading.when():
            self._set_timer()

    def _set_timer(self) -> None:
        if self._reading is not None:
            self._reading.cancel()
        self._reading = self.loop.call_at(self._due, self._ring)

    def _ring(self) -> None:
        self._reading = None
        if self._due <= self.loop.time():
            self._be_overdue()
        elif self._due < math.inf:
            self._set_timer()

    def _say_whose_turn(self) -> None:
        """Keep the place while a request is answered that has come completely."""
        sends_body = self._part is Part.BODY and self._answering is self.cycle
        asked = self._is_answering() and (self._cut or not sends_body)
        if asked and not self.flow.write_paused:
            self._connected.works(self)
        else:
            self._connected.waits(self)

    def _be_overdue(self) -> None:
        """Refuse a slow client; one that has asked for nothing is just left."""
        silent = self._messages == 0 and self._overhead == 0
        if self._part is Part.NOTHING or silent:
            self.transport.close()
            self._watch()
        else:
            self._fail(RequestTimeoutError())

    def _fail(self, error: AppError) -> None:
        """Hear nothing more from this client, and tell it why if that is possible."""
        in_body = self._part is Part.BODY
        self._stop_listening()
        if not self._is_answering():
            # Whose body is late although it has its answer has been told enough.
            finish = self._linger if in_body else partial(self._refuse, error)
            finish()
        elif in_body:
            self._cut = (self.cycle, error)
            self.cycle.message_event.set()
        self._say_whose_turn()

    def _refuse(self, error: AppError) -> None:
        """Answer in place of the app."""
        headers = self.server_state.default_headers
        self.transport.write(refusal(self.config.problems, error, self.client, headers))
        self._linger()

    def _linger(self) -> None:
        """Close for writing, and wait a little until the client has closed too."""
        self._stop_listening()
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        self.transport.write_eof()
        self._reading = self.loop.call_later(LINGER_SECONDS, self.transport.abort)

    def _stop_listening(self) -> None:
        """Drop what comes, and close after the last answer."""
        self._deaf = True
        if self._reading is not None:
            self._reading.cancel()
            self._reading = None
        if self.cycle is not None:
            self.cycle.keep_alive = False

    def _expect_reader(self) -> None:
        """Cut the connection off if the client does not read what we have written."""
        if self._writing is None and not self._lost:
            seconds = self._limits.write_seconds
            self._writing = self.loop.call_later(seconds, self.transport.abort)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._answering = cycle
        super()._start_asgi_task(cycle, partial(self._run, cycle, app))

    async def _run(
        self,
        cycle: RequestResponseCycle,
        app: Any,
        scope: MutableMapping[str, Any],
        receive: Any,
        send: Any,
    ) -> None:
        """Run the app, which learns of its client's failure where it waits for it."""

        async def receive_in_time() -> Any:
            message = await receive()
            if self._cut and self._cut[0] is cycle and message["type"] != _GONE:
                if not cycle.response_started:
                    raise self._cut[1]
                return {"type": _GONE}
            return message

        async def send_last_when_stopping(message: Any) -> None:
            if self.app_state.get(STOPPING):
                cycle.keep_alive = False
            await send(message)

        try:
            await app(scope, receive_in_time, send_last_when_stopping)
        except asyncio.CancelledError:
            # The service stops, and the client is cut off already.
            if not cycle.disconnected:
                raise
        finally:
            if not cycle.response_complete:
                # An answer that breaks off is nobody's to complete.
                self.loop.call_soon(self._watch)


_GONE = "http.disconnect"
