"""POST /api/v1/users: accounts that administrators make."""

import httpx2
import pytest

from app.database import Database
from app.services.passwords import Passwords
from tests.support.apps import RunningApp
from tests.support.people import API, PASSWORD, Person, sign_in
from tests.support.problems import fields, problem
from tests.support.roles import holder_of, make_role
from tests.support.services import (
    CountingPool,
    full_queue,
    interrupted,
    no_breaches,
    put_passwords,
)
from tests.support.stored import number_of_users

USERS = f"{API}/users"
NEW = {"email": "new@example.com", "password": PASSWORD}


class TestCreate:
    """POST /users."""

    async def test_answers_with_the_account(
        self, client: httpx2.AsyncClient, admin: Person
    ) -> None:
        """The account is answered, readable and can sign in."""
        body = NEW | {"display_name": "New One"}
        made = await client.post(USERS, json=body, headers=admin.headers)
        assert made.status_code == 201
        user = made.json()
        assert user["email"] == "new@example.com"
        assert user["display_name"] == "New One"
        assert user["roles"] == ["user"]
        assert user["email_verified"] is False
        seen = await client.get(f"{USERS}/{user['id']}", headers=admin.headers)
        assert seen.json() == user
        assert (await sign_in(client, Person("new@example.com"))).id == user["id"]

    async def test_with_roles(self, client: httpx2.AsyncClient, admin: Person) -> None:
        """The roles are given at once."""
        await make_role(client, admin, "editor", ["articles:write"])
        body = NEW | {"roles": ["editor", "user"]}
        made = await client.post(USERS, json=body, headers=admin.headers)
        assert made.json()["roles"] == ["editor", "user"]
        new = await sign_in(client, Person("new@example.com"))
        me = await client.get(f"{USERS}/me", headers=new.headers)
        assert me.json()["permissions"] == ["articles:write"]

    async def test_without_roles(
        self, client: httpx2.AsyncClient, admin: Person
    ) -> None:
        """An account may have no role at all."""
        body = {**NEW, "roles": []}
        made = await client.post(USERS, json=body, headers=admin.headers)
        assert made.json()["roles"] == []

    async def test_what_one_does_not_hold(
        self, client: httpx2.AsyncClient, admin: Person, database: Database
    ) -> None:
        """Nobody makes an account with more permissions than their own."""
        eve = await holder_of(client, admin, "users:write")
        before = await number_of_users(database)
        body = NEW | {"roles": ["admin"]}
        refused = await client.post(USERS, json=body, headers=eve.headers)
        problem(refused, 403, "permission_denied")
        assert await number_of_users(database) == before

    async def test_refused_before_the_hashing(
        self, running: RunningApp, client: httpx2.AsyncClient, admin: Person
    ) -> None:
        """Who may not give the roles can't keep the hashing threads busy either."""
        eve = await holder_of(client, admin, "users:write")
        pool = CountingPool(1)
        settings = running.services.settings
        put_passwords(running, Passwords(settings, pool, no_breaches()))
        body = NEW | {"roles": ["admin"]}
        refused = await client.post(USERS, json=body, headers=eve.headers)
        problem(refused, 403, "permission_denied")
        assert pool.runs == 0

    async def test_role_grows_meanwhile(
        self, running: RunningApp, client: httpx2.AsyncClient, admin: Person
    ) -> None:
        """What counts is what the roles give when the account is made."""
        eve = await holder_of(client, admin, "users:write")
        await make_role(client, admin, "editor", [])
        passwords = interrupted(running)
        passwords.after_hash = lambda: client.put(
            f"{API}/roles/editor",
            json={"permissions": ["articles:write"]},
            headers=admin.headers,
        )
        body = NEW | {"roles": ["editor"]}
        refused = await client.post(USERS, json=body, headers=eve.headers)
        problem(refused, 403, "permission_denied")

    async def test_what_one_holds(
        self, client: httpx2.AsyncClient, admin: Person
    ) -> None:
        """What one holds one may give."""
        eve = await holder_of(client, admin, "users:write")
        body = NEW | {"roles": ["helper"]}
        made = await client.post(USERS, json=body, headers=eve.headers)
        assert made.json()["roles"] == ["helper"]

    @pytest.mark.parametrize(
        ("changes", "status", "code"),
        [
            ({"roles": ["nobody"]}, 404, "role_not_found"),
            ({"roles": ["user", "nobody"]}, 404, "role_not_found"),
            ({"email": "ROOT@example.com"}, 409, "email_taken"),
            ({"password": "short"}, 422, "password_too_short"),
            ({"password": "x" * 129}, 422, "password_too_long"),
            ({"password": "qwertyuiop123"}, 422, "password_too_common"),
            ({"password": "cardea rules"}, 422, "password_contains_personal_data"),
        ],
        ids=[
            "unknown role",
            "one unknown role",
            "taken",
            "short",
            "long",
            "common",
            "personal",
        ],
    )
    async def test_refused(
        self,
        client: httpx2.AsyncClient,
        admin: Person,
        database: Database,
        changes: dict[str, object],
        status: int,
        code: str,
    ) -> None:
        """The refusal is named, and no account is made."""
        refused = await client.post(USERS, json=NEW | changes, headers=admin.headers)
        problem(refused, status, code)
        assert await number_of_users(database) == 1

    @pytest.mark.parametrize(
        ("changes", "field"),
        [
            ({"email": "nobody"}, "body.email"),
            ({"password": 7}, "body.password"),
            ({"roles": "admin"}, "body.roles"),
            ({"roles": ["No Name"]}, "body.roles.0"),
            ({"roles": ["user"] * 21}, "body.roles"),
            ({"status": "disabled"}, "body.status"),
        ],
        ids=["e-mail", "password", "no array", "no name", "21 roles", "unknown field"],
    )
    async def test_bad_input(
        self,
        client: httpx2.AsyncClient,
        admin: Person,
        changes: dict[str, object],
        field: str,
    ) -> None:
        """The answer names the field."""
        refused = await client.post(USERS, json=NEW | changes, headers=admin.headers)
        assert fields(refused) == [field]

    async def test_busy(
        self, running: RunningApp, client: httpx2.AsyncClient, admin: Person
    ) -> None:
        """With a full queue no account is made."""
        async with full_queue(running):
            refused = await client.post(USERS, json=NEW, headers=admin.headers)
        problem(refused, 503, "busy")
