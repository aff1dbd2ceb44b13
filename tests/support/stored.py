"""What is stored, with a look of one's own at the database."""

from uuid import UUID

from sqlalchemy import func, select

from app.database import Database
from app.models import Session, User


async def number_of_users(database: Database) -> int:
    """Count the accounts."""
    async with database.reading() as session:
        return await session.scalar(select(func.count()).select_from(User)) or 0


async def number_of_sessions(database: Database, user_id: str) -> int:
    """Count the sessions of an account, ended ones too."""
    async with database.reading() as session:
        count = select(func.count()).where(Session.user_id == UUID(user_id))
        return await session.scalar(count) or 0


async def stored_hash(database: Database, email_key: str) -> str:
    """Return what is stored of an account's password."""
    async with database.reading() as session:
        statement = select(User.password_hash).where(User.email_key == email_key)
        return await session.scalar(statement) or ""
