"""Fields that nobody may set are refused, and nothing else of the body is taken."""

from typing import Any
from uuid import uuid4

import httpx2
import pytest

from app.database import Database
from tests.hostile.calls import (
    CALLS,
    CHANGE_ME,
    CHANGE_USER,
    CREATE_USER,
    LOGIN,
    REGISTER,
    Call,
)
from tests.support.hostile import contents, refused
from tests.support.people import API, PASSWORD, Person

NOT_YOURS: dict[str, Any] = {
    "roles": ["admin"],
    "role": "admin",
    "permissions": ["users:write"],
    "scope": "users:write",
    "is_admin": True,
    "email_verified": True,
    "status": "active",
    "id": "01890a5d-ac96-774b-bcce-b302099a8057",
    "user_id": "01890a5d-ac96-774b-bcce-b302099a8057",
    "email_key": "ada@example.com",
    "password_hash": "$2b$04$abcdefghijklmnopqrstuuAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    "created_at": "1999-12-31T23:59:59Z",
    "updated_at": "1999-12-31T23:59:59Z",
    "last_sign_in_at": "1999-12-31T23:59:59Z",
    "invited_at": "1999-12-31T23:59:59Z",
    "delete_at": "1999-12-31T23:59:59Z",
    "builtin": True,
    "__proto__": {"roles": ["admin"]},
    "__class__": "User",
    "metadata": {},
}


class TestNobodySets:
    """Every call with every field that it does not have."""

    @pytest.mark.parametrize("call", CALLS, ids=lambda call: call.name)
    async def test_is_refused(
        self, client: httpx2.AsyncClient, admin: Person, database: Database, call: Call
    ) -> None:
        """The answer is 422 and names the field; an admin's request is no exception."""
        before = await contents(database)
        for name, value in NOT_YOURS.items():
            if name in call.body or _takes(call, name):
                continue
            response = await client.request(
                call.method,
                call.path,
                json={**call.body, name: value},
                headers=admin.headers,
            )
            problem = refused(response, 422, "validation_failed", str(value))
            assert [e["field"] for e in problem["errors"]] == [f"body.{name}"]
        assert await contents(database) == before


class TestSignUp:
    """POST /auth/register."""

    async def test_makes_an_ordinary_user(self, client: httpx2.AsyncClient) -> None:
        """Whoever signs up has the role `user`, and no more."""
        user = (await client.post(REGISTER.path, json=REGISTER.body)).json()
        assert (user["roles"], user["status"]) == (["user"], "active")
        assert user["email_verified"] is False

    async def test_query_and_form_add_nothing(self, client: httpx2.AsyncClient) -> None:
        """What stands beside the body is not read."""
        path = f"{REGISTER.path}?roles=admin&email_verified=true&id={uuid4()}"
        user = (await client.post(path, json=REGISTER.body)).json()
        assert user["roles"] == ["user"]
        assert user["email_verified"] is False

    async def test_field_twice(self, client: httpx2.AsyncClient) -> None:
        """Of two members of one name the same one counts everywhere: the last."""
        content = (
            '{"email": "eve@example.com", "email": "ada@example.com", '
            f'"password": "{PASSWORD}"}}'
        )
        headers = {"Content-Type": "application/json"}
        made = await client.post(REGISTER.path, content=content, headers=headers)
        assert made.json()["email"] == "ada@example.com"


class TestOwnAccount:
    """PATCH /users/me."""

    @pytest.mark.parametrize("name", ["roles", "status", "email_verified", "email"])
    async def test_stays_as_it_is(
        self, client: httpx2.AsyncClient, ada: Person, name: str
    ) -> None:
        """A good change beside a forbidden one is not made either."""
        body = {**CHANGE_ME.body, name: NOT_YOURS.get(name, "eve@example.com")}
        response = await client.patch(CHANGE_ME.path, json=body, headers=ada.headers)
        refused(response, 422, "validation_failed", "eve@example.com")
        me = (await client.get(CHANGE_ME.path, headers=ada.headers)).json()
        assert me["display_name"] is None
        assert me["roles"] == ["user"]
        assert me["email"] == "ada@example.com"


class TestAdministration:
    """What even an administrator does not set this way."""

    @pytest.mark.parametrize("name", ["email", "password", "roles"])
    async def test_change_of_a_user(
        self, client: httpx2.AsyncClient, ada: Person, admin: Person, name: str
    ) -> None:
        """Address, password and roles are not among an account's changes."""
        path = f"{API}/users/{ada.id}"
        body = {**CHANGE_USER.body, name: REGISTER.body.get(name, ["admin"])}
        response = await client.patch(path, json=body, headers=admin.headers)
        refused(response, 422, "validation_failed", PASSWORD)
        user = (await client.get(path, headers=admin.headers)).json()
        assert user["email_verified"] is False
        assert user["roles"] == ["user"]

    async def test_status_of_a_new_user(
        self, client: httpx2.AsyncClient, admin: Person
    ) -> None:
        """A new account is active and unverified."""
        made = await client.post(
            CREATE_USER.path, json=CREATE_USER.body, headers=admin.headers
        )
        assert made.json()["status"] == "active"
        assert made.json()["email_verified"] is False

    async def test_transport_is_one_of_two(self, client: httpx2.AsyncClient) -> None:
        """No third way of handing out tokens can be asked for."""
        for transport in ("both", "COOKIE", "query", None):
            body = {**LOGIN.body, "transport": transport}
            refused(await client.post(LOGIN.path, json=body), 422, "validation_failed")


def _takes(call: Call, name: str) -> bool:
    """Tell whether the call has a field of this name beside those of its example."""
    return call is CREATE_USER and name == "display_name"
