"""Everything that ends a session or takes a permission away, done over HTTP."""

from collections.abc import Awaitable, Callable

import httpx2

from tests.support.people import API, PASSWORD, Person, sign_in

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
