"""Troubles of a PostgreSQL server."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import asyncpg  # type: ignore[import-untyped]

from tests.faults.postgresql import NAME, OPTIONS, Postgresql
from tests.troubles.calls import WRITES
from tests.troubles.troubles import Bring, Stage, Trouble

CONNECTIONS = int(OPTIONS["max_connections"])

_FULL = """
CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE 'could not extend file' USING ERRCODE = 'disk_full'; END $$;
CREATE TRIGGER no_room BEFORE INSERT OR UPDATE ON users
    EXECUTE FUNCTION no_room();
CREATE TRIGGER no_room BEFORE INSERT OR UPDATE ON sessions
    EXECUTE FUNCTION no_room()
"""


@asynccontextmanager
async def frozen(stage: Stage) -> AsyncIterator[None]:
    """Stop every process of the server in its tracks."""
    server = _server(stage)
    assert server.freeze()
    try:
        yield
    finally:
        server.thaw()


def stopped(number: int) -> Bring:
    """Return a trouble in which the server is ended by a signal, and started later."""

    @asynccontextmanager
    async def stop(stage: Stage) -> AsyncIterator[None]:
        server = _server(stage)
        await server.stop(number)
        yield
        await server.start()

    return stop


@asynccontextmanager
async def out_of_connections(stage: Stage) -> AsyncIterator[None]:
    """Have other programs take every connection, after a moment without any."""
    async with AsyncExitStack() as stack:
        outsider = await _connect(stage, stack, "postgres")
        await _lock_out(outsider)
        try:
            while True:
                await _connect(stage, stack, "postgres")
        except asyncpg.TooManyConnectionsError:
            await outsider.execute(f"ALTER DATABASE {NAME} ALLOW_CONNECTIONS true")
        yield


@asynccontextmanager
async def read_only(stage: Stage) -> AsyncIterator[None]:
    """Let every transaction only read, as a standby does."""
    async with AsyncExitStack() as stack:
        outsider = await _connect(stage, stack, "postgres")
        await _set(outsider, "SET default_transaction_read_only = on")
        await asyncio.sleep(0.1)  # The servers of the connections take notice.
        yield
        await _set(outsider, "RESET default_transaction_read_only")


@asynccontextmanager
async def full(stage: Stage) -> AsyncIterator[None]:
    """Have no row added or changed, with the error of a table that can't grow."""
    async with AsyncExitStack() as stack:
        outsider = await _connect(stage, stack, NAME)
        await outsider.execute(_FULL)
        yield
        await outsider.execute("DROP FUNCTION no_room CASCADE")


@asynccontextmanager
async def locked(stage: Stage) -> AsyncIterator[None]:
    """Have another program lock the tables, even for readers."""
    async with AsyncExitStack() as stack:
        outsider = await _connect(stage, stack, NAME)
        await stack.enter_async_context(outsider.transaction())
        tables = "users, sessions, roles"
        await outsider.execute(f"LOCK TABLE {tables} IN EXCLUSIVE MODE")
        yield


TROUBLES = {
    "gone": Trouble(stopped(signal.SIGINT)),
    "killed": Trouble(stopped(signal.SIGQUIT)),
    "frozen": Trouble(frozen),
    "out of connections": Trouble(out_of_connections),
    "read-only": Trouble(read_only, WRITES),
    "full disk": Trouble(full, WRITES),
    "locked": Trouble(locked, WRITES),
}


def _server(stage: Stage) -> Postgresql:
    assert stage.postgresql is not None
    return stage.postgresql


async def _connect(
    stage: Stage, stack: AsyncExitStack, database: str
) -> asyncpg.Connection:
    connection = await _server(stage).connect(database)
    stack.push_async_callback(connection.close)
    return connection


async def _lock_out(outsider: asyncpg.Connection) -> None:
    """Let nobody in any more, and end the connections there are."""
    await outsider.execute(f"ALTER DATABASE {NAME} ALLOW_CONNECTIONS false")
    await outsider.execute(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
        f" WHERE datname = '{NAME}'"
    )


async def _set(outsider: asyncpg.Connection, change: str) -> None:
    await outsider.execute(f"ALTER SYSTEM {change}")
    await outsider.execute("SELECT pg_reload_conf()")
