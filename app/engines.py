"""How each kind of database is opened."""

import logging
import os
import sqlite3
import time
from collections.abc import Mapping
from typing import Any

from filelock import FileLock, Timeout
from sqlalchemy import Connection, Engine, NullPool, event, text
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from app.core.config import Settings
from app.core.exceptions import StartupError
from app.sqlite_driver import Driver

logger = logging.getLogger(__name__)

SQLITE_READERS = 4
READ_ONLY = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
REPLICA_PAUSE_SECONDS = 10
"""How long a replica that did not answer is left alone."""

_DAMAGE = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_IOERR)
_SQLITE_COMMON = ("journal_mode=WAL", "foreign_keys=ON", "synchronous=FULL")
_OWNER = _SQLITE_COMMON
_GUEST = (*_SQLITE_COMMON, "wal_autocheckpoint=0")
_READER = (*_GUEST, "query_only=ON")


class FileReplacedError(OSError):
    """Another file has taken the place of the database's."""


class SqliteFile:
    """The file that was there when the service was built.

    One that is deleted, moved away or replaced goes on taking what open connections
    write, which is lost; and opening it again would make an empty one.
    """

    def __init__(self, settings: Settings) -> None:
        self._path = sqlite_path(settings.database_url)
        self._found = self._look() if os.path.isfile(self._path) else None

    def check(self, *_: object) -> None:
        """Refuse to use any other file.

        Raises:
            OSError: If it is not there.
        """
        if self._look() != self._found:
            raise FileReplacedError(f"{self._path} is not the file it was")

    def check_for(self, connection: Connection) -> None:
        """Refuse to use any other file, nor again what may have been opened on one.

        Raises:
            OSError: If it is not there.
        """
        try:
            self.check()
        except OSError:
            connection.invalidate()
            raise

    def _look(self) -> tuple[int, int]:
        status = os.stat(self._path)
        return status.st_dev, status.st_ino


def sqlite_writer(
    settings: Settings, file: SqliteFile, *, is_owner: bool
) -> AsyncEngine:
    """Return an engine with one connection, on which writers queue up fairly.

    Args:
        settings: How long is waited.
        file: Where the data is.
        is_owner: Whether it does the checkpoints.
    """
    pragmas = _OWNER if is_owner else _GUEST
    return _sqlite_engine(settings, file, 1, "BEGIN IMMEDIATE", pragmas)


def sqlite_reader(settings: Settings, file: SqliteFile) -> AsyncEngine:
    """Return an engine with several connections that only read."""
    return _sqlite_engine(settings, file, SQLITE_READERS, "BEGIN", _READER)


def postgresql_engine(url: str, settings: Settings) -> AsyncEngine:
    """Return an engine whose every wait has a deadline.

    The server's own deadlines answer first; the driver's stand in for a server that
    says nothing at all.
    """
    engine = create_async_engine(
        url,
        pool_size=settings.database_pool_size,
        max_overflow=0,
        hide_parameters=True,
        pool_timeout=settings.database_timeout_seconds,
        connect_args=_connect_args(settings),
    )
    _give_up_the_silent(engine.sync_engine)
    return engine


def postgresql_listener(settings: Settings) -> AsyncEngine:
    """Return an engine for a connection that lasts and is not one of the pool's."""
    engine = create_async_engine(
        settings.database_url,
        poolclass=NullPool,
        hide_parameters=True,
        connect_args=_connect_args(settings),
    )
    _give_up_the_silent(engine.sync_engine)
    return engine


