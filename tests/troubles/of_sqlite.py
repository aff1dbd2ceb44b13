"""Troubles of a SQLite file."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from app.engines import sqlite_path
from tests.faults.tracing import INJECTED, count, traced
from tests.support.outsiders import sqlite_outsider
from tests.troubles.calls import WRITES
from tests.troubles.troubles import Bring, Stage, Trouble

DISK = "pwrite64,fdatasync,fsync,ftruncate,fallocate"
FROZEN = "fdatasync:delay_enter=60000000"
HELD_UP = "<detached"
"""How strace says that a call had not ended when it let go of it."""


@asynccontextmanager
async def gone(stage: Stage) -> AsyncIterator[None]:
    """Move the file away under the running server."""
    path = _path(stage)
    kept = path.rename(f"{path}.kept")
    yield
    assert not path.exists(), "an empty one has been made"
    kept.rename(path)


@asynccontextmanager
async def replaced(stage: Stage) -> AsyncIterator[None]:
    """Put a copy in its place, as somebody does who restores a backup too early."""
    path = _path(stage)
    kept = path.rename(f"{path}.kept")
    path.write_bytes(kept.read_bytes())
    yield
    kept.rename(path)


@asynccontextmanager
async def locked(stage: Stage) -> AsyncIterator[None]:
    """Have another program hold the lock of writers."""
    with sqlite_outsider(stage.settings) as outsider:
        outsider.execute("PRAGMA busy_timeout = 5000")
        outsider.execute("BEGIN IMMEDIATE")
        yield


@asynccontextmanager
async def damaged(stage: Stage) -> AsyncIterator[None]:
    """Overwrite every page, the log being empty and nothing remembered."""
    path = _path(stage)
    with sqlite_outsider(stage.settings) as outsider:
        outsider.execute("PRAGMA busy_timeout = 5000")
        outsider.execute("PRAGMA user_version = 1")  # So that all is read anew.
        busy, *_ = outsider.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        assert not busy
        kept = path.read_bytes()
        _overwrite(path, b"\xa5" * len(kept))
    yield
    _overwrite(path, kept)


def failing(injection: str, shown: str = INJECTED) -> Bring:
    """Return a trouble in which the kernel does this to what writes the file."""

    @asynccontextmanager
    async def fail(stage: Stage) -> AsyncIterator[None]:
        log = stage.folder / "strace.log"
        log.unlink(missing_ok=True)
        async with traced([stage.server.process.pid], log, injection):
            yield
        assert count(log, shown), "nothing was written meanwhile"

    return fail


TROUBLES = {
    "gone": Trouble(gone),
    "replaced": Trouble(replaced),
    "locked": Trouble(locked, WRITES),
    "damaged": Trouble(damaged),
    "frozen disk": Trouble(failing(FROZEN, HELD_UP), WRITES, lasting=True),
    "full disk": Trouble(failing(f"{DISK}:error=ENOSPC"), WRITES),
    "read-only disk": Trouble(failing(f"{DISK}:error=EROFS"), WRITES),
    "broken disk": Trouble(failing(f"{DISK}:error=EIO"), WRITES),
}


def _path(stage: Stage) -> Path:
    return Path(sqlite_path(stage.settings.database_url))


def _overwrite(path: Path, content: bytes) -> None:
    with path.open("r+b") as file:
        file.write(content)
