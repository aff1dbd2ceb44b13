"""The recipe for each engine: pragmas, one owner, one who does the checkpoints."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.config import Settings
from app.core.exceptions import StartupError
from app.database import Database
from app.engines import OwnerLock, sqlite_path
from app.migrations import migrate
from tests.conftest import MakeSettings
from tests.support.databases import make_settings
from tests.support.outsiders import execute
from tests.support.rows import new_role

FULL = 2
COMMON = {"journal_mode": "wal", "foreign_keys": 1, "synchronous": FULL}
OWNER = {**COMMON, "query_only": 0, "wal_autocheckpoint": 1000}
GUEST = {**COMMON, "query_only": 0, "wal_autocheckpoint": 0}
POSTGRESQL = {
    "application_name": "cardea",
    "lock_timeout": "3s",
    "statement_timeout": "3s",
    "idle_in_transaction_session_timeout": "6s",
}
READER = {**COMMON, "query_only": 1, "wal_autocheckpoint": 0}


SECONDS = 3


@pytest.fixture
async def sqlite(tmp_path: Path) -> Settings:
    """Settings of a migrated SQLite file, whatever the suite runs on."""
    url = f"sqlite+aiosqlite:///{tmp_path}/here.db"
    settings = make_settings(url, database_timeout_seconds=SECONDS)
    await migrate(settings)
    return settings


@pytest.fixture
async def opened(sqlite: Settings) -> AsyncIterator[Database]:
    """The file as its server has it open."""
    database = Database(sqlite)
    yield database
    await database.close()


async def pragmas(session: AsyncSession) -> dict[str, object]:
    """Return what a session's connection has set."""
    names = [*OWNER, "busy_timeout"]
    return {name: await session.scalar(text(f"PRAGMA {name}")) for name in names}


class TestPragmas:
    """What is set on every SQLite connection."""

    async def test_of_the_writer(self, sqlite: Settings, opened: Database) -> None:
        """The server's writer is durable, and does the checkpoints."""
        async with opened.writing() as session:
            assert await pragmas(session) == {**OWNER, "busy_timeout": 3000}

    async def test_one_connection_writes(self, opened: Database) -> None:
        """Writers wait for the one connection, in the order in which they came."""
        order = list[int]()

        async def write(number: int) -> None:
            async with opened.writing() as session:
                await session.execute(text("SELECT 1"))
                order.append(number)

        async with opened.writing() as session:
            await session.execute(text("SELECT 1"))
            waiting = [asyncio.create_task(write(number)) for number in range(10)]
            await asyncio.sleep(0)
        await asyncio.gather(*waiting)
        assert order == list(range(10))

    async def test_driver_begins_nothing(
        self, sqlite: Settings, opened: Database
    ) -> None:
        """Transactions begin with our statement; the driver's guess is switched off."""
        for block in (opened.reading, opened.writing):
            async with block() as session:
                connection = await session.connection()
                raw = await connection.get_raw_connection()
                assert raw.driver_connection is not None
                assert raw.driver_connection.isolation_level is None

    async def test_of_a_writer_beside_the_server(self, sqlite: Settings) -> None:
        """The command line never does a checkpoint: there must be only one who does."""
        beside = Database(sqlite, is_owner=False)
        async with beside.writing() as session:
            assert await pragmas(session) == {**GUEST, "busy_timeout": 3000}
        await beside.close()

    async def test_of_the_readers(self, sqlite: Settings, opened: Database) -> None:
        """Readers can't write and never do a checkpoint."""
        async with opened.reading() as session:
            assert await pragmas(session) == {**READER, "busy_timeout": 3000}


class TestDeadlines:
    """How long a connection waits for anything."""

    async def test_of_each_database(self, make: MakeSettings) -> None:
        """No statement, lock or forgotten transaction outlasts its deadline."""
        settings = make(database_timeout_seconds=SECONDS)
        asked, expected = (
            (["PRAGMA busy_timeout"], [3000])
            if settings.is_sqlite
            else ([f"SHOW {name}" for name in POSTGRESQL], list(POSTGRESQL.values()))
        )
        database = Database(settings)
        async with database.writing() as session:
            assert [await session.scalar(text(ask)) for ask in asked] == expected
        await database.close()


