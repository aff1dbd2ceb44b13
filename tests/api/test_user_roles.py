"""PUT /api/v1/users/{id}/roles, and the last admin's safety."""

from uuid import uuid4

import httpx2
import pytest

from tests.support.clock import FakeClock
from tests.support.people import API, PASSWORD, Person, register, sign_in
from tests.support.problems import fields, problem
from tests.support.roles import give_roles, holder_of, make_role

USERS = f"{API}/users"
ME = f"{USERS}/me"


async def set_roles(
    client: httpx2.AsyncClient, by: Person, to: Person, *roles: str
) -> httpx2.Response:
    """Ask for somebody's roles to be replaced."""
    path = f"{USERS}/{to.id}/roles"
    return await client.put(path, json={"roles": roles}, headers=by.headers)


async def roles_of(
    client: httpx2.AsyncClient, admin: Person, person: Person
) -> list[str]:
    """Return somebody's roles as they are stored."""
    seen = await client.get(f"{USERS}/{person.id}", headers=admin.headers)
    roles: list[str] = seen.json()["roles"]
    return roles


class TestSetRoles:
    """New roles for a user."""

    async def test_replaces_them(
        self, client: httpx2.AsyncClient, ada: Person, admin: Person, clock: FakeClock
    ) -> None:
        """The new roles stand instead of the old ones, and the change is dated."""
        await make_role(client, admin, "editor", ["articles:write"])
        clock.tick(minutes=5)
        response = await set_roles(client, admin, ada, "editor")
        assert response.status_code == 200
        assert response.json() == ada.tokens["user"] | {
            "roles": ["editor"],
            "updated_at": "2026-06-01T12:05:00Z",
        }
        assert await roles_of(client, admin, ada) == ["editor"]

    async def test_holds_at_the_next_request(
        self, client: httpx2.AsyncClient, ada: Person, admin: Person
    ) -> None:
        """A given role works at once, a taken one is refused at once."""
        await make_role(client, admin, "reader", ["users:read"])
        for roles, status in ((["reader"], 200), ([], 403)):
            await give_roles(client, admin, ada, *roles)
            response = await client.get(USERS, headers=ada.headers)
            assert response.status_code == status

    async def test_order_and_repetition(
        self, client: httpx2.AsyncClient, ada: Person, admin: Person
    ) -> None:
        """Roles are a set; they come sorted."""
        response = await set_roles(client, admin, ada, "user", "admin", "user")
        assert response.json()["roles"] == ["admin", "user"]

    async def test_none(
        self, client: httpx2.AsyncClient, ada: Person, admin: Person
    ) -> None:
        """A user may have no role at all."""
        assert (await set_roles(client, admin, ada)).json()["roles"] == []

    async def test_unknown_role(
        self, client: httpx2.AsyncClient, ada: Person, admin: Person
    ) -> None:
        """One unknown role, and nothing is changed."""
        refused = await set_roles(client, admin, ada, "admin", "nobody")
        problem(refused, 404, "role_not_found")
        assert await roles_of(client, admin, ada) == ["user"]

    async def test_unknown_user(
        self, client: httpx2.AsyncClient, admin: Person
    ) -> None:
        """There is no user of that id."""
        nobody = Person("nobody@example.com", id=str(uuid4()))
        problem(await set_roles(client, admin, nobody), 404, "user_not_found")

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({}, "body.roles"),
            ({"roles": None}, "body.roles"),
            ({"roles": "admin"}, "body.roles"),
            ({"roles": ["Admin"]}, "body.roles.0"),
            ({"roles": ["user", ""]}, "body.roles.1"),
            ({"roles": ["user\x00"]}, "body.roles.0"),
            ({"roles": ["user\n"]}, "body.roles.0"),
            ({"roles": ["user"] * 21}, "body.roles"),
            ({"roles": [], "force": True}, "body.force"),
        ],
        ids=[
            "nothing",
            "null",
            "no array",
            "capital",
            "empty",
            "NUL",
            "newline",
            "21 roles",
            "unknown field",
        ],
    )
    async def test_bad_input(
        self,
        client: httpx2.AsyncClient,
        ada: Person,
        admin: Person,
        body: dict[str, object],
        field: str,
    ) -> None:
        """The answer names the field, and nothing is changed."""
        path = f"{USERS}/{ada.id}/roles"
        refused = await client.put(path, json=body, headers=admin.headers)
        assert fields(refused) == [field]
        assert await roles_of(client, admin, ada) == ["user"]


