"""Roles and permissions."""

from typing import Any

import httpx2
import pytest

from tests.support.people import API, Person
from tests.support.problems import fields, problem
from tests.support.roles import OWN, give_roles, holder_of, make_role

ROLES = f"{API}/roles"
PERMISSIONS = f"{API}/permissions"
EDITOR = {
    "name": "editor",
    "description": "Writes.",
    "permissions": ["articles:write", "articles:read"],
}


async def listed(client: httpx2.AsyncClient, admin: Person) -> dict[str, Any]:
    """Return every role by name, in the order listed."""
    response = await client.get(ROLES, headers=admin.headers)
    assert response.status_code == 200, response.text
    return {item["name"]: item for item in response.json()["items"]}


class TestList:
    """GET /roles and GET /permissions."""

    async def test_built_in_roles(
        self, client: httpx2.AsyncClient, admin: Person
    ) -> None:
        """A new service has `admin`, with every permission, and `user`, with none."""
        assert await listed(client, admin) == {
            "admin": {
                "name": "admin",
                "description": "Holds every permission.",
                "permissions": OWN,
                "builtin": True,
            },
            "user": {
                "name": "user",
                "description": "Everybody who signs up; no permission.",
                "permissions": [],
                "builtin": True,
            },
        }

    async def test_permissions(self, client: httpx2.AsyncClient, admin: Person) -> None:
        """The service's own come first, described, then those of other programs."""
        await make_role(client, admin, "editor", ["articles:write", "users:read"])
        response = await client.get(PERMISSIONS, headers=admin.headers)
        assert response.status_code == 200
        items = response.json()["items"]
        assert sorted(item["name"] for item in items[:6]) == OWN
        assert all(item["builtin"] and item["description"] for item in items[:6])
        assert items[6:] == [
            {"name": "articles:write", "description": None, "builtin": False}
        ]


