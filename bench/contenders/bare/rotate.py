"""The ceiling of writing: one compare-and-set, as durable as Cardea's."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel
from sqlalchemy import event, update
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

URL = os.environ["DATABASE_URL"]
ROWS = int(os.environ["ROWS"])


class Base(DeclarativeBase):
    """The tables."""


class Row(Base):
    """A row with a counter, as a session has one."""

    __tablename__ = "sessions"

    id: Mapped[int] = mapped_column(primary_key=True)
    generation: Mapped[int]


class Rotation(BaseModel):
    """A row, and what its counter is thought to be."""

    token: str


# SQLite has one writer; on PostgreSQL there are as many connections as Cardea has.
on_sqlite = URL.startswith("sqlite")
engine = create_async_engine(URL, pool_size=1 if on_sqlite else 10, max_overflow=0)


def _on_connect(connection: Any, _: Any) -> None:
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _on_begin(connection: Any) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


if on_sqlite:
    event.listen(engine.sync_engine, "connect", _on_connect)
    event.listen(engine.sync_engine, "begin", _on_begin)


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    """Make the table."""
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.drop_all)
        await connection.run_sync(Base.metadata.create_all)
    async with AsyncSession(engine) as session, session.begin():
        session.add_all(Row(id=n, generation=0) for n in range(ROWS))
    yield


app = FastAPI(lifespan=lifespan)


@app.post("/rotate")
async def rotate(body: Rotation) -> Rotation:
    """Count a row's generation up, if it is what the caller thinks."""
    number, _, generation = body.token.partition(".")
    async with AsyncSession(engine) as session, session.begin():
        found = await session.scalar(
            update(Row)
            .where(Row.id == int(number), Row.generation == int(generation))
            .values(generation=Row.generation + 1)
            .returning(Row.generation)
        )
    return Rotation(token=f"{number}.{found}")
