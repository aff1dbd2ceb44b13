"""The database: engines, and the two ways to use them.

    async with database.reading() as session: ...
    async with database.writing() as session: ...

`writing()` commits at its end, before the caller goes on, so before any answer leaves.
An error rolls it back, unless its class says `keeps_writes`. Nobody else commits.
"""

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import wraps
from typing import Any, TypeVar

from filelock import FileLock, Timeout
from sqlalchemy import Connection, Engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from app.core.config import Settings
from app.core.exceptions import AppError, DatabaseUnavailableError, StartupError

logger = logging.getLogger(__name__)

Result = TypeVar("Result")
Changes = frozenset[str]
Listener = Callable[[Changes], None]

_CHANGES = "changes"
_SQLITE_READERS = 4
_OUR_MISTAKES = (IntegrityError, ProgrammingError, DataError)


class Database:
    """The engines of one database, and its transactions.

    SQLite has two engines on one file: one connection that writes, in `BEGIN IMMEDIATE`
    transactions that queue up fairly, and several that only read. PostgreSQL has one.

    Args:
        settings: Where the database is.
        is_owner: False beside a running server, which alone does the checkpoints of a
            SQLite file.
    """

    def __init__(self, settings: Settings, *, is_owner: bool = True) -> None:
        self.is_sqlite = settings.is_sqlite
        self._listeners: list[Listener] = []
        if settings.is_sqlite:
            writer = _OWNER if is_owner else _GUEST
            self._writer = _sqlite_engine(settings, 1, "BEGIN IMMEDIATE", writer)
            self._reader = _sqlite_engine(settings, _SQLITE_READERS, "BEGIN", _READER)
        else:
            self._writer = _postgresql_engine(settings)
            self._reader = self._writer.execution_options(
                isolation_level="REPEATABLE READ", postgresql_readonly=True
            )

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncSession]:
        """Give a session that sees one consistent state and changes nothing.

        Raises:
            DatabaseUnavailableError: If the database does not answer.
        """
        session = _Session(self._reader, expire_on_commit=False)
        with _outage_translated():
            try:
                yield session
            finally:
                await _to_the_end(session.close())

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncSession]:
        """Give a session whose changes are saved when the block ends.

        Raises:
            DatabaseUnavailableError: If the database does not answer; then nothing is
                saved, unless it broke down while saving.
        """
        session = _Session(self._writer, expire_on_commit=False)
        with _outage_translated():
            try:
                kept: AppError | None = None
                try:
                    yield session
                except AppError as error:
                    if not error.keeps_writes:
                        raise
                    kept = error
                await _to_the_end(self._commit(session))
                if kept is not None:
                    raise kept
            finally:
                # Closing rolls back what was not committed.
                await _to_the_end(session.close())

    def on_change(self, listener: Listener) -> None:
        """Have a listener told, after each commit, what `note_change` named."""
        self._listeners.append(listener)

    async def data_version(self) -> int:
        """Return a number that changes when another process writes the SQLite file."""
        return await _to_the_end(self._data_version())

    async def close(self) -> None:
        """Close all connections; the writer last, so that it does the checkpoint."""
        await self._reader.dispose()
        await self._writer.dispose()

    async def _data_version(self) -> int:
        async with self._writer.connect() as connection:
            raw = await connection.get_raw_connection()
            assert raw.driver_connection is not None
            # Past SQLAlchemy, which would begin a write transaction for it.
            rows = await raw.driver_connection.execute_fetchall("PRAGMA data_version")
            return int(list(rows)[0][0])

    async def _commit(self, session: AsyncSession) -> None:
        await session.commit()
        changes: set[str] = session.info.get(_CHANGES, set())
        if changes:
            for listener in self._listeners:
                listener(frozenset(changes))


def note_change(session: AsyncSession, *names: object) -> None:
    """Name what this transaction changes for those who keep copies of it."""
    session.info.setdefault(_CHANGES, set()).update(map(str, names))


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


_SQLITE_COMMON = ("journal_mode=WAL", "foreign_keys=ON", "synchronous=FULL")
_OWNER = _SQLITE_COMMON
_GUEST = (*_SQLITE_COMMON, "wal_autocheckpoint=0")
_READER = (*_GUEST, "query_only=ON")


def _sqlite_engine(
    settings: Settings, connections: int, begin: str, pragmas: tuple[str, ...]
) -> AsyncEngine:
    engine = create_async_engine(
        settings.database_url,
        pool_size=connections,
        max_overflow=0,
        hide_parameters=True,
        pool_timeout=settings.database_timeout_seconds,
    )
    timeout = f"busy_timeout={settings.database_timeout_seconds * 1000}"
    use_sqlite_transactions(engine.sync_engine, begin, (timeout, *pragmas))
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


def _postgresql_engine(settings: Settings) -> AsyncEngine:
    seconds = settings.database_timeout_seconds
    return create_async_engine(
        settings.database_url,
        pool_size=settings.database_pool_size,
        max_overflow=0,
        hide_parameters=True,
        pool_timeout=seconds,
        connect_args={
            "timeout": seconds,
            "command_timeout": seconds * 2,
            "server_settings": {
                "application_name": "cardea",
                "lock_timeout": f"{seconds}s",
                "statement_timeout": f"{seconds}s",
                "idle_in_transaction_session_timeout": f"{seconds * 2}s",
            },
        },
    )


@contextmanager
def _outage_translated() -> Iterator[None]:
    """Answer 503 for what the database did, and let our own mistakes pass as such."""
    try:
        yield
    except _OUR_MISTAKES:
        raise
    except (DBAPIError, PoolTimeoutError, OSError) as error:
        logger.warning("database.unavailable", extra={"error": type(error).__name__})
        raise DatabaseUnavailableError from error


async def _to_the_end(work: Coroutine[Any, Any, Result]) -> Result:
    """Await work that must not stop half way, even if the caller is cancelled.

    A cancelled commit would leave it open whether the change was saved, and a cancelled
    close would leave a transaction open. The cancellation is delivered afterwards.
    """
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError as error:
            cancelled = error
        except Exception:
            break
    if cancelled is not None:
        task.exception()
        raise cancelled
    return task.result()


def _uninterrupted(method: Callable[..., Coroutine[Any, Any, Any]]) -> Any:
    @wraps(method)
    async def run(*args: Any, **kwargs: Any) -> Any:
        return await _to_the_end(method(*args, **kwargs))

    return run


class _Session(AsyncSession):
    """A session whose statements run to their end even if the caller is cancelled.

    SQLAlchemy throws a connection away that is interrupted, and does not wait until the
    driver's thread has rolled back: its transaction would go on holding the file.
    """

    connection = _uninterrupted(AsyncSession.connection)
    delete = _uninterrupted(AsyncSession.delete)
    execute = _uninterrupted(AsyncSession.execute)
    flush = _uninterrupted(AsyncSession.flush)
    get = _uninterrupted(AsyncSession.get)
    scalar = _uninterrupted(AsyncSession.scalar)
    scalars = _uninterrupted(AsyncSession.scalars)
