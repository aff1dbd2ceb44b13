"""Signing keys in the database."""

from collections.abc import Collection

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.database import note_change
from app.models import StoredKey
from app.repositories.locks import lock_table

ALL_KEYS = "signing_keys"
"""The name under which a change of any key is noted."""


class KeyRepository:
    """Reads and writes signing keys, sealed as they are."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def lock_all(self) -> None:
        """Let nobody else make or delete keys until the end."""
        await lock_table(self._session, StoredKey)

    async def list_all(self) -> list[StoredKey]:
        """Return every key, the oldest first."""
        statement = select(StoredKey).order_by(StoredKey.signs_from, StoredKey.kid)
        return list(await self._session.scalars(statement))

    def add(self, key: StoredKey) -> None:
        """Add a key."""
        note_change(self._session, ALL_KEYS)
        self._session.add(key)

    async def delete_all_but(self, kids: Collection[str]) -> None:
        """Delete every other key."""
        note_change(self._session, ALL_KEYS)
        await self._session.execute(delete(StoredKey).where(StoredKey.kid.not_in(kids)))
