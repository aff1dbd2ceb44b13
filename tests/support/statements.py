"""Counts what is asked of the database."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine, event


@contextmanager
def statements(parameters: list[Any] | None = None) -> Iterator[list[str]]:
    """Collect the SQL statements of the whole process.

    Args:
        parameters: Where to put what each of them is executed with.
    """
    seen = list[str]()

    def note(_c: Any, _u: Any, statement: str, given: Any, _x: Any, _m: bool) -> None:
        seen.append(statement)
        if parameters is not None:
            parameters.append(given)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(Engine, "before_cursor_execute", note)
