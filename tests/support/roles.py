"""People with roles, made over HTTP by an admin."""

from collections.abc import Sequence

import httpx2

from tests.support.people import API, Person, register, sign_in

OWN = [
    "outbox:read",
    "outbox:write",
    "roles:read",
    "roles:write",
    "users:read",
    "users:write",
]
"""The permissions that the service itself asks for, sorted."""


async def make_role(
    client: httpx2.AsyncClient, admin: Person, name: str, permissions: Sequence[str]
) -> None:
    """Make a role."""
    response = await client.post(
        f"{API}/roles",
        json={"name": name, "permissions": list(permissions)},
        headers=admin.headers,
    )
    assert response.status_code == 201, response.text


async def give_roles(
    client: httpx2.AsyncClient, admin: Person, to: Person, *roles: str
) -> None:
    """Replace somebody's roles."""
    response = await client.put(
        f"{API}/users/{to.id}/roles",
        json={"roles": roles},
        headers=admin.headers,
    )
    assert response.status_code == 200, response.text


async def holder_of(
    client: httpx2.AsyncClient,
    admin: Person,
    *permissions: str,
    email: str = "eve@example.com",
    role: str = "helper",
) -> Person:
    """Return somebody who has signed in and holds exactly these permissions."""
    await make_role(client, admin, role, permissions)
    person = await register(client, email)
    await give_roles(client, admin, person, role)
    return await sign_in(client, person)
