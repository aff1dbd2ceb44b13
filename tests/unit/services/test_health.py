"""Whether the service can do its work."""

import sqlite3

import httpx2
import pytest

from app.core.config import Settings
from app.database import Database
from app.migrations import head_revision
from app.services.health import Health
from tests.support.databases import Databases, make_settings
from tests.support.outages import out_of_reach
from tests.support.outsiders import execute
from tests.support.processes import threads_ended


class TestCheck:
    """`Health.check()`."""

    async def test_all_is_well(self, database: Database) -> None:
        """A migrated database that answers."""
        report = await Health(database, head_revision()).check()
        assert (report.reachable, report.migrated) == (True, True)
        assert report.kind == ("sqlite" if database.is_sqlite else "postgresql")
        if database.is_sqlite:
            assert report.version == sqlite3.sqlite_version
        else:
            assert report.version and int(report.version.split(".")[0]) >= 12

    async def test_another_revision(self, database: Database) -> None:
        """A database at another revision answers, and is not usable."""
        report = await Health(database, "ffffffffffff").check()
        assert (report.reachable, report.migrated) == (True, False)

    async def test_without_tables(self, databases: Databases) -> None:
        """A database without tables is not usable."""
        empty = Database(make_settings(databases.empty()))
        report = await Health(empty, head_revision()).check()
        await empty.close()
        assert not report.migrated

    async def test_out_of_reach(self, settings: Settings, database: Database) -> None:
        """A database that can't be reached is reported as such, not raised."""
        health = Health(database, head_revision())
        async with threads_ended(), out_of_reach(settings):
            report = await health.check()
        assert (report.reachable, report.migrated, report.version) == (
            False,
            False,
            None,
        )
        assert (await health.check()).migrated


class TestReady:
    """GET /health/ready."""

    async def test_ready(self, client: httpx2.AsyncClient) -> None:
        """A service that can work answers 200 and names its database's version."""
        response = await client.get("/health/ready")
        assert response.status_code == 200
        assert response.json()["database"]["version"]

    @pytest.mark.parametrize("path", ["/health/ready", "/health/live"])
    async def test_newer_database(
        self, settings: Settings, client: httpx2.AsyncClient, path: str
    ) -> None:
        """A database that another version has migrated meanwhile makes it unready; the
        process lives."""
        await execute(settings, "UPDATE alembic_version SET version_num = 'f'")
        response = await client.get(path)
        assert response.status_code == (503 if path.endswith("ready") else 200)
