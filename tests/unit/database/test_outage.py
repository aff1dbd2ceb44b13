"""Databases that do not answer: 503 within the deadline, and nothing else."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import httpx2
import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, ProgrammingError

from app.core.config import Settings
from app.core.exceptions import DatabaseUnavailableError
from app.database import Database
from tests.conftest import MakeSettings
from tests.support.databases import make_settings
from tests.support.outages import commits_fail, cut_connections, out_of_reach
from tests.support.outsiders import postgresql_outsider, sqlite_outsider
from tests.support.people import API, PASSWORD, Person
from tests.support.processes import threads_ended
from tests.support.rows import names_of_roles, new_role

DEADLINE = 1
SLACK = 2
"""Seconds that a busy machine may add."""


@pytest.fixture
def settings(make: MakeSettings) -> Settings:
    """One connection and little patience."""
    return make(database_timeout_seconds=DEADLINE, database_pool_size=1)


async def both_fail(database: Database) -> None:
    """Expect our own error from reading and from writing."""
    for block in (database.reading, database.writing):
        with pytest.raises(DatabaseUnavailableError) as refused:
            async with block() as session:
                await names_of_roles(session)
        assert refused.value.http_status == 503


async def stays_in_time(database: Database) -> None:
    """Expect the refusal no later than the deadline."""
    began = time.monotonic()
    with pytest.raises(DatabaseUnavailableError):
        async with database.writing() as session:
            session.add(new_role("late"))
            await session.flush()
    assert time.monotonic() - began < DEADLINE + SLACK


@asynccontextmanager
async def table_locked(settings: Settings) -> AsyncIterator[None]:
    """Have another program keep everybody from writing."""
    if settings.is_sqlite:
        with sqlite_outsider(settings) as outsider:
            outsider.execute("BEGIN IMMEDIATE")
            yield
        return
    async with postgresql_outsider(settings) as outsider, outsider.transaction():
        await outsider.execute("LOCK TABLE roles, sessions IN ACCESS EXCLUSIVE MODE")
        yield


class TestUnreachable:
    """A database that is not there."""

    async def test_folder_gone(self, tmp_path: Path) -> None:
        """A SQLite file that can't be opened is an outage."""
        gone = Database(make_settings(f"sqlite+aiosqlite:///{tmp_path}/gone/x.db"))
        async with threads_ended():
            await both_fail(gone)
            await gone.close()

    async def test_not_a_database(self, tmp_path: Path) -> None:
        """A file that holds something else is an outage, and stays as it is."""
        path = tmp_path / "letter.txt"
        path.write_text("Dear database, " * 500)
        other = Database(make_settings(f"sqlite+aiosqlite:///{path}"))
        async with threads_ended():
            await both_fail(other)
            await other.close()
        assert path.read_text().startswith("Dear database")

    async def test_postgresql_refuses(self) -> None:
        """A port where nobody listens is an outage."""
        with socket.create_server(("127.0.0.1", 0)) as closed:
            port = closed.getsockname()[1]
        refusing = make_settings(f"postgresql+asyncpg://ada@127.0.0.1:{port}/x")
        database = Database(refusing)
        await both_fail(database)
        await database.close()

    async def test_postgresql_is_silent(self) -> None:
        """A server that takes the connection and says nothing is given up in time."""
        with socket.create_server(("127.0.0.1", 0)) as silent:
            url = f"postgresql+asyncpg://ada@127.0.0.1:{silent.getsockname()[1]}/x"
            database = Database(make_settings(url, database_timeout_seconds=DEADLINE))
            await stays_in_time(database)
            await database.close()

    async def test_out_of_reach_for_a_while(
        self, settings: Settings, database: Database
    ) -> None:
        """A database that lets nobody in is an outage, and then all is well again."""
        async with threads_ended(), out_of_reach(settings):
            await both_fail(database)
        async with database.writing() as session:
            assert await names_of_roles(session) == set()

    async def test_connections_are_cut(
        self, settings: Settings, database: Database
    ) -> None:
        """When all connections have been cut, one request pays for it at most."""
        for block in (database.reading, database.writing):
            async with block() as session:
                await names_of_roles(session)
        await cut_connections(settings)
        with suppress(DatabaseUnavailableError):
            async with database.writing() as session:
                await names_of_roles(session)
        for block in (database.reading, database.writing):
            async with block() as session:
                await names_of_roles(session)


class TestDeadlines:
    """A database that is busy."""

    async def test_pool_is_empty(self, database: Database) -> None:
        """Who waits too long for a connection gets 503."""
        async with database.writing() as session:
            await names_of_roles(session)
            await stays_in_time(database)

    async def test_locked_by_another_program(
        self, settings: Settings, database: Database
    ) -> None:
        """Who waits too long for a lock gets 503, and the next one gets through."""
        async with table_locked(settings):
            await stays_in_time(database)
        async with database.writing() as session:
            session.add(new_role("editor"))


class TestNotAnOutage:
    """What is our own mistake passes as such."""

    async def test_constraint(self, database: Database) -> None:
        """A broken constraint is an IntegrityError, for the repository to name."""
        with pytest.raises(IntegrityError):
            async with database.writing() as session:
                session.add(new_role("editor"))
                await session.flush()
                await session.execute(
                    text("INSERT INTO roles SELECT * FROM roles WHERE true")
                )

    async def test_wrong_statement(self, database: Database) -> None:
        """SQL that is not understood is a crash. SQLite has one error for that and for
        outages, so there it is taken for an outage."""
        wrong = DatabaseUnavailableError if database.is_sqlite else ProgrammingError
        with pytest.raises(wrong):
            async with database.reading() as session:
                await session.execute(text("SELECT FROM WHERE"))


class TestOverHttp:
    """What callers see."""

    async def test_503_and_recovery(
        self, settings: Settings, client: httpx2.AsyncClient, ada: Person
    ) -> None:
        """An outage is a problem with Retry-After; afterwards all is well."""
        async with table_locked(settings):
            refused = await client.post(f"{API}/auth/logout", headers=ada.headers)
        assert refused.status_code == 503
        assert refused.json()["code"] == "database_unavailable"
        assert int(refused.headers["Retry-After"]) >= 1
        again = await client.post(f"{API}/auth/logout", headers=ada.headers)
        assert again.status_code == 204

    async def test_failing_commit_leaves_nothing(
        self, settings: Settings, client: httpx2.AsyncClient, ada: Person
    ) -> None:
        """A sign-up whose commit fails is refused, and can be tried again."""
        body = {"email": "bob@example.com", "password": PASSWORD}
        async with commits_fail(settings, "users"):
            refused = await client.post(f"{API}/auth/register", json=body)
        assert refused.status_code == 503
        again = await client.post(f"{API}/auth/register", json=body)
        assert again.status_code == 201

    async def test_a_cancelled_wait_ends(self, database: Database) -> None:
        """Who is cancelled while waiting for a connection is gone by the deadline."""
        async with database.writing() as session:
            await names_of_roles(session)
            waiting = asyncio.create_task(stays_in_time(database))
            await asyncio.sleep(0)
            waiting.cancel()
            done, _ = await asyncio.wait([waiting], timeout=DEADLINE + SLACK)
        assert done == {waiting} and waiting.cancelled()
