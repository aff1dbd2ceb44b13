"""What was taken away is refused at the very next request."""

from collections.abc import Awaitable, Callable

import httpx2
import pytest

from app.core.config import Settings
from tests.conftest import MakeSettings
from tests.support.people import API, PASSWORD, Person, register, sign_in
from tests.support.problems import problem, reason
from tests.support.roles import give_roles, make_role

USERS = f"{API}/users"
ME = f"{USERS}/me"
NEW = "another horse battery"

Act = Callable[[httpx2.AsyncClient, Person, Person], Awaitable[httpx2.Response]]


async def sign_out(
    client: httpx2.AsyncClient, eve: Person, admin: Person
) -> httpx2.Response:
    """Eve signs out."""
    return await client.post(f"{API}/auth/logout", headers=eve.headers)


async def end_elsewhere(
    client: httpx2.AsyncClient, eve: Person, admin: Person
) -> httpx2.Response:
    """Eve ends this session on another device."""
    other = await sign_in(client, eve)
    path = f"{ME}/sessions/{eve.session_id}"
    return await client.delete(path, headers=other.headers)


async def change_password(
    client: httpx2.AsyncClient, eve: Person, admin: Person
) -> httpx2.Response:
    """Eve changes her password on another device."""
    other = await sign_in(client, eve)
    body = {"current_password": PASSWORD, "new_password": NEW}
    return await client.post(f"{ME}/password", json=body, headers=other.headers)


async def reuse(
    client: httpx2.AsyncClient, eve: Person, admin: Person
) -> httpx2.Response:
    """Somebody shows a refresh token from two rotations ago."""
    path, token = f"{API}/auth/refresh", eve.refresh_token
    for _ in range(2):
        refreshed = await client.post(path, json={"refresh_token": token})
        token = refreshed.json()["refresh_token"]
    await client.post(path, json={"refresh_token": eve.refresh_token})
    return refreshed


async def admin_signs_out(
    client: httpx2.AsyncClient, eve: Person, admin: Person
) -> httpx2.Response:
    """An admin ends all of Eve's sessions."""
    return await client.post(f"{USERS}/{eve.id}/logout", headers=admin.headers)


async def disable(
    client: httpx2.AsyncClient, eve: Person, admin: Person
) -> httpx2.Response:
    """An admin disables Eve."""
    body = {"status": "disabled"}
    return await client.patch(f"{USERS}/{eve.id}", json=body, headers=admin.headers)


async def delete(
    client: httpx2.AsyncClient, eve: Person, admin: Person
) -> httpx2.Response:
    """An admin deletes Eve."""
    return await client.delete(f"{USERS}/{eve.id}", headers=admin.headers)


ENDS: dict[str, Act] = {
    "signed_out": sign_out,
    "signed_out_elsewhere": end_elsewhere,
    "password_changed": change_password,
    "token_reused": reuse,
    "ended_by_admin": admin_signs_out,
    "user_disabled": disable,
    "user_deleted": delete,
}


async def take_role(
    client: httpx2.AsyncClient, eve: Person, admin: Person
) -> httpx2.Response:
    """An admin takes the role away."""
    body = {"roles": ["user"]}
    path = f"{USERS}/{eve.id}/roles"
    return await client.put(path, json=body, headers=admin.headers)


async def change_role(
    client: httpx2.AsyncClient, eve: Person, admin: Person
) -> httpx2.Response:
    """An admin takes the permission out of the role."""
    body = {"permissions": ["articles:write"]}
    return await client.put(f"{API}/roles/reader", json=body, headers=admin.headers)


LOSSES: dict[str, Act] = {"role": take_role, "permission": change_role}


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
