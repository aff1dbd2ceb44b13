"""How a process learns what the others have changed, and when it can't know.

A process may answer from memory only while it hears of every change: what it remembers
is vouched for by a lease of one second, which each look at the database renews. When
the database is gone, frozen or out of reach, when this process stood still, or when a
pooler in between swallows notifications, the lease runs out and all is read anew.
"""

import asyncio
import logging
import time
from abc import ABC, abstractmethod
from uuid import uuid4

from app.core.exceptions import DatabaseUnavailableError
from app.database import EVERYTHING, Changes, Channel, Database

logger = logging.getLogger(__name__)

LEASE_SECONDS = 1.0
"""For how long a look at the database vouches for what is remembered: the longest that
what another process has ended may still be answered."""

LOOK_SECONDS = 0.25
"""The pause between two looks; a few may be slow before the lease runs out."""

LOOK = "look:"
"""How the words begin that processes say to hear themselves."""

ALL: Changes = frozenset({EVERYTHING})


class Lease:
    """Until when what is remembered may be used."""

    def __init__(self) -> None:
        self.seen_at = float("-inf")
        """Every change saved before this moment of `time.monotonic()` is known."""

    @property
    def holds(self) -> bool:
        """Whether every change made over a second ago is known."""
        return time.monotonic() < self.seen_at + LEASE_SECONDS

    def renew(self, seen_at: float) -> None:
        """Vouch for what was true at this moment."""
        self.seen_at = seen_at

    def end(self) -> None:
        """Vouch for nothing any more."""
        self.seen_at = float("-inf")


class Watch(ABC):
    """Keeps a lease as long as it hears of every change."""

    def __init__(self, database: Database, lease: Lease) -> None:
        self._database = database
        self._lease = lease

    async def keep(self) -> None:
        """Go on for ever: after a failure, all over again."""
        while True:
            try:
                await self._keep_once()
            except (DatabaseUnavailableError, OSError) as error:
                cause = type(error.__cause__ or error).__name__
                logger.warning("watch.interrupted", extra={"error": cause})
            except Exception as error:
                logger.error("watch.failed", exc_info=error)
            self._lease.end()
            await asyncio.sleep(LOOK_SECONDS)

    @abstractmethod
    async def _keep_once(self) -> None:
        """Renew the lease again and again until something fails."""


class SqliteWatch(Watch):
    """Looks at the file for what the command line wrote; the server owns it else."""

    async def _keep_once(self) -> None:
        seen: int | None = None
        while True:
            looked_at = time.monotonic()
            version = await self._database.data_version()
            if version != seen:
                # Also at the first look: a new connection counts anew.
                self._database.tell(ALL)
            seen = version
            self._lease.renew(looked_at)
            await asyncio.sleep(LOOK_SECONDS)


class PostgresqlWatch(Watch):
    """Listens to PostgreSQL, and says something itself to know that it would hear.

    Notifications arrive in the order in which they were saved: who hears their own has
    heard all that came before.
    """

    def __init__(self, database: Database, lease: Lease) -> None:
        super().__init__(database, lease)
        self._own = asyncio.Event()
        self._word = ""

    async def _keep_once(self) -> None:
        async with self._database.channel(self._on_notification) as channel:
            # What was said before this channel was opened has been missed.
            self._database.tell(ALL)
            while True:
                await self.look(channel)
                await asyncio.sleep(LOOK_SECONDS)

    async def look(self, channel: Channel) -> None:
        """Renew the lease.

        Raises:
            TimeoutError: If nothing is heard while a lease lasts.
        """
        self._own.clear()
        self._word = f"{LOOK}{uuid4()}"
        looked_at = time.monotonic()
        async with asyncio.timeout(LEASE_SECONDS):
            await channel.say(self._word, within_seconds=LEASE_SECONDS)
            await self._own.wait()
        self._lease.renew(looked_at)

    def _on_notification(self, text: str) -> None:
        if text == self._word:
            self._own.set()
        elif not text.startswith(LOOK):
            self._database.tell(frozenset({text}))
