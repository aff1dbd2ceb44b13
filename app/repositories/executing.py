"""Statements that change many rows at once."""

from typing import Any

from sqlalchemy import Delete, Update
from sqlalchemy.ext.asyncio import AsyncSession


async def rows_changed(session: AsyncSession, statement: Update | Delete) -> int:
    """Run a statement past what the session has loaded; return how many rows it hit."""
    result: Any = await session.execute(
        statement.execution_options(synchronize_session=False)
    )
    return int(result.rowcount)
