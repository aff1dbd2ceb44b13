"""Server processes for races, on the database that `--database` names."""

from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack

import httpx2
import pytest

from app.core.config import Settings
from tests.support.databases import Databases, make_settings
from tests.support.server import CALLERS, PUBLIC_URL, Server, browse, serve


@pytest.fixture(scope="session")
def races_url(databases: Databases) -> str:
    """The database that the shared server works on."""
    return databases.migrated()


@pytest.fixture
def settings(races_url: str) -> Settings:
    """Settings to look into the shared server's database with."""
    return make_settings(races_url)


@pytest.fixture(scope="session")
def shared_server(races_url: str) -> Iterator[Server]:
    """A server process for all races that leave it as it was."""
    with serve(races_url, RATE_LIMITS="off") as server:
        yield server


@pytest.fixture
def server(shared_server: Server) -> Iterator[Server]:
    """The shared server; its log is looked at after each test."""
    yield shared_server
    shared_server.check_log()


@pytest.fixture
async def client(server: Server) -> AsyncIterator[httpx2.AsyncClient]:
    """Fifty connections to the shared server."""
    async with browse(server, CALLERS) as client:
        yield client


@pytest.fixture
def fresh_server(databases: Databases) -> Iterator[Server]:
    """A server process of the test's own."""
    with serve(databases.migrated(), RATE_LIMITS="off") as server:
        yield server
        server.check_log()


@pytest.fixture
def limiting_server(databases: Databases) -> Iterator[Server]:
    """A server process that makes callers wait."""
    with serve(databases.migrated()) as server:
        yield server
        server.check_log()


@pytest.fixture
def processes(databases: Databases) -> Iterator[list[Server]]:
    """All processes that one database may have: one on SQLite, two on PostgreSQL."""
    url = databases.migrated()
    count = 1 if url.startswith("sqlite") else 2
    with ExitStack() as stack:
        servers = [
            stack.enter_context(serve(url, PUBLIC_URL=PUBLIC_URL, RATE_LIMITS="off"))
            for _ in range(count)
        ]
        yield servers
        for server in servers:
            server.check_log()