def use_sqlite_transactions(
    engine: Engine, begin: str, pragmas: tuple[str, ...]
) -> None:
    """Begin transactions with our own statement instead of the driver's guess.

    Left alone, the driver begins only before the first write, so what was read before
    it may have changed: 40 concurrent read-then-update transactions kept 2 updates.
    """

    def on_connect(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in pragmas:
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    def on_begin(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    event.listen(engine, "connect", on_connect)
    event.listen(engine, "begin", on_begin)


class Replica:
    """A copy of the database for reads that may lag behind; it may be gone."""

    def __init__(self, settings: Settings) -> None:
        self._engine = postgresql_engine(settings.database_replica_url, settings)
        self._reader = self._engine.execution_options(**READ_ONLY)
        self._left_alone_until = 0.0

    async def engine_or(self, primary: AsyncEngine) -> AsyncEngine:
        """Return the replica's engine, or the primary's while the replica is gone."""
        if time.monotonic() < self._left_alone_until:
            return primary
        try:
            async with self._reader.connect() as connection:
                await connection.execute(text("SELECT 1"))
        except (DBAPIError, PoolTimeoutError, OSError) as error:
            self._left_alone_until = time.monotonic() + REPLICA_PAUSE_SECONDS
            logger.warning("replica.unavailable", extra={"error": type(error).__name__})
            return primary
        return self._reader

    async def close(self) -> None:
        """Close all connections."""
        await self._engine.dispose()


class OwnerLock:
    """Held by the one server that may use a SQLite file; ends with its process."""

    def __init__(self, settings: Settings) -> None:
        # However the file is reached, there is one lock: links lead to the same data.
        self._path = os.path.realpath(sqlite_path(settings.database_url))
        self._lock = FileLock(f"{self._path}.lock")

    def acquire(self) -> None:
        """Take the lock.

        Raises:
            StartupError: If another server has it, or there is no such folder.
        """
        folder = os.path.dirname(self._path)
        if not os.path.isdir(folder):
            # The lock would make it, and a mistyped path would be an empty service.
            raise StartupError(
                f"The database file {self._path} can't be used: there is no folder "
                f"{folder}."
            )
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            raise StartupError(
                f"Another server uses the database file {self._path}. SQLite serves "
                "one process; for several, set DATABASE_URL to a PostgreSQL database."
            ) from None
        except OSError as error:
            raise StartupError(
                f"The database file {self._path} can't be used: {error.strerror}."
            ) from None

    def release(self) -> None:
        """Let the next server have the file."""
        self._lock.release()


def sqlite_path(url: str) -> str:
    """Return the file that a `sqlite+aiosqlite:///` URL names."""
    return url.split("///", 1)[1].split("?", 1)[0]


def _sqlite_engine(
    settings: Settings,
    file: SqliteFile,
    connections: int,
    begin: str,
    pragmas: tuple[str, ...],
) -> AsyncEngine:
    engine = create_async_engine(
        settings.database_url,
        module=Driver(),
        pool_size=connections,
        max_overflow=0,
        hide_parameters=True,
        pool_timeout=settings.database_timeout_seconds,
    )
    timeout = f"busy_timeout={settings.database_timeout_seconds * 1000}"
    _close_the_damaged(engine.sync_engine)
    event.listen(engine.sync_engine, "do_connect", file.check)
    event.listen(engine.sync_engine, "begin", file.check_for)
    event.listen(engine.sync_engine, "commit", file.check_for)
    use_sqlite_transactions(engine.sync_engine, begin, (timeout, *pragmas))
    return engine


def _connect_args(settings: Settings) -> Mapping[str, Any]:
    seconds = settings.database_timeout_seconds
    return {
        "timeout": seconds,
        "command_timeout": seconds + 1,
        "server_settings": {
            "application_name": "cardea",
            "lock_timeout": f"{seconds}s",
            "statement_timeout": f"{seconds}s",
            "idle_in_transaction_session_timeout": f"{seconds * 2}s",
        },
    }


def _close_the_damaged(engine: Engine) -> None:
    """Throw a connection away that has read what is no database, or could not read.

    It remembers the pages, and would go on like that once the file is well again.
    """

    def on_error(context: ExceptionContext) -> None:
        code = getattr(context.original_exception, "sqlite_errorcode", 0)
        # The lowest byte is the kind of error, the others say which of the kind.
        context.is_disconnect |= code & 0xFF in _DAMAGE

    event.listen(engine, "handle_error", on_error)


def _give_up_the_silent(engine: Engine) -> None:
    """Throw a connection away that missed the driver's deadline, without a farewell.

    A rollback or a goodbye would wait for the same silent server once more.
    """

    def on_error(context: ExceptionContext) -> None:
        if isinstance(context.original_exception, TimeoutError):
            context.is_disconnect = True

    def on_invalidate(
        connection: DBAPIConnection, _: ConnectionPoolEntry, __: BaseException | None
    ) -> None:
        connection.driver_connection.terminate()

    event.listen(engine, "handle_error", on_error)
    event.listen(engine, "invalidate", on_invalidate)
