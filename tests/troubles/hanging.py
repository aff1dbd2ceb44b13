"""A service whose SQLite file hangs when it is to stop; it ends all the same.

python -m tests.troubles.hanging sqlite+aiosqlite:///... writer|everything
"""

import asyncio
import sys
import threading
import time
from contextlib import AsyncExitStack
from typing import Any

from app.core.clock import utc_now
from app.core.exceptions import DatabaseUnavailableError
from app.core.patience import LimitedPatience
from app.database import Database
from app.engines import SQLITE_READERS
from app.main import running
from app.services.background import KEEP_UP_SECONDS
from app.services.invalidation import LEASE_SECONDS
from tests.support.databases import make_settings
from tests.support.rows import new_role


async def hang(database: Database, what: str) -> None:
    """Hold threads up, and have somebody wait in vain for the one that writes."""
    drivers: list[Any] = []
    async with AsyncExitStack() as stack:
        sessions = [await stack.enter_async_context(database.writing())]
        if what == "everything":
            readers = [database.reading() for _ in range(SQLITE_READERS)]
            sessions += [await stack.enter_async_context(one) for one in readers]
        for session in sessions:
            connection = await session.connection()
            drivers.append((await connection.get_raw_connection()).driver_connection)
    for driver in drivers:
        driver._tx.put_nowait((None, threading.Event().wait))
    try:
        with LimitedPatience(0.1):
            async with database.writing() as session:
                session.add(new_role("late"))
    except DatabaseUnavailableError:
        return
    raise AssertionError("it did not hang")


async def main(url: str, what: str) -> float:
    """Start, hang, and return when it was to stop."""
    settings = make_settings(url, database_timeout_seconds=60)
    async with running(settings, utc_now) as services:
        await hang(services.database, what)
        # Now the watch waits for it too, and whatever keeps up with the keys.
        await asyncio.sleep(LEASE_SECONDS + KEEP_UP_SECONDS)
        return time.monotonic()


if __name__ == "__main__":
    with asyncio.Runner() as runner:
        began = runner.run(main(*sys.argv[1:]))
    print(f"{time.monotonic() - began:.2f}")
