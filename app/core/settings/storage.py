"""Where the data lives."""

from pydantic import Field, ValidationInfo, field_validator
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from app.core.redis_url import TLS_OPTIONS, is_redis_url
from app.core.setting_rules import is_sqlite
from app.core.settings.base import SettingGroup

SUPPORTED_DATABASES = ("sqlite+aiosqlite:///", "postgresql+asyncpg://")


class StorageSettings(SettingGroup):
    """Where the data lives."""

    database_url: str = "sqlite+aiosqlite:///./cardea.db"
    """Where the data lives: `sqlite+aiosqlite:///PATH` or
    `postgresql+asyncpg://USER:PASSWORD@HOST/NAME`."""

    database_timeout_seconds: int = Field(default=5, ge=1, le=60)
    """How long a request waits for a connection or a lock before it answers 503
    `database_unavailable`. All its waits together take twice that and a second at
    most."""

    database_pool_size: int = Field(default=10, ge=1, le=200)
    """How many PostgreSQL connections one process keeps, beside one that listens for
    changes that other processes make."""

    database_replica_url: str = ""
    """A PostgreSQL replica that lists of accounts are read from. It may lag behind;
    what decides who gets in is always asked of DATABASE_URL. Empty: there is none."""

    migrate_on_start: bool = True
    """Bring the PostgreSQL schema up to date at start. SQLite is always migrated."""

    redis_url: str = ""
    """Where limits are counted for all processes together:
    `redis://:PASSWORD@HOST:6379/0`, `rediss://...` (TLS) or `unix:///PATH?db=0`. Empty,
    or while Redis does not answer: each process counts for itself, in memory."""

    @field_validator("database_url", "database_replica_url")
    @classmethod
    def _supported_database(cls, value: str, info: ValidationInfo) -> str:
        if not value and info.field_name == "database_replica_url":
            return value
        if not value.startswith(SUPPORTED_DATABASES):
            raise ValueError(f"must start with {' or '.join(SUPPORTED_DATABASES)}")
        try:
            name = make_url(value).database or ""
        except (ArgumentError, ValueError):
            # The words of the error may hold a piece of the password.
            name = ""
        if not name or name.startswith(("file:", ":memory:")) or "mode=memory" in value:
            raise ValueError(
                "must name a file or a database; in user name and password, "
                "`@`, `:`, `/` and `%` are written as %40, %3A, %2F and %25"
            )
        return value

    @field_validator("redis_url")
    @classmethod
    def _redis_or_empty(cls, value: str) -> str:
        if value and not is_redis_url(value):
            raise ValueError(
                "must be redis://HOST:PORT/NUMBER, rediss://... or unix:///PATH, with "
                f"no options but db and, for TLS, {', '.join(sorted(TLS_OPTIONS))}; in "
                "user name and password, `@`, `:`, `/`, `?`, `#` and `%` are written "
                "as %40, %3A, %2F, %3F, %23 and %25"
            )
        return value

    @property
    def database_patience_seconds(self) -> int:
        """How long a request waits for the database altogether.

        Enough for a connection and, once it is there, for a statement that is given up
        a second after the database should have answered.
        """
        return 2 * self.database_timeout_seconds + 1

    @property
    def is_sqlite(self) -> bool:
        """Whether the data lives in a SQLite file."""
        return is_sqlite(self.database_url)
