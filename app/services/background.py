"""What the server does by itself, beside answering requests."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine

from app.core.exceptions import DatabaseUnavailableError
from app.services.deletion import Deletion
from app.services.invalidation import Watch
from app.services.keys import Keys
from app.services.mail import Mail
from app.services.sessions import Sessions

logger = logging.getLogger(__name__)

KEYS_SECONDS = 60
"""How often it is asked whether it is time for the next key."""

KEEP_UP_SECONDS = 1
TIDY_SECONDS = 3600
TIDY_FIRST_SECONDS = 60
"""How soon after the start: a service may never run for an hour."""

STOP_SECONDS = 1
"""How long a job may take to end: it may be waiting for a disk that hangs."""


class Background:
    """Repeats its jobs until it is stopped; a job that fails is tried again."""

    def __init__(
        self,
        watch: Watch,
        keys: Keys,
        sessions: Sessions,
        mail: Mail,
        deletion: Deletion,
    ) -> None:
        self._watch = watch
        self._keys = keys
        self._sessions = sessions
        self._mail = mail
        self._deletion = deletion
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin."""
        self._begin(self._watch.keep())
        self._begin(_forever(self._keys.keep_up, KEEP_UP_SECONDS))
        self._begin(_forever(self._keys.load, KEYS_SECONDS))
        for tidy in (self._sessions.tidy, self._mail.outbox.tidy, self._deletion.tidy):
            self._begin(_forever(tidy, TIDY_SECONDS, first=TIDY_FIRST_SECONDS))
        if self._mail.delivery is not None:
            self._begin(self._mail.delivery.keep())

    async def stop(self) -> None:
        """End every job, and wait for that as long as it is sensible."""
        if self._mail.delivery is not None:
            await self._mail.delivery.stop()
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=STOP_SECONDS)

    def _begin(self, job: Coroutine[None, None, None]) -> None:
        self._tasks.append(asyncio.create_task(job))


async def _forever(
    job: Callable[[], Awaitable[None]], seconds: float, *, first: float | None = None
) -> None:
    await asyncio.sleep(seconds if first is None else first)
    while True:
        try:
            await job()
        except DatabaseUnavailableError:
            pass  # Logged where it happened.
        except Exception as error:
            logger.error("background.failed", exc_info=error)
        await asyncio.sleep(seconds)
