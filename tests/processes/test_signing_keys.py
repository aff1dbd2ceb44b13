"""Signing keys that the command line changes beside several processes."""

import asyncio
import re
import time
from pathlib import Path

import httpx2
import pytest

from app.migrations import head_revision
from app.services.container import open_services
from tests.support.databases import make_settings
from tests.support.people import register, sign_in
from tests.support.problems import problem
from tests.support.processes import environment, run_python
from tests.support.refreshing import refreshed
from tests.support.revoking import ME
from tests.support.server import Server

pytestmark = pytest.mark.postgresql

Clients = list[httpx2.AsyncClient]
ROTATE = ("-m", "app", "rotate-keys")
PUBLISHED_SECONDS = 2.0
"""How soon other programs can read the new key everywhere."""

_KID = re.compile(r"^Key (\S+) signs from", re.M)


async def rotate(server: Server, folder: Path) -> str:
    """Run the command beside the servers; return the new key's name.

    It ends some time after the others could know.
    """
    env = environment(server.database_url)
    command = asyncio.to_thread(run_python, *ROTATE, cwd=folder, env=env)
    done = await command
    assert done.returncode == 0, done.stderr
    found = _KID.search(done.stdout)
    assert found, done.stdout
    return found[1]


async def give_up_all(server: Server) -> str:
    """Do what `--compromised` does; return the new key's name at that moment."""
    settings = make_settings(server.database_url)
    async with open_services(settings, head_revision(), is_owner=False) as services:
        return (await services.keys.rotate(compromised=True)).kid


async def published(client: httpx2.AsyncClient) -> list[str]:
    """Return the names of the keys that a process trusts."""
    keys = (await client.get("/.well-known/jwks.json")).json()["keys"]
    return [key["kid"] for key in keys]


async def until_published(clients: Clients, kid: str) -> float:
    """Return the seconds until every process publishes this key."""
    began = time.monotonic()
    for client in clients:
        while kid not in await published(client):
            assert time.monotonic() - began < 10 * PUBLISHED_SECONDS
    return time.monotonic() - began


class TestRotateKeys:
    """`cardea rotate-keys`, and `--compromised`, beside three servers."""

    async def test_rotated(
        self, clients: Clients, three_servers: list[Server], tmp_path: Path
    ) -> None:
        """All publish the new key soon, and nobody is thrown out."""
        ada = await sign_in(clients[0], await register(clients[0], "a@example.com"))
        kid = await rotate(three_servers[0], tmp_path)
        assert await until_published(clients, kid) < PUBLISHED_SECONDS
        for client in clients:
            assert (await client.get(ME, headers=ada.headers)).status_code == 200

    async def test_compromised(
        self, clients: Clients, three_servers: list[Server]
    ) -> None:
        """What any process signs from now on is accepted by all, and what the old key
        has signed by none; sessions go on."""
        ada = await sign_in(clients[0], await register(clients[0], "b@example.com"))
        kid = await give_up_all(three_servers[0])
        # All sign before any of them looks at a token, for which it would look at keys.
        fresh = [await sign_in(client, ada) for client in clients]
        fresh += [
            await refreshed(client, person)
            for client, person in zip(clients, fresh, strict=True)
        ]
        for client in clients:
            for person in fresh:
                answer = await client.get(ME, headers=person.headers)
                assert answer.status_code == 200, answer.text
            problem(await client.get(ME, headers=ada.headers), 401, "invalid_token")
        ada = await refreshed(clients[0], ada)
        assert (await clients[1].get(ME, headers=ada.headers)).status_code == 200
        assert await until_published(clients, kid) < PUBLISHED_SECONDS
        for client in clients:
            assert await published(client) == [kid]
