"""Requests that are cancelled: the client is gone, or the server stops."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from itertools import count

import httpx2
import pytest
from sqlalchemy import text

from app.core.config import Settings
from app.database import Changes, Database, note_change
from tests.support.cancellation import WAYS_TO_CANCEL, Work
from tests.support.outsiders import execute, no_transaction_is_open
from tests.support.people import API, PASSWORD
from tests.support.processes import threads_ended
from tests.support.rows import names_of_roles, new_role

CONNECTIONS = 2
SQLITE_READERS = 4

Cancel = Callable[[Work, int], Awaitable[bool]]


@pytest.fixture(params=WAYS_TO_CANCEL, ids=lambda way: str(way.__name__))
def cancel(request: pytest.FixtureRequest) -> Cancel:
    """One of the ways to cancel work at its n-th wait."""
    way: Cancel = request.param
    return way


@pytest.fixture
def settings(make: Callable[..., Settings]) -> Settings:
    """Few connections, so that a lost one shows, and patience with a slow disk."""
    return make(
        database_pool_size=CONNECTIONS, database_timeout_seconds=10, rate_limits=False
    )


async def write_two(database: Database, name: str) -> None:
    """Write two roles, which exist together or not at all."""
    async with database.writing() as session:
        session.add(new_role(f"{name}-a"))
        await session.flush()
        session.add(new_role(f"{name}-b"))
        note_change(session, name)


async def read_once(database: Database) -> None:
    """Read something."""
    async with database.reading() as session:
        await names_of_roles(session)


async def use_every_connection(database: Database) -> set[str]:
    """Hold all connections that there should be at once; return the roles seen."""
    readers = SQLITE_READERS if database.is_sqlite else CONNECTIONS - 1
    async with AsyncExitStack() as stack:
        writer = await stack.enter_async_context(database.writing())
        names = await names_of_roles(writer)
        for _ in range(readers):
            reader = await stack.enter_async_context(database.reading())
            assert await names_of_roles(reader) == names
    return names


class TestWriting:
    """`writing()` cancelled at each of its awaits in turn."""

    @pytest.mark.parametrize("warm", [False, True], ids=["connecting", "connected"])
    async def test_all_or_nothing(
        self, settings: Settings, cancel: Cancel, warm: bool
    ) -> None:
        """Nothing is half written, left open or lost, and listeners hear the truth."""
        outcomes = set()
        for step in count(1):
            database, heard = Database(settings), list[Changes]()
            database.on_change(heard.append)
            if warm:
                await use_every_connection(database)
            reached = await cancel(write_two(database, f"cut{step}"), step)

            assert await no_transaction_is_open(settings)
            names = await use_every_connection(database)
            kept = {name for name in names if name.startswith(f"cut{step}-")}
            assert kept in (set(), {f"cut{step}-a", f"cut{step}-b"})
            assert heard == ([frozenset({f"cut{step}"})] if kept else []), step
            outcomes.add((reached, bool(kept)))
            await database.close()
            if not reached:
                break
        # Cut early nothing is written; cut while committing, everything is.
        assert outcomes == {(True, False), (True, True), (False, True)}

    async def test_the_next_write_works(
        self, settings: Settings, database: Database, cancel: Cancel
    ) -> None:
        """One cancelled write after the other does not wear the service out."""
        for step in count(1):
            reached = await cancel(write_two(database, f"cut{step}"), step)
            await write_two(database, f"next{step}")
            if not reached:
                break
        names = await use_every_connection(database)
        assert {f"next{n}-{x}" for n in range(1, step + 1) for x in "ab"} <= names
        assert await no_transaction_is_open(settings)


class TestReading:
    """`reading()` cancelled at each of its awaits in turn."""

    async def test_nothing_stays_open(
        self, settings: Settings, database: Database, cancel: Cancel
    ) -> None:
        """Every connection comes back, without a transaction."""
        for step in count(1):
            reached = await cancel(read_once(database), step)
            assert await no_transaction_is_open(settings)
            await use_every_connection(database)
            if not reached:
                break

    async def test_no_thread_stays_behind(
        self, settings: Settings, cancel: Cancel
    ) -> None:
        """Cancelling while connecting leaves no thread that keeps the process up."""
        async with threads_ended():
            for step in count(1):
                database = Database(settings)
                reached = await cancel(read_once(database), step)
                await database.close()
                if not reached:
                    break


class TestRequest:
    """A whole request cancelled at each of its awaits in turn."""

    async def test_sign_up_is_all_or_nothing(
        self, settings: Settings, client: httpx2.AsyncClient, cancel: Cancel
    ) -> None:
        """An account is there with its role, or not at all, and can be made then."""
        for step in count(1):
            body = {"email": f"cut{step}@example.com", "password": PASSWORD}
            call = client.post(f"{API}/auth/register", json=body)
            reached = await cancel(call, step)
            assert await no_transaction_is_open(settings, but_for_looks=True)
            again = await client.post(f"{API}/auth/register", json=body)
            assert again.status_code in (201, 409)
            [(users,)] = await execute(settings, "SELECT count(*) FROM users")
            [(roles,)] = await execute(settings, "SELECT count(*) FROM user_roles")
            assert users == roles == step
            if not reached:
                break
        assert again.status_code == 409


class TestShutdown:
    """The event loop ends every task, also those that nobody else cancels."""

    async def test_is_not_resisted(self, database: Database) -> None:
        """Work whose own task is cancelled ends its caller too."""

        async with database.writing() as session:
            before = asyncio.all_tasks()
            running = asyncio.ensure_future(session.execute(text("SELECT 1")))
            await asyncio.sleep(0)
            [work] = asyncio.all_tasks() - before - {running}
            work.cancel()
            with pytest.raises(asyncio.CancelledError):
                await running