class TestDataVersion:
    """`Database.data_version()`."""

    async def test_changes_on_another_programs_write(
        self, sqlite: Settings, opened: Database
    ) -> None:
        """What another program saves is noticed."""
        before = await opened.data_version()
        await execute(sqlite, "CREATE TABLE other (x)")
        assert await opened.data_version() != before

    async def test_stays_on_our_own_write(
        self, sqlite: Settings, opened: Database
    ) -> None:
        """What this process saves is no news to it."""
        before = await opened.data_version()
        async with opened.writing() as session:
            session.add(new_role("editor"))
        assert await opened.data_version() == before

    async def test_opens_no_transaction(
        self, sqlite: Settings, opened: Database
    ) -> None:
        """Looking takes no lock that the command line would have to wait for."""
        await opened.data_version()
        await execute(sqlite, "BEGIN IMMEDIATE")


class TestOwnerLock:
    """`OwnerLock`, which one server holds for its SQLite file."""

    @pytest.fixture
    def file(self, tmp_path: Path) -> Settings:
        """Settings of a SQLite file, whatever the suite runs on."""
        return make_settings(f"sqlite+aiosqlite:///{tmp_path}/here.db")

    @pytest.fixture
    def held(self, file: Settings) -> Iterator[OwnerLock]:
        """The lock of the server that came first."""
        lock = OwnerLock(file)
        lock.acquire()
        yield lock
        lock.release()

    def test_refuses_a_second_server(self, file: Settings, held: OwnerLock) -> None:
        """The second server is told in one line what it would take."""
        with pytest.raises(StartupError) as refused:
            OwnerLock(file).acquire()
        message = str(refused.value)
        assert "PostgreSQL" in message and "here.db" in message
        assert "\n" not in message

    def test_is_the_same_through_a_link(
        self, file: Settings, held: OwnerLock, tmp_path: Path
    ) -> None:
        """Another name of the same file is no way around the lock."""
        (tmp_path / "link.db").symlink_to(tmp_path / "here.db")
        linked = make_settings(f"sqlite+aiosqlite:///{tmp_path}/link.db")
        with pytest.raises(StartupError):
            OwnerLock(linked).acquire()

    def test_is_free_after_release(self, file: Settings, held: OwnerLock) -> None:
        """When a server has stopped, the next one gets the file."""
        held.release()
        following = OwnerLock(file)
        following.acquire()
        following.release()

    @pytest.mark.parametrize("is_file", [False, True], ids=["none", "a file"])
    def test_names_a_folder_that_is_none(self, tmp_path: Path, is_file: bool) -> None:
        """A mistyped path is refused in one line, and makes no folder."""
        gone = make_settings(f"sqlite+aiosqlite:///{tmp_path}/gone/here.db")
        if is_file:
            (tmp_path / "gone").write_text("a file, no folder")
        with pytest.raises(StartupError, match="can't be used") as refused:
            OwnerLock(gone).acquire()
        assert "\n" not in str(refused.value)
        assert not (tmp_path / "gone").is_dir()

    def test_names_a_lock_that_can_not_be_taken(self, file: Settings) -> None:
        """So is a lock that the system refuses."""
        Path(f"{sqlite_path(file.database_url)}.lock").mkdir()
        with pytest.raises(StartupError, match="can't be used") as refused:
            OwnerLock(file).acquire()
        assert "\n" not in str(refused.value)

    def test_does_not_touch_the_database(self, file: Settings, held: OwnerLock) -> None:
        """The lock is a file of its own; copying the database copies no lock."""
        path = sqlite_path(file.database_url)
        assert not os.path.exists(path)
        assert os.path.exists(f"{path}.lock")


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("sqlite+aiosqlite:///./cardea.db", "./cardea.db"),
        ("sqlite+aiosqlite:////data/cardea.db", "/data/cardea.db"),
        ("sqlite+aiosqlite:///cardea.db?timeout=3", "cardea.db"),
    ],
    ids=["relative", "absolute", "options"],
)
def test_a_url_names_a_file(url: str, path: str) -> None:
    """The path is what stands between the slashes and the options."""
    assert sqlite_path(url) == path
