"""Pages of a listing."""

from collections.abc import Callable
from typing import Annotated, Generic, TypeAlias, TypeVar
from uuid import UUID

from pydantic import BeforeValidator, WithJsonSchema

from app.core.encoding import decode, encode
from app.repositories.pages import Named
from app.repositories.pages import Page as Rows
from app.schemas.base import ResponseBody

Item = TypeVar("Item")
Row = TypeVar("Row", bound=Named)


class Page(ResponseBody, Generic[Item]):
    """Some of the items, and where the next ones begin."""

    items: list[Item]
    next_cursor: str | None
    """Give it as `cursor` to get the next page; null on the last one."""

    @classmethod
    def of(cls, rows: Rows[Row], convert: Callable[[Row], Item]) -> "Page[Item]":
        """Return the page of these rows."""
        cursor = write_cursor(rows.next_before) if rows.next_before else None
        return cls(items=[convert(row) for row in rows.items], next_cursor=cursor)


def write_cursor(last_seen: UUID) -> str:
    """Return the cursor of the page after this id."""
    return encode(last_seen.bytes)


def _read_cursor(cursor: object) -> UUID:
    try:
        return UUID(bytes=decode(str(cursor)))
    except ValueError:
        raise ValueError("must be the next_cursor of an earlier page") from None


Cursor: TypeAlias = Annotated[
    UUID,
    BeforeValidator(_read_cursor),
    WithJsonSchema({"type": "string", "pattern": "^[A-Za-z0-9_-]{21}[AQgw]$"}),
]
"""The id that a cursor stands for; refused unless we could have written it."""
