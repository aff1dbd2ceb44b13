"""Accounts, for administrators: who may do what."""

from typing import Any

import httpx2
import pytest

from tests.support.people import API, PASSWORD, Person
from tests.support.problems import problem
from tests.support.roles import holder_of

USERS = f"{API}/users"
NEW = {"email": "new@example.com", "password": PASSWORD}


CALLS: dict[str, tuple[str, str, Any]] = {
    "list": ("GET", USERS, None),
    "create": ("POST", USERS, NEW),
    "see": ("GET", f"{USERS}/{{id}}", None),
    "change": ("PATCH", f"{USERS}/{{id}}", {"display_name": "Eve"}),
    "delete": ("DELETE", f"{USERS}/{{id}}", None),
    "roles": ("PUT", f"{USERS}/{{id}}/roles", {"roles": []}),
    "sessions": ("GET", f"{USERS}/{{id}}/sessions", None),
    "logout": ("POST", f"{USERS}/{{id}}/logout", None),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())
class TestPermissions:
    """Who may do it."""

    async def test_nobody(
        self,
        client: httpx2.AsyncClient,
        ada: Person,
        call: tuple[str, str, Any],
    ) -> None:
        """Who is not signed in may not."""
        method, path, body = call
        response = await client.request(method, path.format(id=ada.id), json=body)
        problem(response, 401, "not_authenticated")

    async def test_other_permission(
        self,
        client: httpx2.AsyncClient,
        ada: Person,
        admin: Person,
        call: tuple[str, str, Any],
    ) -> None:
        """It takes the one permission that the call names; others don't help."""
        method, path, body = call
        needed = "users:read" if method == "GET" else "users:write"
        others = {"users:read", "users:write", "roles:write", "roles:read"} - {needed}
        eve = await holder_of(client, admin, *others)
        response = await client.request(
            method, path.format(id=ada.id), json=body, headers=eve.headers
        )
        problem(response, 403, "permission_denied")
        seen = await client.get(f"{USERS}/me", headers=ada.headers)
        assert seen.json() == ada.tokens["user"] | {"permissions": []}

    async def test_that_permission(
        self,
        client: httpx2.AsyncClient,
        ada: Person,
        admin: Person,
        call: tuple[str, str, Any],
    ) -> None:
        """That one permission is enough."""
        method, path, body = call
        needed = "users:read" if method == "GET" else "users:write"
        eve = await holder_of(client, admin, needed)
        response = await client.request(
            method, path.format(id=ada.id), json=body, headers=eve.headers
        )
        assert response.is_success
