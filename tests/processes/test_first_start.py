"""Processes that start at the same moment on an empty database."""

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

import httpx2
import pytest

from app.migrations import head_revision
from tests.processes.hearing import browse_all
from tests.support.databases import Databases, make_settings
from tests.support.outsiders import execute, postgresql_outsider
from tests.support.processes import SERVE, SERVER
from tests.support.revoking import ME
from tests.support.server import (
    ROOT_EMAIL,
    START_SECONDS,
    Server,
    serve_together,
    sign_in_root,
)

pytestmark = pytest.mark.postgresql

COMMANDS = [SERVE, SERVER, SERVE, SERVER]
WAITING = "SELECT count(DISTINCT pid) FROM pg_locks WHERE NOT granted"


@contextmanager
def gate(url: str, count: int) -> Iterator[None]:
    """Let nobody use the database before so many want to: then all may at once."""
    shut = threading.Event()
    with ThreadPoolExecutor(1) as threads:
        opened = threads.submit(asyncio.run, _keep_shut(url, count, shut))
        assert shut.wait(START_SECONDS)
        yield
        opened.result()


async def _keep_shut(url: str, count: int, shut: threading.Event) -> None:
    async with postgresql_outsider(make_settings(url)) as outsider:
        async with outsider.transaction(), asyncio.timeout(START_SECONDS):
            # Whatever a connection does first, it looks into this catalogue.
            await outsider.execute("LOCK TABLE pg_class IN ACCESS EXCLUSIVE MODE")
            shut.set()
            while await outsider.fetchval(WAITING) < count:
                await asyncio.sleep(0.01)


@pytest.fixture(scope="module")
def servers(databases: Databases) -> Iterator[list[Server]]:
    """Four of them; that each became ready has been seen."""
    url = databases.empty()
    with ExitStack() as stack:
        with gate(url, len(COMMANDS)):
            servers = stack.enter_context(serve_together(url, COMMANDS))
        yield servers
        for server in servers:
            server.check_log()


def said(servers: list[Server], event: str) -> int:
    """Return how many lines of all logs tell of this event."""
    return sum(len(server.events(event)) for server in servers)


async def rows(servers: list[Server], query: str) -> list[tuple[object, ...]]:
    """Return what the database holds."""
    return list(await execute(make_settings(servers[0].database_url), query))


class TestFirstStart:
    """What is made once is made by one of them, and the others use it."""

    async def test_one_migrates(self, servers: list[Server]) -> None:
        """One brings the schema to head; the others wait and find it there."""
        assert said(servers, "database.migrated") == 1
        found = await rows(servers, "SELECT version_num FROM alembic_version")
        assert found == [(head_revision(),)]

    async def test_one_admin(self, servers: list[Server]) -> None:
        """There is one account, the admin's."""
        assert said(servers, "setup.admin_created") == 1
        holders = (
            "SELECT email, role_name FROM users JOIN user_roles ON user_id = users.id"
        )
        assert await rows(servers, holders) == [(ROOT_EMAIL, "admin")]
        assert await rows(servers, "SELECT count(*) FROM users") == [(1,)]

    async def test_built_in_roles(self, servers: list[Server]) -> None:
        """Each built-in role is there once."""
        found = await rows(servers, "SELECT name FROM roles ORDER BY name")
        assert found == [("admin",), ("user",)]

    async def test_one_signing_key(self, servers: list[Server]) -> None:
        """One has made the key, and all publish it."""
        assert said(servers, "keys.created") == 1
        [(kid,)] = await rows(servers, "SELECT kid FROM signing_keys")
        for server in servers:
            keys = httpx2.get(f"{server.url}/.well-known/jwks.json").json()["keys"]
            assert [key["kid"] for key in keys] == [kid]

    async def test_admin_is_known_to_all(self, servers: list[Server]) -> None:
        """Whoever signs in through one is served by every other."""
        async with browse_all(servers) as clients:
            for through in clients:
                root = await sign_in_root(through)
                for client in clients:
                    answer = await client.get(ME, headers=root.headers)
                    assert answer.status_code == 200, answer.text