class TestCreate:
    """POST /roles."""

    async def test_answers_with_the_role(
        self, client: httpx2.AsyncClient, admin: Person
    ) -> None:
        """Permissions come sorted and once; the role is listed."""
        body = EDITOR | {"permissions": [*EDITOR["permissions"], "articles:read"]}
        made = await client.post(ROLES, json=body, headers=admin.headers)
        assert made.status_code == 201
        assert made.json() == {
            "name": "editor",
            "description": "Writes.",
            "permissions": ["articles:read", "articles:write"],
            "builtin": False,
        }
        roles = await listed(client, admin)
        assert list(roles) == ["admin", "editor", "user"]
        assert roles["editor"] == made.json()

    async def test_admins_hold_it_at_once(
        self, client: httpx2.AsyncClient, admin: Person
    ) -> None:
        """The admin role, and who has it, gets every new permission."""
        await make_role(client, admin, "editor", ["articles:write"])
        assert (await listed(client, admin))["admin"]["permissions"] == [
            "articles:write",
            *OWN,
        ]
        me = await client.get(f"{API}/users/me", headers=admin.headers)
        assert "articles:write" in me.json()["permissions"]

    @pytest.mark.parametrize("name", ["editor", "admin", "user"])
    async def test_exists(
        self, client: httpx2.AsyncClient, admin: Person, name: str
    ) -> None:
        """A name is taken once, and what has it stays as it is."""
        await make_role(client, admin, "editor", ["articles:write"])
        before = await listed(client, admin)
        body = EDITOR | {"name": name}
        refused = await client.post(ROLES, json=body, headers=admin.headers)
        problem(refused, 409, "role_exists")
        assert await listed(client, admin) == before

    @pytest.mark.parametrize("permission", ["users:write", "articles:write"])
    async def test_what_one_does_not_hold(
        self, client: httpx2.AsyncClient, admin: Person, permission: str
    ) -> None:
        """Nobody makes a role of what they lack, not even of something new."""
        eve = await holder_of(client, admin, "roles:write")
        before = await listed(client, admin)
        body = {"name": "more", "permissions": ["roles:write", permission]}
        refused = await client.post(ROLES, json=body, headers=eve.headers)
        problem(refused, 403, "permission_denied")
        assert await listed(client, admin) == before

    @pytest.mark.parametrize("permissions", [["roles:write"], []], ids=["own", "none"])
    async def test_what_one_holds(
        self, client: httpx2.AsyncClient, admin: Person, permissions: list[str]
    ) -> None:
        """Of what one holds one may make a role."""
        eve = await holder_of(client, admin, "roles:write")
        body = {"name": "less", "permissions": permissions}
        made = await client.post(ROLES, json=body, headers=eve.headers)
        assert made.json()["permissions"] == permissions
        assert made.json()["description"] == ""

    @pytest.mark.parametrize(
        ("changes", "field"),
        [
            ({"name": ""}, "body.name"),
            ({"name": "Editor"}, "body.name"),
            ({"name": "a" * 51}, "body.name"),
            ({"name": "ed\x00"}, "body.name"),
            ({"name": "editor\n"}, "body.name"),
            ({"permissions": None}, "body.permissions"),
            ({"permissions": ["write"]}, "body.permissions.0"),
            ({"permissions": ["a:b", "a:B"]}, "body.permissions.1"),
            ({"permissions": ["a:b c"]}, "body.permissions.0"),
            ({"permissions": ["a:" + "b" * 63]}, "body.permissions.0"),
            ({"permissions": ["a:b"] * 101}, "body.permissions"),
            ({"description": "a" * 301}, "body.description"),
            ({"description": "a\x00b"}, "body.description"),
            ({"builtin": True}, "body.builtin"),
        ],
        ids=[
            "no name",
            "capital",
            "51 characters",
            "NUL",
            "newline",
            "no permissions",
            "no colon",
            "capital permission",
            "blank",
            "65 characters",
            "101 permissions",
            "301 characters",
            "NUL in description",
            "unknown field",
        ],
    )
    async def test_bad_input(
        self,
        client: httpx2.AsyncClient,
        admin: Person,
        changes: dict[str, object],
        field: str,
    ) -> None:
        """The answer names the field, and no role is made."""
        refused = await client.post(ROLES, json=EDITOR | changes, headers=admin.headers)
        assert fields(refused) == [field]
        assert list(await listed(client, admin)) == ["admin", "user"]


class TestReplace:
    """PUT /roles/{name}."""

    async def test_holds_for_everybody_at_once(
        self, client: httpx2.AsyncClient, admin: Person
    ) -> None:
        """Who has the role may do what it now allows, and no longer what it did."""
        eve = await holder_of(client, admin, "users:read", role="helper")
        body = {"description": "New.", "permissions": ["roles:read"]}
        path = f"{ROLES}/helper"
        changed = await client.put(path, json=body, headers=admin.headers)
        assert changed.status_code == 200
        assert changed.json() == {"name": "helper", "builtin": False, **body}
        assert (await listed(client, eve))["helper"] == changed.json()
        users = await client.get(f"{API}/users", headers=eve.headers)
        problem(users, 403, "permission_denied")

    async def test_admins_follow(
        self, client: httpx2.AsyncClient, admin: Person
    ) -> None:
        """The admin role has what some role has, no more and no less."""
        await make_role(client, admin, "editor", ["articles:write"])
        body = {"permissions": ["pages:write"]}
        await client.put(f"{ROLES}/editor", json=body, headers=admin.headers)
        roles = await listed(client, admin)
        assert roles["admin"]["permissions"] == sorted([*OWN, "pages:write"])

    async def test_unknown(self, client: httpx2.AsyncClient, admin: Person) -> None:
        """There is no role of that name."""
        body: dict[str, list[str]] = {"permissions": []}
        path = f"{ROLES}/nobody"
        response = await client.put(path, json=body, headers=admin.headers)
        problem(response, 404, "role_not_found")

    @pytest.mark.parametrize("name", ["admin", "user"])
    async def test_built_in(
        self, client: httpx2.AsyncClient, admin: Person, name: str
    ) -> None:
        """A built-in role stays as it is, for admins too."""
        before = await listed(client, admin)
        body: dict[str, list[str]] = {"permissions": []}
        path = f"{ROLES}/{name}"
        refused = await client.put(path, json=body, headers=admin.headers)
        problem(refused, 409, "role_builtin")
        assert await listed(client, admin) == before

    @pytest.mark.parametrize(
        "permissions", [["roles:write", "users:read"], []], ids=["given", "taken"]
    )
    async def test_what_one_does_not_hold(
        self, client: httpx2.AsyncClient, admin: Person, permissions: list[str]
    ) -> None:
        """Nobody gives or takes through a role what they lack."""
        eve = await holder_of(client, admin, "roles:write")
        await make_role(client, admin, "editor", ["articles:write"])
        name = "helper" if permissions else "editor"
        before = await listed(client, admin)
        path, body = f"{ROLES}/{name}", {"permissions": permissions}
        refused = await client.put(path, json=body, headers=eve.headers)
        problem(refused, 403, "permission_denied")
        assert await listed(client, admin) == before

    async def test_no_permissions(
        self, client: httpx2.AsyncClient, admin: Person
    ) -> None:
        """What a role allows must be said, even if it is nothing."""
        await make_role(client, admin, "editor", ["articles:write"])
        path = f"{ROLES}/editor"
        refused = await client.put(path, json={}, headers=admin.headers)
        assert fields(refused) == ["body.permissions"]


