"""How long a request waits for the database, all its waits together.

Each wait has a deadline of its own, but a request has many of them, and a thread that
a disk keeps waiting has none. What belongs to no request, such as a job in the
background, may wait as long as it takes.

Work that must not stop half way goes on when its caller has lost patience or is gone.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, TypeVar

from starlette.types import ASGIApp, Receive, Scope, Send

Result = TypeVar("Result")


class PatienceEndedError(TimeoutError):
    """Somebody has waited long enough; what they waited for may be well."""


@dataclass
class _Patience:
    seconds_left: float


_patience: ContextVar[_Patience | None] = ContextVar("patience", default=None)


class RequestPatience:
    """Gives each request so many seconds; a plain ASGI middleware."""

    def __init__(self, app: ASGIApp, seconds: float) -> None:
        self._app = app
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything on; what the lifespan starts has all the time it needs."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        with LimitedPatience(self._seconds):
            await self._app(scope, receive, send)


class LimitedPatience:
    """Limits what all waits of its block take together."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def __enter__(self) -> None:
        """Begin with all of it."""
        self._before = _patience.set(_Patience(self._seconds))

    def __exit__(self, *_: object) -> None:
        """Go back to what there was before."""
        _patience.reset(self._before)


def refuse_the_impatient(work: Coroutine[Any, Any, Any]) -> None:
    """Begin no work for somebody who would not wait for it.

    Raises:
        PatienceEndedError: If there is no patience left.
    """
    patience = _patience.get()
    if patience is not None and patience.seconds_left <= 0:
        work.close()
        raise PatienceEndedError


@asynccontextmanager
async def patiently() -> AsyncIterator[None]:
    """Let the block go on for as long as patience lasts.

    Raises:
        TimeoutError: If that is not enough; the block has been cancelled.
    """
    with _counted() as seconds_left:
        async with asyncio.timeout(seconds_left):
            yield


class Work:
    """What goes on to its end, whether or not somebody waits for it."""

    def __init__(self) -> None:
        self._under_way: set[asyncio.Task[Any]] = set()
        self._given_up = False

    def begin(self, work: Coroutine[Any, Any, Result]) -> asyncio.Task[Result]:
        """Begin some work."""
        task = asyncio.create_task(work)
        self._under_way.add(task)
        task.add_done_callback(self._ended)
        return task

    async def end_of(self, task: asyncio.Task[Result]) -> Result:
        """Wait for work to end, even if the caller is cancelled: that comes afterwards.

        Raises:
            PatienceEndedError: If patience ends before; the work goes on.
        """
        cancelled: asyncio.CancelledError | None = None
        while not task.done() and not self._given_up:
            try:
                with _counted() as seconds_left:
                    await asyncio.wait([task], timeout=seconds_left)
            except asyncio.CancelledError as error:
                cancelled = error
            else:
                break
        if cancelled is not None:
            raise cancelled
        if not task.done():
            raise PatienceEndedError
        return task.result()

    async def end_of_all(self, seconds: float) -> None:
        """Wait until nothing is under way, but not longer than this."""
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=seconds)

    def give_up(self) -> None:
        """Have nobody wait any more for what hangs, nor for what would follow it."""
        self._given_up = bool(self._under_way)
        for task in self._under_way:
            # The event loop would cancel it when it closes, and wait: a thread can't
            # be cancelled.
            asyncio.tasks._unregister_task(task)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._under_way.discard(task)
        if not task.cancelled():
            task.exception()  # Seen, even if nobody waits for it any more.


@contextmanager
def _counted() -> Iterator[float | None]:
    patience = _patience.get()
    if patience is None:
        yield None
        return
    began = time.monotonic()
    try:
        yield max(0, patience.seconds_left)
    finally:
        patience.seconds_left -= time.monotonic() - began
