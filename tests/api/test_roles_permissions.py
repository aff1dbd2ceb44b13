"""Roles and permissions: who may see and change them."""

from typing import Any

import httpx2
import pytest

from tests.support.people import API, Person
from tests.support.problems import problem
from tests.support.roles import OWN, holder_of, make_role

ROLES = f"{API}/roles"
PERMISSIONS = f"{API}/permissions"
EDITOR = {
    "name": "editor",
    "description": "Writes.",
    "permissions": ["articles:write", "articles:read"],
}


CALLS: dict[str, tuple[str, str, Any]] = {
    "list": ("GET", ROLES, None),
    "permissions": ("GET", PERMISSIONS, None),
    "create": ("POST", ROLES, EDITOR | {"permissions": []}),
    "replace": ("PUT", f"{ROLES}/idle", {"permissions": []}),
    "delete": ("DELETE", f"{ROLES}/idle", None),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())
class TestPermissions:
    """Who may do it."""

    async def test_nobody(
        self,
        client: httpx2.AsyncClient,
        call: tuple[str, str, Any],
    ) -> None:
        """Who is not signed in may not."""
        method, path, body = call
        response = await client.request(method, path, json=body)
        problem(response, 401, "not_authenticated")

    @pytest.mark.parametrize("held", [False, True], ids=["others", "that one"])
    async def test_takes_one_permission(
        self,
        client: httpx2.AsyncClient,
        admin: Person,
        call: tuple[str, str, Any],
        held: bool,
    ) -> None:
        """It takes the one permission that the call names, and no other."""
        method, path, body = call
        needed = {"roles:read" if method == "GET" else "roles:write"}
        await make_role(client, admin, "idle", [])
        eve = await holder_of(client, admin, *(needed if held else set(OWN) - needed))
        response = await client.request(method, path, json=body, headers=eve.headers)
        if held:
            assert response.is_success
        else:
            problem(response, 403, "permission_denied")
