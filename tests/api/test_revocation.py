"""What was taken away is refused at the very next request."""

import httpx2
import pytest

from app.core.config import Settings
from tests.conftest import MakeSettings
from tests.support.people import API, Person, register, sign_in
from tests.support.problems import problem, reason
from tests.support.revoking import ENDS, LOSSES, ME, USERS, Act
from tests.support.roles import give_roles, make_role


@pytest.fixture(params=["on", "off"])
def settings(make: MakeSettings, request: pytest.FixtureRequest) -> Settings:
    """With and without callers remembered between requests."""
    return make(principal_cache=request.param == "on")


@pytest.fixture
async def eve(client: httpx2.AsyncClient, admin: Person) -> Person:
    """Somebody who may list users and has just done so.

    Twice: the first use of a token is noted, and only what follows is remembered.
    """
    await make_role(client, admin, "reader", ["users:read"])
    eve = await register(client, "eve@example.com")
    await give_roles(client, admin, eve, "reader")
    eve = await sign_in(client, eve)
    for _ in range(2):
        assert (await client.get(USERS, headers=eve.headers)).status_code == 200
    return eve


class TestNextRequest:
    """The access token is still good; what it stands for is not."""

    @pytest.mark.parametrize(("why", "act"), ENDS.items(), ids=ENDS.keys())
    async def test_session_is_refused(
        self,
        client: httpx2.AsyncClient,
        eve: Person,
        admin: Person,
        why: str,
        act: Act,
    ) -> None:
        """The session has ended for every endpoint, and the reason is told."""
        assert (await act(client, eve, admin)).is_success
        for path in (ME, USERS):
            assert reason(await client.get(path, headers=eve.headers)) == why

    @pytest.mark.parametrize("act", LOSSES.values(), ids=LOSSES.keys())
    async def test_permission_is_refused(
        self, client: httpx2.AsyncClient, eve: Person, admin: Person, act: Act
    ) -> None:
        """The permission is gone, the session is not."""
        assert (await act(client, eve, admin)).is_success
        refused = await client.get(USERS, headers=eve.headers)
        problem(refused, 403, "permission_denied")
        me = await client.get(ME, headers=eve.headers)
        assert me.status_code == 200
        assert "users:read" not in me.json()["permissions"]

    async def test_new_permission_works(
        self, client: httpx2.AsyncClient, eve: Person, admin: Person
    ) -> None:
        """What was given works at once, with the token from before."""
        roles = f"{API}/roles"
        refused = await client.get(roles, headers=eve.headers)
        problem(refused, 403, "permission_denied")
        body = {"permissions": ["users:read", "roles:read"]}
        await client.put(f"{roles}/reader", json=body, headers=admin.headers)
        assert (await client.get(roles, headers=eve.headers)).status_code == 200

    async def test_failed_act_changes_nothing(
        self, client: httpx2.AsyncClient, eve: Person, admin: Person
    ) -> None:
        """What is refused takes nothing away."""
        path = f"{USERS}/{eve.id}/roles"
        body = {"roles": ["nobody"]}
        problem(
            await client.put(path, json=body, headers=admin.headers),
            404,
            "role_not_found",
        )
        assert (await client.get(USERS, headers=eve.headers)).status_code == 200
