"""Whether the service can do its work."""

from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.core.exceptions import DatabaseUnavailableError
from app.database import Database


@dataclass(frozen=True)
class DatabaseReport:
    """What could be learnt about the database just now."""

    kind: str
    version: str | None
    reachable: bool
    migrated: bool


class Health:
    """Looks at the database."""

    def __init__(self, database: Database, revision: str) -> None:
        self._database = database
        self._revision = revision

    async def check(self) -> DatabaseReport:
        """Ask the database for its version and revision."""
        kind = "sqlite" if self._database.is_sqlite else "postgresql"
        ask = "SELECT sqlite_version()" if kind == "sqlite" else "SHOW server_version"
        try:
            async with self._database.reading() as session:
                version = str(await session.scalar(text(ask)))
                revision = await session.scalar(
                    text("SELECT version_num FROM alembic_version")
                )
        except (DatabaseUnavailableError, DBAPIError):
            return DatabaseReport(kind, None, reachable=False, migrated=False)
        migrated = revision == self._revision
        return DatabaseReport(kind, version, reachable=True, migrated=migrated)