class TestNobodyGrantsWhatTheyDoNotHold:
    """What somebody with `users:write` may give and take."""

    async def test_give(
        self, client: httpx2.AsyncClient, ada: Person, admin: Person
    ) -> None:
        """A role with a permission that one lacks can't be given."""
        eve = await holder_of(client, admin, "users:write")
        await make_role(client, admin, "editor", ["articles:write"])
        refused = await set_roles(client, eve, ada, "user", "editor")
        problem(refused, 403, "permission_denied")
        assert await roles_of(client, admin, ada) == ["user"]

    async def test_take(
        self, client: httpx2.AsyncClient, ada: Person, admin: Person
    ) -> None:
        """Nor can it be taken away."""
        eve = await holder_of(client, admin, "users:write")
        await make_role(client, admin, "editor", ["articles:write"])
        await give_roles(client, admin, ada, "editor")
        problem(await set_roles(client, eve, ada), 403, "permission_denied")
        assert await roles_of(client, admin, ada) == ["editor"]

    async def test_take_admin(
        self, client: httpx2.AsyncClient, ada: Person, admin: Person
    ) -> None:
        """Least of all the admin role."""
        eve = await holder_of(client, admin, "users:write")
        await give_roles(client, admin, ada, "admin")
        refused = await set_roles(client, eve, ada, "user")
        problem(refused, 403, "permission_denied")
        assert await roles_of(client, admin, ada) == ["admin"]

    @pytest.mark.parametrize("role", ["admin", "editor"])
    async def test_to_oneself(
        self, client: httpx2.AsyncClient, admin: Person, role: str
    ) -> None:
        """Nobody promotes themselves."""
        eve = await holder_of(client, admin, "users:write")
        await make_role(client, admin, "editor", ["articles:write"])
        refused = await set_roles(client, eve, eve, "helper", role)
        problem(refused, 403, "permission_denied")
        me = await client.get(ME, headers=eve.headers)
        assert me.json()["permissions"] == ["users:write"]

    async def test_what_one_holds(
        self, client: httpx2.AsyncClient, ada: Person, admin: Person
    ) -> None:
        """What one holds, also through other roles, one may give and take."""
        eve = await holder_of(client, admin, "users:write", "articles:write")
        await make_role(client, admin, "editor", ["articles:write"])
        for roles in (["editor", "user"], ["user"]):
            response = await set_roles(client, eve, ada, *roles)
            assert response.json()["roles"] == roles


class TestLastAdmin:
    """One active admin always stays."""

    @pytest.mark.parametrize("how", ["disable", "delete", "strip", "delete oneself"])
    async def test_last_one_stays(
        self, client: httpx2.AsyncClient, ada: Person, admin: Person, how: str
    ) -> None:
        """The last active admin can't be lost in any way, and keeps everything."""
        refused = await lose(client, admin, how)
        problem(refused, 409, "last_admin")
        me = await client.get(ME, headers=admin.headers)
        assert me.json()["roles"] == ["admin"]
        assert me.json()["status"] == "active"

    @pytest.mark.parametrize("how", ["disable", "delete", "strip", "delete oneself"])
    async def test_last_but_one_may_go(
        self, client: httpx2.AsyncClient, ada: Person, admin: Person, how: str
    ) -> None:
        """With another active admin each of the ways is open."""
        await give_roles(client, admin, ada, "admin")
        assert (await lose(client, admin, how)).is_success
        problem(await lose(client, ada, how), 409, "last_admin")

    @pytest.mark.parametrize("how", ["disable", "delete", "strip", "delete oneself"])
    async def test_disabled_admin_does_not_count(
        self, client: httpx2.AsyncClient, ada: Person, admin: Person, how: str
    ) -> None:
        """An admin who can't sign in is no replacement."""
        await give_roles(client, admin, ada, "admin")
        path = f"{USERS}/{ada.id}"
        await client.patch(path, json={"status": "disabled"}, headers=admin.headers)
        problem(await lose(client, admin, how), 409, "last_admin")

    @pytest.mark.parametrize("how", ["disable", "delete", "strip", "delete oneself"])
    async def test_invited_admin_does_not_count(
        self, client: httpx2.AsyncClient, admin: Person, how: str
    ) -> None:
        """Who was invited may never come."""
        guest = {"email": "guest@example.com", "roles": ["admin"]}
        made = await client.post(USERS, json=guest, headers=admin.headers)
        assert made.status_code == 201
        problem(await lose(client, admin, how), 409, "last_admin")

    async def test_somebody_elses_hands(
        self, client: httpx2.AsyncClient, admin: Person
    ) -> None:
        """Nobody with `users:write` can lose the last admin either."""
        eve = await holder_of(client, admin, "users:write")
        path = f"{USERS}/{admin.id}"
        body = {"status": "disabled"}
        disabled = await client.patch(path, json=body, headers=eve.headers)
        problem(disabled, 409, "last_admin")
        problem(await client.delete(path, headers=eve.headers), 409, "last_admin")

    async def test_disabled_admin_may_go(
        self, client: httpx2.AsyncClient, ada: Person, admin: Person
    ) -> None:
        """A disabled admin can be stripped and deleted: nobody is lost."""
        await give_roles(client, admin, ada, "admin")
        path = f"{USERS}/{ada.id}"
        await client.patch(path, json={"status": "disabled"}, headers=admin.headers)
        assert (await set_roles(client, admin, ada, "user")).is_success
        assert (await client.delete(path, headers=admin.headers)).is_success

    async def test_may_keep_the_role(
        self, client: httpx2.AsyncClient, admin: Person
    ) -> None:
        """The last admin may be given more, and be renamed."""
        response = await set_roles(client, admin, admin, "admin", "user")
        assert response.json()["roles"] == ["admin", "user"]
        body = {"display_name": "Root", "status": "active"}
        path = f"{USERS}/{admin.id}"
        renamed = await client.patch(path, json=body, headers=admin.headers)
        assert renamed.json()["display_name"] == "Root"

    async def test_others_are_no_matter(
        self, client: httpx2.AsyncClient, admin: Person
    ) -> None:
        """Who is no admin can be lost at any time."""
        bob = await sign_in(client, await register(client, "bob@example.com"))
        assert (await lose(client, bob, "delete oneself")).is_success


async def lose(client: httpx2.AsyncClient, person: Person, how: str) -> httpx2.Response:
    """Have somebody lose their own account or role in one of the ways there are."""
    path, headers = f"{USERS}/{person.id}", person.headers
    if how == "disable":
        return await client.patch(path, json={"status": "disabled"}, headers=headers)
    if how == "delete":
        return await client.delete(path, headers=headers)
    if how == "strip":
        return await client.put(f"{path}/roles", json={"roles": []}, headers=headers)
    proof = {"password": PASSWORD}
    return await client.request("DELETE", ME, json=proof, headers=headers)
