"""Accounts, for administrators: make, see, change, delete."""

from uuid import UUID, uuid4

import httpx2
import pytest
from sqlalchemy import select

from app.database import Database
from app.models import Session
from tests.support.clock import FakeClock
from tests.support.people import API, PASSWORD, Person, sign_in
from tests.support.problems import fields, problem, reason
from tests.support.stored import number_of_users

USERS = f"{API}/users"
NEW = {"email": "new@example.com", "password": PASSWORD}


class TestSee:
    """GET /users/{id}."""

    async def test_answers_with_the_account(
        self, client: httpx2.AsyncClient, ada: Person, admin: Person
    ) -> None:
        """The answer is the User."""
        seen = await client.get(f"{USERS}/{ada.id}", headers=admin.headers)
        assert seen.status_code == 200
        assert seen.json() == ada.tokens["user"]

    async def test_unknown(self, client: httpx2.AsyncClient, admin: Person) -> None:
        """There is no user of that id."""
        response = await client.get(f"{USERS}/{uuid4()}", headers=admin.headers)
        problem(response, 404, "user_not_found")

    @pytest.mark.parametrize("bad", ["1", "null", "x" * 36, "%00"])
    async def test_no_id(
        self, client: httpx2.AsyncClient, admin: Person, bad: str
    ) -> None:
        """An id must be one."""
        response = await client.get(f"{USERS}/{bad}", headers=admin.headers)
        assert fields(response) == ["path.user_id"]


class TestChange:
    """PATCH /users/{id}."""

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("display_name", "Ada L."),
            ("display_name", None),
            ("email_verified", True),
            ("status", "disabled"),
        ],
        ids=["name", "no name", "verified", "disabled"],
    )
    async def test_one_field(
        self,
        client: httpx2.AsyncClient,
        ada: Person,
        admin: Person,
        clock: FakeClock,
        field: str,
        value: object,
    ) -> None:
        """What is sent changes, the rest stays, and the change is dated."""
        clock.tick(minutes=5)
        path = f"{USERS}/{ada.id}"
        changed = await client.patch(path, json={field: value}, headers=admin.headers)
        assert changed.status_code == 200
        expected = ada.tokens["user"] | {
            field: value,
            "updated_at": "2026-06-01T12:05:00Z",
        }
        assert changed.json() == expected
        assert (await client.get(path, headers=admin.headers)).json() == expected

    async def test_disabled_ends_all_sessions(
        self, client: httpx2.AsyncClient, ada: Person, admin: Person, database: Database
    ) -> None:
        """Every session of a disabled user has ended for that reason."""
        other = await sign_in(client, ada)
        path = f"{USERS}/{ada.id}"
        await client.patch(path, json={"status": "disabled"}, headers=admin.headers)
        for one in (ada, other):
            seen = await client.get(f"{USERS}/me", headers=one.headers)
            assert reason(seen) == "user_disabled"
        async with database.reading() as session:
            of_ada = select(Session).where(Session.user_id == UUID(ada.id))
            for row in await session.scalars(of_ada):
                assert row.end_reason == "user_disabled"
                assert row.ended_at is not None

    async def test_enabled_again_brings_no_session_back(
        self, client: httpx2.AsyncClient, ada: Person, admin: Person
    ) -> None:
        """What has ended stays ended; a new sign-in works."""
        path = f"{USERS}/{ada.id}"
        for status in ("disabled", "active"):
            await client.patch(path, json={"status": status}, headers=admin.headers)
        seen = await client.get(f"{USERS}/me", headers=ada.headers)
        assert reason(seen) == "user_disabled"
        assert (await sign_in(client, ada)).session_id != ada.session_id

    async def test_disabled_twice_keeps_the_time_of_the_first(
        self, client: httpx2.AsyncClient, ada: Person, admin: Person, clock: FakeClock
    ) -> None:
        """Disabling again moves no end of a session."""
        path = f"{USERS}/{ada.id}"
        for _ in range(2):
            body = {"status": "disabled"}
            again = await client.patch(path, json=body, headers=admin.headers)
            assert again.status_code == 200
            clock.tick(minutes=1)
        listed = await client.get(f"{path}/sessions?ended=true", headers=admin.headers)
        assert listed.json()["items"][0]["ended_at"] == "2026-06-01T12:00:00Z"

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({}, "body"),
            ({"status": "gone"}, "body.status"),
            ({"status": None}, "body.status"),
            ({"email_verified": None}, "body.email_verified"),
            ({"display_name": "a\tb"}, "body.display_name"),
            ({"roles": ["admin"]}, "body.roles"),
            ({"email": "eve@example.com"}, "body.email"),
            ({"password": PASSWORD}, "body.password"),
        ],
        ids=str,
    )
    async def test_bad_input(
        self,
        client: httpx2.AsyncClient,
        ada: Person,
        admin: Person,
        body: dict[str, object],
        field: str,
    ) -> None:
        """The answer names the field, and nothing changes."""
        path = f"{USERS}/{ada.id}"
        refused = await client.patch(path, json=body, headers=admin.headers)
        assert fields(refused) == [field]
        seen = await client.get(path, headers=admin.headers)
        assert seen.json() == ada.tokens["user"]

    async def test_unknown(self, client: httpx2.AsyncClient, admin: Person) -> None:
        """There is no user of that id."""
        path = f"{USERS}/{uuid4()}"
        body = {"display_name": "Ada"}
        response = await client.patch(path, json=body, headers=admin.headers)
        problem(response, 404, "user_not_found")


class TestDelete:
    """DELETE /users/{id}."""

    async def test_user_is_gone(
        self, client: httpx2.AsyncClient, ada: Person, admin: Person, database: Database
    ) -> None:
        """Account and sessions are gone; deleting again finds nobody."""
        path = f"{USERS}/{ada.id}"
        response = await client.delete(path, headers=admin.headers)
        assert (response.status_code, response.content) == (204, b"")
        assert await number_of_users(database) == 1
        seen = await client.get(f"{USERS}/me", headers=ada.headers)
        assert reason(seen) == "user_deleted"
        again = await client.delete(path, headers=admin.headers)
        problem(again, 404, "user_not_found")
