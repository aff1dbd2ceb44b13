"""How often SQLite's thread is asked, and what is told of errors."""

import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import aiosqlite
import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine

from app.database import Database
from app.migrations import migrate
from app.sqlite_driver import Driver
from tests.support.databases import make_settings
from tests.support.rows import names_of_roles, new_role


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[AsyncEngine]:
    """A file with one table, opened with our driver."""
    url = f"sqlite+aiosqlite:///{tmp_path}/here.db"
    engine = create_async_engine(url, module=Driver())
    async with engine.begin() as connection:
        await connection.execute(text("CREATE TABLE t (id INTEGER PRIMARY KEY, n INT)"))
    yield engine
    await engine.dispose()


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[Database]:
    """A migrated SQLite file, whatever the suite runs on."""
    settings = make_settings(f"sqlite+aiosqlite:///{tmp_path}/service.db")
    await migrate(settings)
    database = Database(settings)
    async with database.writing() as session:
        await session.connection()
    yield database
    await database.close()


@contextmanager
def turns(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[object]]:
    """Collect what the thread is asked to do."""
    asked: list[object] = []
    execute: Any = aiosqlite.Connection._execute

    async def counted(self: Any, function: Any, *args: Any, **kwargs: Any) -> Any:
        asked.append(function)
        return await execute(self, function, *args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(aiosqlite.Connection, "_execute", counted)
        yield asked


class TestTurns:
    """Turns of the driver's thread."""

    async def test_one_each(
        self, service: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Beginning, each statement and committing take one each, and leaving none."""
        with turns(monkeypatch) as asked:
            async with service.writing() as session:
                await names_of_roles(session)
                await names_of_roles(session)
        assert len(asked) == 4

    async def test_rolled_back(
        self, service: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What is not committed takes another one, and is gone."""
        with turns(monkeypatch) as asked, pytest.raises(ZeroDivisionError):
            async with service.writing() as session:
                session.add(new_role("gone"))
                await session.flush()
                raise ZeroDivisionError
        assert len(asked) == 3
        async with service.reading() as session:
            assert await names_of_roles(session) == set()


class TestResults:
    """What is known after a statement."""

    async def test_rows(self, engine: AsyncEngine) -> None:
        """Rows come in their order, with the names of their columns."""
        async with engine.begin() as connection:
            insert = text("INSERT INTO t (n) VALUES (:n)")
            await connection.execute(insert, [{"n": n} for n in (30, 10, 20)])
            found = await connection.execute(text("SELECT id, n FROM t ORDER BY n"))
            rows = [dict(row) for row in found.mappings()]
        assert rows == [{"id": 2, "n": 10}, {"id": 3, "n": 20}, {"id": 1, "n": 30}]

    async def test_no_rows(self, engine: AsyncEngine) -> None:
        """A question without an answer has none."""
        async with AsyncSession(engine) as session:
            assert await session.scalar(text("SELECT n FROM t")) is None

    async def test_counts(self, engine: AsyncEngine) -> None:
        """How many rows were changed is known, and the id of a new one."""
        async with engine.begin() as connection:
            made = await connection.execute(text("INSERT INTO t (n) VALUES (1)"))
            assert made.lastrowid == 1
            changed = await connection.execute(text("UPDATE t SET n = 2"))
            assert changed.rowcount == 1
            changed = await connection.execute(text("UPDATE t SET n = 3 WHERE n = 9"))
            assert changed.rowcount == 0

    async def test_same_as_without_it(self, engine: AsyncEngine) -> None:
        """What is saved is what anybody else finds in the file."""
        async with engine.begin() as connection:
            await connection.execute(text("INSERT INTO t (n) VALUES (7)"))
        with closing(sqlite3.connect(str(engine.url.database))) as outsider:
            assert outsider.execute("SELECT n FROM t").fetchall() == [(7,)]


class TestErrors:
    """What the thread stumbles over."""

    async def test_are_sqlalchemys(self, engine: AsyncEngine) -> None:
        """They arrive as SQLAlchemy's, with SQLite's own code."""
        insert = text("INSERT INTO t (id) VALUES (1)")
        async with engine.begin() as connection:
            await connection.execute(insert)
        with pytest.raises(IntegrityError) as refused:
            async with engine.begin() as connection:
                await connection.execute(insert)
        assert getattr(refused.value.orig, "sqlite_errorname", "").startswith(
            "SQLITE_CONSTRAINT"
        )

    async def test_closed_by_somebody_else(
        self, engine: AsyncEngine, caplog: pytest.LogCaptureFixture
    ) -> None:
        """A connection that is closed has nothing to roll back."""
        async with engine.connect() as connection:
            raw = await connection.get_raw_connection()
            assert raw.driver_connection is not None
            await raw.driver_connection.close()
        assert caplog.messages == []

    async def test_spoil_nothing(self, engine: AsyncEngine) -> None:
        """The connection goes on working."""
        with pytest.raises(OperationalError):
            async with engine.begin() as connection:
                await connection.execute(text("SELECT * FROM nowhere"))
        async with engine.begin() as connection:
            assert (await connection.execute(text("SELECT 1"))).scalar() == 1
