"""What the server does by itself, beside answering requests."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from app.database import Database
from app.services.keys import Keys
from app.services.principals import PrincipalCache
from app.services.sessions import Sessions

logger = logging.getLogger(__name__)

WATCH_SECONDS = 0.5
"""How often the SQLite file is looked at for what the command line wrote."""

KEYS_SECONDS = 60
TIDY_SECONDS = 3600


class Background:
    """Repeats its jobs until it is stopped; a job that fails is tried again."""

    def __init__(
        self, database: Database, keys: Keys, cache: PrincipalCache, sessions: Sessions
    ) -> None:
        self._database = database
        self._keys = keys
        self._cache = cache
        self._sessions = sessions
        self._version: int | None = None
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin."""
        self._repeat(self._keys.load, KEYS_SECONDS)
        self._repeat(self._sessions.tidy, TIDY_SECONDS)
        if self._database.is_sqlite:
            self._repeat(self.watch, WATCH_SECONDS)

    async def stop(self) -> None:
        """End every job and wait until it has ended."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def watch(self) -> None:
        """Forget what is remembered if another process wrote the SQLite file."""
        seen, self._version = self._version, None
        try:
            self._version = await self._database.data_version()
        finally:
            # What can't be looked at may have changed.
            if self._version is None or self._version != seen:
                self._cache.drop_all()
        if self._version != seen:
            await self._keys.load()

    def _repeat(self, job: Callable[[], Awaitable[None]], seconds: float) -> None:
        self._tasks.append(asyncio.create_task(_forever(job, seconds)))


async def _forever(job: Callable[[], Awaitable[None]], seconds: float) -> None:
    while True:
        await asyncio.sleep(seconds)
        try:
            await job()
        except Exception as error:
            logger.error("background.failed", exc_info=error)
