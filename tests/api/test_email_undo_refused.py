"""POST /api/v1/auth/email/undo, where it is refused."""

import httpx2
import pytest

from app.core.config import Settings
from app.services.container import Services
from tests.api.test_recovery import NEW, RESET
from tests.conftest import MakeSettings
from tests.support.clock import FakeClock
from tests.support.links import FORGED
from tests.support.mailbox import prove
from tests.support.moving import CHANGE, UNDO, as_owner, ask_by_mail, move
from tests.support.people import API, Person
from tests.support.problems import fields, problem

USERS = f"{API}/users"


@pytest.fixture
def settings(make: MakeSettings) -> Settings:
    """Several mails in one minute."""
    return make(rate_limits=False)


@pytest.fixture
async def ada(services: Services, ada: Person) -> Person:
    """Somebody whose address is proven, so that it is told of a change."""
    return await prove(services, ada)


class TestRefused:
    """Links that undo nothing."""

    async def test_used(
        self, client: httpx2.AsyncClient, services: Services, ada: Person
    ) -> None:
        """It works once."""
        _, told = await move(client, services, ada)
        await client.post(UNDO, json=told.by_link)
        problem(await client.post(UNDO, json=told.by_link), 410, "challenge_used")

    async def test_expired(
        self,
        client: httpx2.AsyncClient,
        services: Services,
        ada: Person,
        clock: FakeClock,
    ) -> None:
        """After seven days it is too late."""
        _, told = await move(client, services, ada)
        clock.tick(days=7)
        problem(await client.post(UNDO, json=told.by_link), 410, "challenge_expired")
        clock.tick(microseconds=-1)
        assert (await client.post(UNDO, json=told.by_link)).status_code == 204

    @pytest.mark.parametrize("token", ["", "x", "cardea_link_", FORGED])
    async def test_forged(self, client: httpx2.AsyncClient, token: str) -> None:
        """What we have not written is refused."""
        refused = await client.post(UNDO, json={"token": token})
        problem(refused, 403, "challenge_failed")

    async def test_for_something_else(
        self, client: httpx2.AsyncClient, services: Services, ada: Person
    ) -> None:
        """Neither does another link undo anything, nor is this one good for more."""
        asked_for = await ask_by_mail(client, services, ada)
        problem(
            await client.post(UNDO, json=asked_for.by_link), 403, "challenge_failed"
        )
        _, told = await move(client, services, ada)
        for path, body in (
            (CHANGE, as_owner(told.by_link)),
            (RESET, told.by_link | NEW),
            (f"{API}/auth/logout-others", told.by_link),
            (f"{API}/auth/deletion/undo", told.by_link),
        ):
            problem(await client.post(path, json=body), 403, "challenge_failed")

    async def test_code(
        self, client: httpx2.AsyncClient, services: Services, ada: Person
    ) -> None:
        """There is no code, so none can be tried."""
        _, told = await move(client, services, ada)
        body = {"challenge_id": told.challenge_id, "code": "123456"}
        refused = await client.post(UNDO, json=body)
        assert sorted(fields(refused)) == [
            "body.challenge_id",
            "body.code",
            "body.token",
        ]

    async def test_disabled(
        self,
        client: httpx2.AsyncClient,
        services: Services,
        ada: Person,
        admin: Person,
    ) -> None:
        """What an administrator has disabled stays so; once it is not, it works."""
        _, told = await move(client, services, ada)
        path = f"{USERS}/{ada.id}"
        for status, expected in (("disabled", 403), ("active", 204)):
            body = {"status": status}
            await client.patch(path, json=body, headers=admin.headers)
            undone = await client.post(UNDO, json=told.by_link)
            assert undone.status_code == expected, undone.text
            seen = await client.get(path, headers=admin.headers)
            assert seen.json()["status"] == status

    async def test_gone(
        self,
        client: httpx2.AsyncClient,
        services: Services,
        ada: Person,
        admin: Person,
    ) -> None:
        """There is no account to have back that an administrator has deleted."""
        _, told = await move(client, services, ada)
        await client.delete(f"{USERS}/{ada.id}", headers=admin.headers)
        problem(await client.post(UNDO, json=told.by_link), 403, "challenge_failed")
