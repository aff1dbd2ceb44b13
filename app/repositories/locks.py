"""Locks on whole tables, for the rare changes that rest on rows which are not there."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.models import Base


async def lock_table(session: AsyncSession, model: type[Base]) -> None:
    """Keep other transactions from writing this table; SQLite has one writer anyway."""
    if session.get_bind().dialect.name == "postgresql":
        name = model.__tablename__
        await session.execute(text(f"LOCK TABLE {name} IN EXCLUSIVE MODE"))
