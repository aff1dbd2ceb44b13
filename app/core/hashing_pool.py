"""Where hashing runs: a few threads at low priority behind a bounded queue."""

import asyncio
import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from app.core.exceptions import BusyError
from app.core.metrics import HASHING_JOBS, HASHING_REFUSED

Result = TypeVar("Result")

NICENESS = 10
"""bcrypt gives way to the event loop's thread, so that all else stays fast."""

SECONDS_PER_WAITING = 0.25
"""About what one hash at the default cost takes, to estimate `Retry-After`."""


class HashingPool:
    """Runs one function per core at a time and lets so many more wait.

    When the queue is full the next caller is refused at once: a short answer now is
    worth more than a right one in a minute.
    """

    def __init__(self, queue_size: int, threads: int | None = None) -> None:
        self._threads = threads or os.cpu_count() or 1
        self._queue_size = queue_size
        self._places = threading.BoundedSemaphore(self._threads + queue_size)
        self._executor = ThreadPoolExecutor(
            self._threads, "hashing", initializer=_give_way
        )

    async def run(self, function: Callable[..., Result], *args: Any) -> Result:
        """Run the function on a hashing thread and return what it returns.

        A caller that is cancelled while waiting gives up its place in the queue.

        Raises:
            BusyError: If as many are waiting as may.
        """
        if not self._places.acquire(blocking=False):
            HASHING_REFUSED.inc()
            raise BusyError(int(self._queue_size * SECONDS_PER_WAITING / self._threads))
        future = self._executor.submit(function, *args)
        HASHING_JOBS.inc()
        future.add_done_callback(self._free_a_place)
        return await asyncio.wrap_future(future)

    def close(self) -> None:
        """Drop what waits; what runs ends by itself."""
        self._executor.shutdown(wait=False, cancel_futures=True)

    def _free_a_place(self, _: Future[Any]) -> None:
        self._places.release()
        HASHING_JOBS.dec()


def _give_way() -> None:
    # Linux gives each thread a priority of its own; elsewhere it would slow us all.
    if sys.platform == "linux":
        # A server that is started at a lower one yet may not raise itself.
        niceness = max(NICENESS, os.getpriority(os.PRIO_PROCESS, 0))
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), niceness)
