"""The database: its transactions, and who is told what they changed.

    async with database.reading() as session: ...
    async with database.writing() as session: ...

`writing()` commits at its end, before the caller goes on, so before any answer leaves.
An error rolls it back, unless its class says `keeps_writes`. Nobody else commits.
"""

import asyncio
import logging
import sqlite3
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from functools import wraps
from typing import Any, TypeVar

from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from app.core.config import Settings
from app.core.exceptions import AppError, DatabaseUnavailableError
from app.core.metrics import DATABASE_UNAVAILABLE
from app.core.patience import LimitedPatience, Work, refuse_the_impatient
from app.engines import (
    READ_ONLY,
    Replica,
    SqliteFile,
    postgresql_engine,
    postgresql_listener,
    sqlite_reader,
    sqlite_writer,
)

logger = logging.getLogger(__name__)

Result = TypeVar("Result")
Changes = frozenset[str]
Listener = Callable[[Changes], None]

EVERYTHING = "everything"
"""Named instead of what changed where that is not known."""

CHANNEL = "cardea_changes"
"""Where PostgreSQL's triggers tell every process what anybody has changed."""

CLOSE_SECONDS = 1
"""How long closing waits for what is under way, and as long again for the rest."""

_CHANGES = "changes"
_OUR_MISTAKES = (IntegrityError, ProgrammingError, DataError)
_OUTAGES = (DBAPIError, PoolTimeoutError, OSError, sqlite3.Error)


