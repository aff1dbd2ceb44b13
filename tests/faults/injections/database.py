"""A database that is gone, frozen, restarted, locked, or loses its connections."""

import asyncio
import os
import signal
import sqlite3
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg  # type: ignore[import-untyped]

from tests.faults.cluster import POSTGRESQL, SQLITE, Cluster
from tests.faults.injections.fault import Fault, Injection, Moments
from tests.faults.postgresql import NAME, Postgresql

WAYS_TO_STOP = {
    "fast": signal.SIGINT,
    "immediate": signal.SIGQUIT,
    "kill": signal.SIGKILL,
}


class PostgresqlFault(Fault):
    """A fault of PostgreSQL."""

    family = "database"
    databases = frozenset({POSTGRESQL})


class DatabaseStop(PostgresqlFault):
    """PostgreSQL is stopped for seconds, in one of three ways."""

    name = "database_stop"
    seconds = (2, 6)

    @asynccontextmanager
    async def injected(self, under_way: Injection) -> Moments:
        """Stop it, see that it is gone, and start it again."""
        postgresql = server_of(under_way.cluster)
        how = under_way.rng.choice(sorted(WAYS_TO_STOP))
        under_way.evidence["how"] = how
        await postgresql.stop(WAYS_TO_STOP[how])
        try:
            under_way.shown = not await postgresql.answers()
            yield
        finally:
            await postgresql.start()


class DatabaseRestart(DatabaseStop):
    """PostgreSQL is stopped, and started again at once."""

    name = "database_restart"
    seconds = (0, 0)


class DatabaseFreeze(PostgresqlFault):
    """PostgreSQL stands still: it takes connections and says nothing."""

    name = "database_freeze"
    seconds = (3, 8)

    @asynccontextmanager
    async def injected(self, under_way: Injection) -> Moments:
        """Stop every process of it in its tracks."""
        postgresql = server_of(under_way.cluster)
        under_way.evidence["processes"] = postgresql.freeze()
        try:
            under_way.shown = not await postgresql.answers(seconds=1)
            yield
        finally:
            postgresql.thaw()


class ConnectionsCut(PostgresqlFault):
    """An operator ends every connection of the service."""

    name = "connections_cut"
    seconds = (0, 0.5)

    @asynccontextmanager
    async def injected(self, under_way: Injection) -> Moments:
        """End them all, in the middle of whatever they do."""
        connection = await server_of(under_way.cluster).connect("postgres")
        try:
            cut = await connection.fetchval(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                " WHERE datname = $1",
                NAME,
            )
        finally:
            await connection.close()
        under_way.evidence["cut"] = cut
        under_way.shown = cut > 0
        yield


class BackendKill(PostgresqlFault):
    """One of PostgreSQL's processes is killed, upon which it restarts them all."""

    name = "backend_kill"
    seconds = (0, 0.5)

    @asynccontextmanager
    async def injected(self, under_way: Injection) -> Moments:
        """Kill a process in the middle of whatever it does for the service."""
        postgresql = server_of(under_way.cluster)
        backends = postgresql.backends()
        if backends:
            os.kill(under_way.rng.choice(backends).pid, signal.SIGKILL)
            await asyncio.sleep(0.1)
            survivors = {process.pid for process in postgresql.backends()}
            before = {process.pid for process in backends}
            under_way.evidence["ended"] = len(before - survivors)
            under_way.shown = bool(before - survivors)
        yield
        await postgresql.wait_until_it_answers()


class ConnectionsTaken(PostgresqlFault):
    """Others have taken every connection that PostgreSQL gives."""

    name = "connections_taken"
    seconds = (2, 4)

    @asynccontextmanager
    async def injected(self, under_way: Injection) -> Moments:
        """End the service's connections, and take all there are."""
        postgresql = server_of(under_way.cluster)
        taken = [await postgresql.connect("postgres")]
        try:
            await taken[0].execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = $1",
                NAME,
            )
            refused = await _take_all(postgresql, taken)
            under_way.evidence |= {"taken": len(taken), "refused": refused}
            under_way.shown = bool(refused)
            yield
        finally:
            for connection in taken:
                connection.terminate()


class DatabaseLocked(Fault):
    """Another program holds the SQLite file for writing."""

    name = "database_locked"
    family = "database"
    databases = frozenset({SQLITE})
    seconds = (1, 8)

    @asynccontextmanager
    async def injected(self, under_way: Injection) -> Moments:
        """Begin a transaction beside the server's, and leave it open."""
        assert under_way.cluster.sqlite_file is not None
        lock = asyncio.to_thread(_lock, under_way.cluster.sqlite_file)
        connection = await lock
        try:
            under_way.shown = connection.in_transaction
            under_way.evidence["locked"] = connection.in_transaction
            yield
        finally:
            connection.rollback()
            connection.close()


def server_of(cluster: Cluster) -> Postgresql:
    """Return the cluster's PostgreSQL, which it has if such a fault is injected."""
    assert cluster.postgresql is not None
    return cluster.postgresql


async def _take_all(postgresql: Postgresql, taken: list[asyncpg.Connection]) -> str:
    """Connect until it is refused; return with what words."""
    while True:
        try:
            taken.append(await postgresql.connect("postgres"))
        except asyncpg.PostgresError as error:
            return type(error).__name__


def _lock(file: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(
        file, timeout=30, isolation_level=None, check_same_thread=False
    )
    # The server alone does the checkpoints.
    connection.execute("PRAGMA wal_autocheckpoint=0")
    connection.execute("BEGIN EXCLUSIVE")
    return connection
