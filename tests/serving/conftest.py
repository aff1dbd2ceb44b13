"""Servers for tests of serving: impatient ones, on fresh databases."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager

import pytest

from tests.support.databases import Databases
from tests.support.processes import SERVE
from tests.support.server import Server, serve

DEADLINE = 0.6
IMPATIENT = {
    "SERVE_HEAD_SECONDS": str(DEADLINE),
    "SERVE_BODY_SECONDS": str(DEADLINE),
    "SERVE_WRITE_SECONDS": str(DEADLINE),
    "SERVE_KEEP_ALIVE_SECONDS": str(DEADLINE),
    "RATE_LIMITS": "off",
}
PATIENT = {
    "SERVE_HEAD_SECONDS": "60",
    "SERVE_BODY_SECONDS": "60",
    "SERVE_WRITE_SECONDS": "60",
    "SERVE_KEEP_ALIVE_SECONDS": "60",
    "DATABASE_TIMEOUT_SECONDS": "30",
    "RATE_LIMITS": "off",
}
PLACES = 20
"""How many connections the crowded server has room for."""

SMALL_BUFFER = 8192
"""What the system keeps for a client that does not read: less than any page."""

Start = Callable[..., AbstractContextManager[Server]]


@pytest.fixture(scope="session")
def impatient(databases: Databases) -> Iterator[Server]:
    """A server that waits for nobody for long."""
    with serve(databases.migrated(), SERVE, SMALL_BUFFER, **IMPATIENT) as server:
        yield server


@pytest.fixture(scope="session")
def crowded(databases: Databases) -> Iterator[Server]:
    """A patient server with little room."""
    settings = {**PATIENT, "SERVE_MAX_CONNECTIONS": str(PLACES)}
    with serve(databases.migrated(), SERVE, SMALL_BUFFER, **settings) as server:
        yield server


@pytest.fixture(scope="session")
def patient(databases: Databases) -> Iterator[Server]:
    """A patient server with room for all."""
    with serve(databases.migrated(), SERVE, **PATIENT) as server:
        yield server


@pytest.fixture
def start(databases: Databases) -> Start:
    """Start a patient server of the test's own; keywords change its settings."""

    def on_a_fresh_database(
        command: Sequence[str] = SERVE, /, **changes: str
    ) -> AbstractContextManager[Server]:
        url = databases.migrated()
        return serve(url, command, **{**PATIENT, **changes})

    return on_a_fresh_database
