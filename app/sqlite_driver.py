"""SQLite's driver: SQLAlchemy's own, asking less often.

aiosqlite does everything in a thread, and each turn of that thread costs more than most
statements do. SQLAlchemy takes four for one statement: make a cursor, execute, fetch,
close. As all rows are fetched at once anyway, one turn can do all of it.
"""

import sqlite3
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import aiosqlite
from sqlalchemy.dialects.sqlite.aiosqlite import (
    AsyncAdapt_aiosqlite_connection,
    AsyncAdapt_aiosqlite_cursor,
    AsyncAdapt_aiosqlite_dbapi,
)


@dataclass(slots=True)
class _Executed:
    """What a cursor would say that has been closed already."""

    description: Any = None
    rowcount: int = -1
    lastrowid: int | None = None
    rows: Sequence[Any] = ()
    arraysize: int = 1

    def close(self) -> None:
        """Do nothing: there is nothing open."""


class Cursor(AsyncAdapt_aiosqlite_cursor):
    """Executes a statement in one turn of the driver's thread."""

    __slots__ = ()

    _awaitable_cursor_close = False

    def _make_new_cursor(self, connection: Any) -> Any:
        return _Executed()

    def _aenter_cursor(self, cursor: Any) -> Any:
        return cursor

    async def _execute_async(self, operation: Any, parameters: Any) -> None:
        await self._in_one_turn("execute", operation, parameters or ())

    async def _executemany_async(self, operation: Any, parameters: Any) -> None:
        await self._in_one_turn("executemany", operation, parameters)

    async def _in_one_turn(self, method: str, *statement: Any) -> None:
        driver: Any = self._connection
        async with self._adapt_connection._execute_mutex:
            executed = await driver._execute(_execute, driver._conn, method, statement)
        self._cursor = executed
        self._rows = deque(executed.rows)


class Connection(AsyncAdapt_aiosqlite_connection):
    """A connection whose statements take one turn each."""

    __slots__ = ()

    _cursor_cls = Cursor

    def rollback(self) -> None:
        """Roll back, if there is anything: SQLAlchemy asks for it after commits too."""
        driver: Any = self._connection
        if driver._connection is not None and driver.in_transaction:
            super().rollback()


class Driver(AsyncAdapt_aiosqlite_dbapi):
    """What to give SQLAlchemy as `module`."""

    def __init__(self) -> None:
        super().__init__(aiosqlite, sqlite3)

    def connect(self, *args: Any, **kwargs: Any) -> Connection:
        """Open a file."""
        return Connection(self, super().connect(*args, **kwargs)._connection)


def _execute(
    connection: sqlite3.Connection, method: str, statement: Sequence[Any]
) -> _Executed:
    cursor = connection.cursor()
    try:
        getattr(cursor, method)(*statement)
        rows = cursor.fetchall() if cursor.description else ()
        return _Executed(cursor.description, cursor.rowcount, cursor.lastrowid, rows)
    finally:
        cursor.close()
