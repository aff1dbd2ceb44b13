"""Callers who have waited long enough, and the work that goes on without them."""

import asyncio
import gc
import threading
import time
from collections.abc import AsyncIterator, Awaitable
from contextlib import suppress
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.exceptions import DatabaseUnavailableError
from app.core.patience import LimitedPatience, patiently
from app.database import Changes, Database, note_change
from app.migrations import migrate
from app.models import Role
from tests.support.databases import make_settings
from tests.support.rows import names_of_roles, new_role

PATIENCE = 0.2


class Disk:
    """Holds up the thread that writes."""

    def __init__(self) -> None:
        self.well = threading.Event()

    async def hang(self, session: AsyncSession) -> None:
        """Let nothing more be written in this transaction."""
        raw = await (await session.connection()).get_raw_connection()
        assert raw.driver_connection is not None
        raw.driver_connection._tx.put_nowait((None, self.well.wait))


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    """A SQLite file: only a thread can hang for ever."""
    settings = make_settings(
        f"sqlite+aiosqlite:///{tmp_path}/here.db", database_timeout_seconds=5
    )
    await migrate(settings)
    opened = Database(settings)
    yield opened
    await opened.close()


@pytest.fixture
async def disk(database: Database) -> AsyncIterator[Disk]:
    """What the file is on; well again at the end."""
    made = Disk()
    yield made
    made.well.set()


async def refused_in_time(work: Awaitable[object]) -> None:
    """Expect 503 as soon as patience ends."""
    began = time.monotonic()
    with pytest.raises(DatabaseUnavailableError), LimitedPatience(PATIENCE):
        await work
    assert PATIENCE <= time.monotonic() - began + 0.01 < 5 * PATIENCE


async def add(database: Database, disk: Disk, name: str, when: str) -> None:
    """Add a role; the disk begins to hang while this is done."""
    async with database.writing() as session:
        session.add(new_role(name))
        note_change(session, name)
        if when == "statement":
            await disk.hang(session)
            await session.flush()
        await session.flush()
        await disk.hang(session)


async def begin(database: Database) -> None:
    """Begin to write."""
    async with database.writing() as session:
        await session.connection()


async def roles(database: Database) -> set[str]:
    """Return what is saved."""
    async with database.reading() as session:
        return await names_of_roles(session)


class TestGivingUp:
    """Work whose caller has lost patience."""

    async def test_statement(self, database: Database, disk: Disk) -> None:
        """A statement ends later, and its transaction is rolled back."""
        heard = list[Changes]()
        database.on_change(heard.append)
        await refused_in_time(add(database, disk, "late", "statement"))
        disk.well.set()
        await add_in_time(database, "next")
        assert await roles(database) == {"next"}
        assert heard == [frozenset({"next"})]

    async def test_commit(self, database: Database, disk: Disk) -> None:
        """A commit ends later, and only then are the listeners told; the connection is
        nobody else's before."""
        heard = list[Changes]()
        database.on_change(heard.append)
        await refused_in_time(add(database, disk, "late", "commit"))
        next_one = asyncio.create_task(add_in_time(database, "next"))
        await asyncio.sleep(0.05)
        assert (heard, await roles(database)) == ([], set())
        disk.well.set()
        await next_one
        assert await roles(database) == {"late", "next"}
        assert heard == [frozenset({"late"}), frozenset({"next"})]

    async def test_closing(self, database: Database, disk: Disk) -> None:
        """What has been read is not lost although closing takes long."""
        with LimitedPatience(PATIENCE):
            async with database.reading() as session:
                assert await names_of_roles(session) == set()
                close = session.close

                async def slow_close() -> None:
                    await asyncio.to_thread(disk.well.wait)
                    await close()

                session.close = slow_close  # type: ignore[method-assign]
        disk.well.set()
        await add_in_time(database, "next")
        assert await roles(database) == {"next"}

    async def test_beginning(self, database: Database) -> None:
        """Who gives up while others write leaves nothing begun."""
        async with database.writing() as held:
            await held.connection()
            await refused_in_time(begin(database))
        await add_in_time(database, "next")
        assert await roles(database) == {"next"}

    async def test_leaves_nothing_unsaid(
        self, database: Database, disk: Disk, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Nobody misses the error of work that fails after its caller has gone."""

        async def add_twice() -> None:
            async with database.writing() as session:
                session.add(new_role("first"))
                await session.flush()
                await disk.hang(session)
                session.add(new_role("first"))
                await session.flush()

        await refused_in_time(add_twice())
        disk.well.set()
        await database.close()
        gc.collect()
        assert await roles(database) == set()
        assert not [text for text in caplog.messages if "never retrieved" in text]

    async def test_close_waits_for_it(self, database: Database, disk: Disk) -> None:
        """Closing the database lets a commit end that nobody waits for."""
        await refused_in_time(add(database, disk, "late", "commit"))
        closing = asyncio.create_task(database.close())
        await asyncio.sleep(0.05)
        assert not closing.done()
        disk.well.set()
        await closing
        assert await roles(database) == {"late"}


async def add_in_time(database: Database, name: str) -> None:
    """Add a role on a disk that is well."""
    async with database.writing() as session:
        session.add(new_role(name))
        note_change(session, name)


class TestBudget:
    """What a caller's patience is spent on."""

    async def test_is_for_all_waits_together(self) -> None:
        """Several waits share it, each shorter than the whole."""
        with LimitedPatience(PATIENCE), pytest.raises(TimeoutError):
            for waits in range(4):
                async with patiently():
                    await asyncio.sleep(PATIENCE / 3)
        assert waits in (2, 3)

    async def test_is_not_spent_elsewhere(self, database: Database) -> None:
        """What a request does besides, such as hashing, costs none of it."""
        with LimitedPatience(PATIENCE):
            await asyncio.sleep(PATIENCE * 1.5)
            assert await roles(database) == set()

    async def test_each_wait_counts_once(self, database: Database) -> None:
        """A question that asks another one does not spend twice."""

        async with database.reading() as session:
            raw = await (await session.connection()).get_raw_connection()
            driver = raw.driver_connection
            assert driver is not None
            driver._tx.put_nowait((None, lambda: time.sleep(0.7 * PATIENCE)))
            with LimitedPatience(PATIENCE):
                await session.scalars(select(Role))
                async with patiently():
                    await asyncio.sleep(0)

    async def test_nothing_is_begun_without_it(self, database: Database) -> None:
        """Who is refused for having waited too long has not changed anything after."""
        with LimitedPatience(PATIENCE), pytest.raises(DatabaseUnavailableError):
            async with database.writing() as session:
                session.add(new_role("late"))
                await session.flush()
                with suppress(TimeoutError):
                    async with patiently():
                        await asyncio.sleep(2 * PATIENCE)
        await add_in_time(database, "next")
        assert await roles(database) == {"next"}

    async def test_is_unlimited_without_a_request(self) -> None:
        """A job in the background waits as long as it takes."""
        async with patiently():
            await asyncio.sleep(2 * PATIENCE)
