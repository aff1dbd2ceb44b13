"""Migrations, as the server and the command run them."""

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, inspect
from sqlalchemy.ext.asyncio import create_async_engine

from app.core.config import Settings
from app.core.exceptions import StartupError
from app.database import Database
from app.migrations import head_revision, migrate, prepare_schema
from app.models import Base, EndReason, MessageKind, UserStatus
from tests.support.databases import Databases, make_settings
from tests.support.outsiders import execute, no_transaction_is_open
from tests.support.processes import threads_ended
from tests.support.rows import (
    new_challenge,
    new_message,
    new_role,
    new_session,
    new_user,
)


@pytest.fixture
def empty(databases: Databases) -> Settings:
    """Settings of a database without tables."""
    return make_settings(databases.empty())


async def tables(settings: Settings) -> set[str]:
    """Return the names of the tables there are."""
    engine = create_async_engine(settings.database_url)
    async with engine.connect() as connection:
        names = await connection.run_sync(lambda sync: inspect(sync).get_table_names())
    await engine.dispose()
    return set(names)


def differences(connection: Connection) -> list[object]:
    """Return what autogenerate would change."""
    options = {"compare_type": True, "compare_server_default": True}
    context = MigrationContext.configure(connection, opts=options)
    return list(compare_metadata(context, Base.metadata))


async def set_revision(settings: Settings, revision: str) -> None:
    """Pretend that another version of the service has used the database."""
    await execute(settings, f"UPDATE alembic_version SET version_num = '{revision}'")


class TestMigrate:
    """`migrate()`."""

    async def test_up_and_down(self, empty: Settings) -> None:
        """An empty database gets every table, loses them again, and gets them back."""
        for _ in range(2):
            await migrate(empty)
            expected = {*Base.metadata.tables, "alembic_version"}
            assert await tables(empty) == expected
            await migrate(empty, "base")
            assert await tables(empty) == {"alembic_version"}

    async def test_agrees_with_the_models(self, settings: Settings) -> None:
        """The migrations make exactly what the models say."""
        engine = create_async_engine(settings.database_url)
        async with engine.connect() as connection:
            assert await connection.run_sync(differences) == []
        await engine.dispose()

    async def test_does_nothing_at_head(
        self, settings: Settings, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Running it again changes and says nothing."""
        with caplog.at_level("INFO", "app.migrations"):
            await migrate(settings)
        assert caplog.messages == []

    async def test_says_what_it_did(
        self, empty: Settings, caplog: pytest.LogCaptureFixture
    ) -> None:
        """A migration is a log line."""
        with caplog.at_level("INFO", "app.migrations"):
            await migrate(empty)
        [record] = [r for r in caplog.records if r.getMessage() == "database.migrated"]
        assert vars(record)["from"] is None
        assert vars(record)["to"] == head_revision()

    async def test_failing_half_way_leaves_nothing(self, empty: Settings) -> None:
        """A migration is one transaction: if a step fails, none was done."""
        await execute(empty, "CREATE TABLE user_roles (x INTEGER)")
        with pytest.raises(StartupError):
            await prepare_schema(empty)
        assert await tables(empty) == {"user_roles"}

    async def test_keeps_the_data(self, settings: Settings, database: Database) -> None:
        """Starting again loses no row."""
        user = new_user("ada@example.com")
        async with database.writing() as session:
            user.roles = [new_role("editor")]
            session.add(user)
            await session.flush()
            session.add(new_session(user))
        await prepare_schema(settings)
        for table in ("users", "roles", "user_roles", "sessions"):
            assert await execute(settings, f"SELECT count(*) FROM {table}") == [(1,)]

    async def test_down_with_mail(self, settings: Settings, database: Database) -> None:
        """What only this version knows is in nobody's way back."""
        user = new_user("ada@example.com")
        user.status = UserStatus.DELETED
        async with database.writing() as session:
            session.add(user)
            await session.flush()
            session.add(new_session(user, end_reason=EndReason.EMAIL_CHANGE_UNDONE))
            for kind in MessageKind:
                of_account = None if kind == MessageKind.RESET_BY_ADMIN else user.id
                challenge = new_challenge(kind, user_id=of_account)
                session.add(challenge)
                await session.flush()
                session.add(new_message(kind, challenge))
        await migrate(settings, "base")
        assert await tables(settings) == {"alembic_version"}


class TestPrepareSchema:
    """`prepare_schema()`, before a server starts."""

    async def test_migrates_an_empty_database(self, empty: Settings) -> None:
        """A first start makes the tables."""
        await prepare_schema(empty)
        assert Base.metadata.tables.keys() <= await tables(empty)

    @pytest.mark.parametrize("migrate_on_start", [True, False], ids=["on", "off"])
    async def test_refuses_a_newer_database(
        self, settings: Settings, migrate_on_start: bool
    ) -> None:
        """What a newer version has used is left alone, in one line."""
        await set_revision(settings, "fffffffffffe")
        changed = settings.model_copy(update={"migrate_on_start": migrate_on_start})
        with pytest.raises(StartupError, match="newer") as refused:
            await prepare_schema(changed)
        assert "fffffffffffe" in str(refused.value)
        assert "\n" not in str(refused.value)
        found = await execute(settings, "SELECT version_num FROM alembic_version")
        assert found == [("fffffffffffe",)]
        assert await no_transaction_is_open(settings)

    async def test_off_refuses_an_older_database(self, empty: Settings) -> None:
        """With MIGRATE_ON_START=off a server does not change PostgreSQL's schema, and
        does not start on an older one; SQLite is migrated all the same."""
        off = empty.model_copy(update={"migrate_on_start": False})
        if empty.is_sqlite:
            await prepare_schema(off)
            assert Base.metadata.tables.keys() <= await tables(empty)
            return
        with pytest.raises(StartupError, match="python -m app migrate") as refused:
            await prepare_schema(off)
        assert "\n" not in str(refused.value)
        assert await tables(empty) == set()

    async def test_off_starts_at_head(self, settings: Settings) -> None:
        """With MIGRATE_ON_START=off a server starts on an up-to-date database."""
        await prepare_schema(settings.model_copy(update={"migrate_on_start": False}))

    @pytest.mark.parametrize(
        "url",
        ["sqlite+aiosqlite:////dev/null/x.db", "postgresql+asyncpg://a@127.0.0.1:9/x"],
        ids=["sqlite", "postgresql"],
    )
    async def test_names_an_unusable_database(self, url: str) -> None:
        """A database that can't be reached is named in one line, without its URL."""
        async with threads_ended():
            with pytest.raises(StartupError, match="DATABASE_URL") as refused:
                await prepare_schema(make_settings(url))
        assert "\n" not in str(refused.value)
        assert url not in str(refused.value)