class TestDelete:
    """DELETE /roles/{name}."""

    async def test_is_gone(self, client: httpx2.AsyncClient, admin: Person) -> None:
        """Role and permission are gone, and deleting again finds none."""
        await make_role(client, admin, "editor", ["articles:write"])
        path = f"{ROLES}/editor"
        response = await client.delete(path, headers=admin.headers)
        assert (response.status_code, response.content) == (204, b"")
        roles = await listed(client, admin)
        assert list(roles) == ["admin", "user"]
        assert roles["admin"]["permissions"] == OWN
        again = await client.delete(path, headers=admin.headers)
        problem(again, 404, "role_not_found")

    async def test_in_use(
        self, client: httpx2.AsyncClient, ada: Person, admin: Person
    ) -> None:
        """A role that somebody has stays until it is taken from them."""
        await make_role(client, admin, "editor", ["articles:write"])
        await give_roles(client, admin, ada, "editor")
        path = f"{ROLES}/editor"
        refused = await client.delete(path, headers=admin.headers)
        problem(refused, 409, "role_in_use")
        me = await client.get(f"{API}/users/me", headers=ada.headers)
        assert me.json()["permissions"] == ["articles:write"]
        await give_roles(client, admin, ada)
        assert (await client.delete(path, headers=admin.headers)).status_code == 204

    @pytest.mark.parametrize("name", ["admin", "user"])
    async def test_built_in(
        self, client: httpx2.AsyncClient, admin: Person, name: str
    ) -> None:
        """A built-in role can't be deleted, whether somebody has it or not."""
        path = f"{ROLES}/{name}"
        refused = await client.delete(path, headers=admin.headers)
        problem(refused, 409, "role_builtin")

    async def test_what_one_does_not_hold(
        self, client: httpx2.AsyncClient, admin: Person
    ) -> None:
        """Nobody deletes a role that allows more than they may."""
        eve = await holder_of(client, admin, "roles:write")
        await make_role(client, admin, "editor", ["articles:write"])
        path = f"{ROLES}/editor"
        refused = await client.delete(path, headers=eve.headers)
        problem(refused, 403, "permission_denied")
        assert "editor" in await listed(client, admin)

    @pytest.mark.parametrize("name", ["%00", "a%00b", "x" * 300, "%F0%9F%90%B4", "A"])
    async def test_no_name(
        self, client: httpx2.AsyncClient, admin: Person, name: str
    ) -> None:
        """What can't be a role's name is refused as such."""
        path = f"{ROLES}/{name}"
        response = await client.delete(path, headers=admin.headers)
        assert fields(response) == ["path.name"]
