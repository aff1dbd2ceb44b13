"""Brings the database's schema up to date, one process at a time."""

import logging
import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from sqlalchemy import Connection, NullPool, inspect, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from app.core.config import Settings
from app.core.exceptions import StartupError
from app.engines import use_sqlite_transactions

logger = logging.getLogger(__name__)

_HERE = Path(__file__).parent
_REVISION = re.compile(r'^revision = "(\w+)"$', re.MULTILINE)

_LOCK_ID = 0x63617264
"""The PostgreSQL advisory lock that starting processes take in turn: "card"."""

_LOCK_TIMEOUT_SECONDS = 60


async def prepare_schema(settings: Settings) -> None:
    """Bring the schema up to date at start, or refuse to start on another one.

    Raises:
        StartupError: If the database can't be reached, or is newer than this code, or
            is older and MIGRATE_ON_START is off.
    """
    try:
        if settings.is_sqlite or settings.migrate_on_start:
            await migrate(settings)
        else:
            await _check(settings)
    except (DBAPIError, OSError, TypeError, ValueError) as error:
        # The last two are raised for options in the URL that the driver does not know.
        logger.debug("database.unreachable", exc_info=error)
        raise StartupError(
            f"The database can't be used ({type(error).__name__}): check DATABASE_URL."
        ) from None


async def migrate(settings: Settings, revision: str = "head") -> None:
    """Bring the schema to a revision in one transaction."""
    engine = _engine(settings)
    try:
        async with engine.begin() as connection:
            await connection.run_sync(_migrate, revision)
    finally:
        await engine.dispose()


def head_revision() -> str:
    """Return the revision that this code works with."""
    return _revisions()[-1]


@cache
def _revisions() -> Sequence[str]:
    """Return all revisions, the newest last: files are named by when they were made.

    Alembic would tell too, but most starts have nothing to do for it, and it would take
    8 MiB of each process.
    """
    files = sorted((_HERE / "versions").glob("*.py"))
    texts = [path.read_text(encoding="utf-8") for path in files]
    return [one for text in texts for one in _REVISION.findall(text)]


async def _check(settings: Settings) -> None:
    engine = _engine(settings)
    try:
        async with engine.connect() as connection:
            current = await connection.run_sync(_current_revision)
    finally:
        await engine.dispose()
    _refuse_newer(current)
    if current != head_revision():
        raise StartupError(
            "The database's schema is older than this version of the service: run "
            "`python -m app migrate`, or set MIGRATE_ON_START=on."
        )


def _migrate(connection: Connection, revision: str) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"SET LOCAL lock_timeout = '{_LOCK_TIMEOUT_SECONDS}s'"))
        connection.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK_ID})"))
    before = _current_revision(connection)
    if revision == "head" and before == head_revision():
        return
    _refuse_newer(before)
    _step(connection, revision)
    after = _current_revision(connection)
    logger.info("database.migrated", extra={"from": before, "to": after})


def _step(connection: Connection, revision: str) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_HERE))
    config.attributes["connection"] = connection
    step = command.downgrade if revision == "base" else command.upgrade
    step(config, revision)


def _current_revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.scalar(
        text("SELECT version_num FROM alembic_version")
    )
    return found


def _refuse_newer(current: str | None) -> None:
    if current is not None and current not in _revisions():
        raise StartupError(
            f"The database is at revision {current}, which this version of the service "
            "does not know: it was used by a newer one. Install that version again."
        )


def _engine(settings: Settings) -> AsyncEngine:
    engine = create_async_engine(settings.database_url, poolclass=NullPool)
    if settings.is_sqlite:
        # Foreign keys stay off: rebuilding a table would delete what refers to it.
        # A command may migrate beside the server, which alone does the checkpoints.
        timeout = f"busy_timeout={_LOCK_TIMEOUT_SECONDS * 1000}"
        # In WAL mode from the first: of many who change it at once, some would fail.
        pragmas = (timeout, "journal_mode=WAL", "wal_autocheckpoint=0")
        use_sqlite_transactions(engine.sync_engine, "BEGIN IMMEDIATE", pragmas)
    return engine
