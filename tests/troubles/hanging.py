"""A service whose SQLite file hangs when it is to stop; it ends all the same.

python -m tests.troubles.hanging sqlite+aiosqlite:///...
"""

import asyncio
import sys
import threading
import time

from app.core.clock import utc_now
from app.core.exceptions import DatabaseUnavailableError
from app.core.patience import limited_patience
from app.database import Database
from app.main import running
from app.services.invalidation import LOOK_SECONDS
from tests.support.databases import make_settings
from tests.support.rows import new_role


async def hang(database: Database) -> None:
    """Hold the thread up that writes, and have somebody wait for it in vain."""
    async with database.writing() as session:
        raw = await (await session.connection()).get_raw_connection()
        driver = raw.driver_connection
    assert driver is not None
    driver._tx.put_nowait((None, threading.Event().wait))
    try:
        with limited_patience(0.1):
            async with database.writing() as session:
                session.add(new_role("late"))
    except DatabaseUnavailableError:
        return
    raise AssertionError("it did not hang")


async def main(url: str) -> float:
    """Start, hang, and return when it was to stop."""
    settings = make_settings(url, database_timeout_seconds=60)
    async with running(settings, utc_now) as services:
        await hang(services.database)
        await asyncio.sleep(2 * LOOK_SECONDS)  # Now the watch waits for it too.
        return time.monotonic()


if __name__ == "__main__":
    with asyncio.Runner() as runner:
        began = runner.run(main(sys.argv[1]))
    print(f"{time.monotonic() - began:.2f}")
