"""Looks at sessions, and changes them, past the service."""

import sqlite3
from typing import Any
from uuid import UUID

from sqlalchemy import delete, text, update

from app.core.config import Settings
from app.database import Database
from app.engines import sqlite_path
from app.models import Session, User
from app.repositories import SessionRepository, UserRepository


async def stored(database: Database, session_id: UUID) -> Session:
    """Return a session as it is stored."""
    row = await found(database, session_id)
    assert row is not None
    return row


async def found(database: Database, session_id: UUID) -> Session | None:
    """Return a session as it is stored, None if there is none."""
    async with database.reading() as session:
        return await SessionRepository(session).get(session_id)


async def stored_user(database: Database, user_id: UUID) -> User:
    """Return an account as it is stored."""
    async with database.reading() as session:
        user = await UserRepository(session).get(user_id)
    assert user is not None
    return user


async def change(database: Database, session_id: UUID, **values: Any) -> None:
    """Change a session's columns."""
    async with database.writing() as session:
        await session.execute(
            update(Session).where(Session.id == session_id).values(**values)
        )


async def orphan(settings: Settings, database: Database, user_id: UUID) -> None:
    """Delete a user and leave the sessions, as a foreign key would not let anybody."""
    if settings.is_sqlite:
        with sqlite3.connect(sqlite_path(settings.database_url)) as connection:
            connection.execute("DELETE FROM users WHERE id = ?", [user_id.hex])
        connection.close()
        return
    async with database.writing() as session:
        await session.execute(
            text("ALTER TABLE sessions DROP CONSTRAINT fk_sessions_user_id_users")
        )
        await session.execute(delete(User).where(User.id == user_id))
