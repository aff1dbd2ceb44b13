"""Pages of a listing, by the last id seen instead of by number.

The cost does not grow with the depth, and rows that come in between shift nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar
from uuid import UUID

from sqlalchemy import Select, SQLColumnExpression
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

DEFAULT_LIMIT = 50
MAXIMUM_LIMIT = 200


class Named(Protocol):
    """What is named by an id that sorts by its age."""

    @property
    def id(self) -> Any:
        """A UUIDv7."""


Row = TypeVar("Row", bound=Named)
Selected = TypeVar("Selected", bound=Select[Any])


@dataclass(frozen=True)
class PageRequest:
    """Which page is asked for: so many rows older than `before`."""

    limit: int = DEFAULT_LIMIT
    before: UUID | None = None


@dataclass(frozen=True)
class Page(Generic[Row]):
    """Rows, newest first, and where the next page begins, if there is one."""

    items: Sequence[Row]
    next_before: UUID | None


async def fetch_page(
    session: AsyncSession,
    statement: Select[Row],
    id_column: InstrumentedAttribute[UUID],
    request: PageRequest,
) -> Page[Row]:
    """Run a statement for one page of the ORM's rows."""
    rows = await session.scalars(limited(statement, id_column, request))
    return page_of(list(rows), request)


def limited(
    statement: Selected, id_column: SQLColumnExpression[UUID], request: PageRequest
) -> Selected:
    """Ask for one page, and for a row more to see whether there is another."""
    if request.before is not None:
        statement = statement.where(id_column < request.before)
    return statement.order_by(id_column.desc()).limit(request.limit + 1)


def page_of(rows: Sequence[Row], request: PageRequest) -> Page[Row]:
    """Return the page of what has been found so."""
    items = rows[: request.limit]
    more = len(rows) > request.limit
    return Page(items, items[-1].id if more else None)
