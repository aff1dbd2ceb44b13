"""Others who use the same database, past the code under test."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from typing import Any

import asyncpg  # type: ignore[import-untyped]

from app.core.config import Settings
from app.engines import sqlite_path

PATIENCE_MILLISECONDS = 5000


@contextmanager
def sqlite_outsider(settings: Settings) -> Iterator[sqlite3.Connection]:
    """Open the SQLite file as another program; it waits for nobody."""
    path = sqlite_path(settings.database_url)
    with closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as opened:
        yield opened


@asynccontextmanager
async def postgresql_outsider(
    settings: Settings,
) -> AsyncIterator["asyncpg.Connection[Any]"]:
    """Open the PostgreSQL database as another program."""
    url = settings.database_url.replace("+asyncpg", "")
    opened = await asyncpg.connect(url)
    try:
        yield opened
    finally:
        await opened.close()


DISABLE = "UPDATE users SET status = 'disabled' WHERE email = 'ada@example.com'"
"""What an operator may do in the database itself; the API ends mail besides."""


async def execute(settings: Settings, statement: str) -> list[tuple[Any, ...]]:
    """Run and commit one statement as another program; return its rows."""
    if settings.is_sqlite:
        return await asyncio.to_thread(_execute_on_sqlite, settings, statement)
    async with postgresql_outsider(settings) as outsider:
        return [tuple(row.values()) for row in await outsider.fetch(statement)]


async def no_transaction_is_open(
    settings: Settings, *, but_for_looks: bool = False
) -> bool:
    """Tell whether nobody is inside a transaction that has touched the roles.

    Args:
        settings: Where the database is.
        but_for_looks: Wait for a thread that is just reading, as a running app's watch
            of a SQLite file does again and again; no event loop runs meanwhile.
    """
    if settings.is_sqlite:
        with sqlite_outsider(settings) as outsider:
            if but_for_looks:
                outsider.execute(f"PRAGMA busy_timeout = {PATIENCE_MILLISECONDS}")
            # Readers and writers alike stand in the way of emptying the log.
            busy, _, _ = outsider.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        return not busy
    async with postgresql_outsider(settings) as outsider:
        return await _gets_the_roles_to_itself(outsider)


async def _gets_the_roles_to_itself(outsider: "asyncpg.Connection[Any]") -> bool:
    # A server process may still be rolling back what was cancelled: wait for it.
    await outsider.execute(f"SET lock_timeout = {PATIENCE_MILLISECONDS}")
    try:
        async with outsider.transaction():
            await outsider.execute("LOCK TABLE roles IN ACCESS EXCLUSIVE MODE")
    except asyncpg.LockNotAvailableError:
        return False
    return True


def _execute_on_sqlite(settings: Settings, statement: str) -> list[tuple[Any, ...]]:
    with sqlite_outsider(settings) as outsider:
        outsider.execute(f"PRAGMA busy_timeout = {PATIENCE_MILLISECONDS}")
        return outsider.execute(statement).fetchall()
