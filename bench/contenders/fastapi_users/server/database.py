"""The accounts' table, and connections as durable as Cardea's."""

from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import Depends
from fastapi_users_db_sqlalchemy import (
    SQLAlchemyBaseUserTableUUID,
    SQLAlchemyUserDatabase,
)
from sqlalchemy import event
from sqlalchemy.ext.asyncio import (
    AsyncSession,
    async_sessionmaker,
    create_async_engine,
)
from sqlalchemy.orm import DeclarativeBase


class Base(DeclarativeBase):
    """The tables."""


class User(SQLAlchemyBaseUserTableUUID, Base):
    """An account, with no column beyond the library's own."""


# Hashing holds up all requests, also those that are about to commit. Who waits for the
# lock meanwhile would give up after SQLite's five seconds, and a sign-up would fail.
engine = create_async_engine(
    "sqlite+aiosqlite:///fastapi-users.db", connect_args={"timeout": 30}
)
new_session = async_sessionmaker(engine, expire_on_commit=False)


@event.listens_for(engine.sync_engine, "connect")
def _on_connect(connection: Any, _: Any) -> None:
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


async def create_tables() -> None:
    """Make the tables that are not there."""
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)


async def _session() -> AsyncIterator[AsyncSession]:
    async with new_session() as session:
        yield session


async def accounts(
    session: Annotated[AsyncSession, Depends(_session)],
) -> AsyncIterator[SQLAlchemyUserDatabase]:
    """Give a request the accounts."""
    yield SQLAlchemyUserDatabase(session, User)
