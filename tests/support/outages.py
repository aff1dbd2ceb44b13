"""Databases that break down for a while, for real."""

import resource
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from app.core.config import Settings
from app.engines import sqlite_path
from tests.support.outsiders import execute

_DYING_TRIGGER = """
CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END';
CREATE CONSTRAINT TRIGGER dying AFTER INSERT OR UPDATE ON {table}
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION die();
"""


@asynccontextmanager
async def commits_fail(settings: Settings, table: str) -> AsyncIterator[None]:
    """Let every commit fail that changed this table.

    SQLite meets a full disk. PostgreSQL checks the trigger while it commits, and the
    server process dies of it.
    """
    if settings.is_sqlite:
        with disk_full(settings):
            yield
        return
    for statement in _DYING_TRIGGER.format(table=table).strip().split(";\n"):
        await execute(settings, statement)
    yield
    await execute(settings, f"DROP TRIGGER dying ON {table}")
    await execute(settings, "DROP FUNCTION die")


@asynccontextmanager
async def out_of_reach(settings: Settings) -> AsyncIterator[None]:
    """Let nobody connect; whoever is connected is not disturbed."""
    if settings.is_sqlite:
        path = Path(sqlite_path(settings.database_url))
        kept = path.rename(f"{path}.kept")
        path.mkdir()
        yield
        path.rmdir()
        kept.rename(path)
        return
    name, elsewhere = _from_elsewhere(settings)
    await execute(elsewhere, f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
    yield
    await execute(elsewhere, f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")


async def cut_connections(settings: Settings) -> None:
    """End all connections, as a restart does; SQLite's lead to no server."""
    if not settings.is_sqlite:
        name, elsewhere = _from_elsewhere(settings)
        await execute(
            elsewhere,
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            f" WHERE datname = '{name}'",
        )


@contextmanager
def disk_full(settings: Settings) -> Iterator[None]:
    """Let no file of this process grow beyond the write-ahead log as it is."""
    log = Path(f"{sqlite_path(settings.database_url)}-wal")
    full = log.stat().st_size if log.exists() else 0
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (full, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def _from_elsewhere(settings: Settings) -> tuple[str, Settings]:
    """Return the PostgreSQL database's name, and settings of another one."""
    name = settings.database_url.partition("@/")[2].partition("?")[0]
    url = settings.database_url.replace(f"/{name}?", "/postgres?")
    return name, settings.model_copy(update={"database_url": url})
