"""Servers that share a database, and an admin of theirs."""

from collections.abc import AsyncIterator, Iterator

import httpx2
import pytest

from tests.processes.hearing import METRICS_TOKEN, browse_all
from tests.support.databases import Databases
from tests.support.people import Person
from tests.support.processes import SERVE, SERVER
from tests.support.server import Server, serve_together, sign_in_root


@pytest.fixture(scope="session")
def three_servers(databases: Databases) -> Iterator[list[Server]]:
    """Three processes on one database, however they were started."""
    url, commands = databases.migrated(), [SERVE, SERVER, SERVE]
    with serve_together(url, commands, METRICS_TOKEN=METRICS_TOKEN) as servers:
        yield servers


@pytest.fixture
async def clients(
    three_servers: list[Server],
) -> AsyncIterator[list[httpx2.AsyncClient]]:
    """A client for each of the three; their logs are looked at afterwards."""
    async with browse_all(three_servers) as clients:
        yield clients
    for server in three_servers:
        server.check_log()


@pytest.fixture
async def admin(clients: list[httpx2.AsyncClient]) -> Person:
    """The first admin of the three."""
    return await sign_in_root(clients[0])