class Database:
    """The engines of one database, and its transactions.

    SQLite has two engines on one file: one connection that writes, in `BEGIN IMMEDIATE`
    transactions that queue up fairly, and several that only read. PostgreSQL has one,
    and perhaps a replica's.

    Args:
        settings: Where the database is.
        is_owner: False beside a running server, which alone does the checkpoints of a
            SQLite file.
    """

    def __init__(self, settings: Settings, *, is_owner: bool = True) -> None:
        self.is_sqlite = settings.is_sqlite
        self._settings = settings
        self._listeners: list[Listener] = []
        self._work = Work()
        self._replica = Replica(settings) if settings.database_replica_url else None
        if settings.is_sqlite:
            self._file = SqliteFile(settings)
            self._writer = sqlite_writer(settings, self._file, is_owner=is_owner)
            self._reader = sqlite_reader(settings, self._file)
        else:
            self._writer = postgresql_engine(settings.database_url, settings)
            self._reader = self._writer.execution_options(**READ_ONLY)

    @asynccontextmanager
    async def reading(self, *, may_lag: bool = False) -> AsyncIterator[AsyncSession]:
        """Give a session that sees one consistent state and changes nothing.

        Args:
            may_lag: Whether the state may be a replica's, some moments old. Never where
                a decision rests on it: a replica does not know yet what was revoked.

        Raises:
            DatabaseUnavailableError: If the database does not answer.
        """
        engine = self._reader
        with _outage_translated():
            if may_lag and self._replica is not None:
                engine = await self._to_the_end(self._replica.engine_or(engine))
            session = _Session(engine, self._work)
            try:
                yield session
            finally:
                await self._leave(session)

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncSession]:
        """Give a session whose changes are saved when the block ends.

        Raises:
            DatabaseUnavailableError: If the database does not answer; then nothing is
                saved, unless it broke down while saving.
        """
        session = _Session(self._writer, self._work)
        with _outage_translated():
            try:
                kept: AppError | None = None
                try:
                    yield session
                except AppError as error:
                    if not error.keeps_writes:
                        raise
                    kept = error
                await session.to_the_end(self._commit(session))
                if kept is not None:
                    raise kept
            finally:
                # Closing rolls back what was not committed.
                await self._leave(session)

    def on_change(self, listener: Listener) -> None:
        """Have a listener told what `note_change` named, whoever saved it."""
        self._listeners.append(listener)

    def tell(self, changes: Changes) -> None:
        """Tell all listeners of changes."""
        for listener in self._listeners:
            listener(changes)

    async def data_version(self) -> int:
        """Return a number that changes when another process writes the SQLite file.

        Raises:
            DatabaseUnavailableError: If the file does not answer.
        """
        with _outage_translated():
            self._file.check()
            return await self._to_the_end(self._data_version())

    @asynccontextmanager
    async def channel(self, heard: Callable[[str], None]) -> AsyncIterator["Channel"]:
        """Hear every notification of a PostgreSQL database while the block runs.

        Raises:
            DatabaseUnavailableError: If the database does not answer.
        """
        engine = postgresql_listener(self._settings)
        with _outage_translated():
            async with engine.connect() as connection:
                raw = await connection.get_raw_connection()
                driver = raw.driver_connection
                assert driver is not None
                try:
                    await driver.add_listener(CHANNEL, lambda *said: heard(said[-1]))
                    yield Channel(driver)
                finally:
                    await connection.invalidate()

    async def close(self) -> None:
        """Close all connections, and wait a moment for what nobody else waits for."""
        await self._work.end_of_all(CLOSE_SECONDS)
        with suppress(TimeoutError), LimitedPatience(CLOSE_SECONDS):
            await self._to_the_end(self._dispose())
        if self.is_sqlite:
            self._work.give_up()

    async def _dispose(self) -> None:
        if self._replica is not None:
            await self._replica.close()
        await self._reader.dispose()
        # The last one does the checkpoint.
        await self._writer.dispose()

    async def _to_the_end(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Do what must not stop half way.

        A cancelled commit would leave it open whether the change was saved, and a
        cancelled close would leave a transaction open.
        """
        return await self._work.end_of(self._work.begin(work))

    async def _leave(self, session: "_Session") -> None:
        if not session.in_transaction():
            # Nothing is under way, and there is nothing to wait for.
            await session.close()
            return
        # What is over for the caller does not fail because closing takes long.
        with suppress(TimeoutError):
            await self._to_the_end(session.leave())

    async def _data_version(self) -> int:
        # As a context manager it would be closed by a task that we know nothing of.
        connection = await self._writer.connect()
        try:
            raw = await connection.get_raw_connection()
            assert raw.driver_connection is not None
            # Past SQLAlchemy, which would begin a write transaction for it.
            rows = await raw.driver_connection.execute_fetchall("PRAGMA data_version")
            return int(list(rows)[0][0])
        finally:
            await connection.close()

    async def _commit(self, session: AsyncSession) -> None:
        changes = frozenset(session.info.get(_CHANGES, ()))
        try:
            await session.commit()
        finally:
            # A commit that failed may have been saved all the same.
            if changes:
                self.tell(changes)


class Channel:
    """A connection on which the notifications of others arrive."""

    def __init__(self, driver: Any) -> None:
        self._driver = driver

    async def say(self, text: str, *, within_seconds: float) -> None:
        """Notify everybody, oneself included, after all that was said before.

        Raises:
            DatabaseUnavailableError: If the database is gone, or does not answer in
                time.
        """
        try:
            await self._driver.execute(
                "SELECT pg_notify($1, $2)", CHANNEL, text, timeout=within_seconds
            )
        except Exception as error:
            # The statement is always the same: what is wrong is not with it.
            raise DatabaseUnavailableError from error


def note_change(session: AsyncSession, *names: object) -> None:
    """Name what this transaction changes for those who keep copies of it.

    Other processes are told the same by the database itself: see the migrations.
    """
    session.info.setdefault(_CHANGES, set()).update(map(str, names))


@contextmanager
def _outage_translated() -> Iterator[None]:
    """Answer 503 for what the database did, and let our own mistakes pass as such."""
    try:
        yield
    except _OUR_MISTAKES:
        raise
    except _OUTAGES as error:
        DATABASE_UNAVAILABLE.inc()
        logger.warning("database.unavailable", extra={"error": type(error).__name__})
        raise DatabaseUnavailableError from error


def _uninterrupted(method: Callable[..., Coroutine[Any, Any, Any]]) -> Any:
    @wraps(method)
    async def run(self: "_Session", *args: Any, **kwargs: Any) -> Any:
        return await self.to_the_end(method(self, *args, **kwargs))

    return run


class _Session(AsyncSession):
    """A session whose statements run to their end even if the caller is cancelled.

    SQLAlchemy throws a connection away that is interrupted, and does not wait until the
    driver's thread has rolled back: its transaction would go on holding the file.
    """

    def __init__(self, engine: AsyncEngine, work: Work) -> None:
        super().__init__(engine, expire_on_commit=False)
        self._work = work
        self._under_way: asyncio.Task[Any] | None = None

    async def to_the_end(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Do what needs the connection, and remember it until it has ended."""
        refuse_the_impatient(work)
        task = self._under_way = self._work.begin(work)
        return await self._work.end_of(task)

    async def leave(self) -> None:
        """Close it once nothing is under way that its caller no longer waits for."""
        if self._under_way is not None:
            await asyncio.wait([self._under_way])
        await self.close()

    # `scalars` is one of them too: it calls `execute`.
    connection = _uninterrupted(AsyncSession.connection)
    delete = _uninterrupted(AsyncSession.delete)
    execute = _uninterrupted(AsyncSession.execute)
    flush = _uninterrupted(AsyncSession.flush)
    get = _uninterrupted(AsyncSession.get)
    scalar = _uninterrupted(AsyncSession.scalar)
