"""A SQLite file that is moved away at the worst moment."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from app.core.exceptions import DatabaseUnavailableError
from app.database import Database
from app.engines import SqliteFile
from app.migrations import migrate
from tests.support.databases import make_settings
from tests.support.rows import names_of_roles, new_role


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the file is."""
    return tmp_path / "here.db"


@pytest.fixture
async def database(path: Path) -> AsyncIterator[Database]:
    """The file in use."""
    settings = make_settings(f"sqlite+aiosqlite:///{path}")
    await migrate(settings)
    opened = Database(settings)
    yield opened
    await opened.close()


async def add(database: Database, name: str) -> None:
    """Save a role."""
    async with database.writing() as session:
        session.add(new_role(name))


class TestMoved:
    """`Database.writing()` while the file is moved."""

    async def test_before_the_commit(self, database: Database, path: Path) -> None:
        """What would be saved where nobody looks for it is not acknowledged."""
        away = path.with_name("away.db")
        with pytest.raises(DatabaseUnavailableError):
            async with database.writing() as session:
                session.add(new_role("lost"))
                await session.flush()
                path.rename(away)
                shutil.copy(away, path)
        away.replace(path)
        await add(database, "next")
        async with database.reading() as session:
            assert await names_of_roles(session) == {"next"}

    async def test_while_it_is_opened(
        self, database: Database, path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What was opened in its place is not used again when it is back."""
        away = path.with_name("away.db")
        look = SqliteFile._look

        def look_and_move(file: SqliteFile) -> tuple[int, int]:
            seen = look(file)
            if not away.exists():
                path.rename(away)
            return seen

        with monkeypatch.context() as patched, pytest.raises(DatabaseUnavailableError):
            patched.setattr(SqliteFile, "_look", look_and_move)
            await add(database, "lost")
        away.replace(path)
        await add(database, "next")
        async with database.reading() as session:
            assert await names_of_roles(session) == {"next"}
