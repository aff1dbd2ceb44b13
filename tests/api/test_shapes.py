"""The shapes of the contract, and how times and ids are written."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import httpx2

from tests.support.clock import FakeClock
from tests.support.people import API, Person

USER = {
    "id",
    "email",
    "email_verified",
    "display_name",
    "status",
    "roles",
    "created_at",
    "updated_at",
    "last_sign_in_at",
    "locale",
    "invited_at",
    "delete_at",
}


TOKENS = {
    "access_token",
    "token_type",
    "expires_in",
    "refresh_token",
    "refresh_expires_in",
    "session_id",
    "user",
}


SESSION = {
    "id",
    "created_at",
    "last_used_at",
    "expires_at",
    "ip",
    "user_agent",
    "device",
    "current",
    "ended_at",
    "end_reason",
}


ROLE = {"name", "description", "permissions", "builtin"}


PAGE = {"items", "next_cursor"}


async def get(client: httpx2.AsyncClient, by: Person, path: str) -> dict[str, Any]:
    """Return what is answered."""
    response = await client.get(f"{API}{path}", headers=by.headers)
    assert response.status_code == 200, response.text
    body: dict[str, Any] = response.json()
    return body


class TestShapes:
    """Each shape has exactly the fields of the contract."""

    async def test_user(self, client: httpx2.AsyncClient, admin: Person) -> None:
        """User."""
        assert (await get(client, admin, f"/users/{admin.id}")).keys() == USER

    async def test_me(self, client: httpx2.AsyncClient, admin: Person) -> None:
        """Me: User and permissions."""
        me = await get(client, admin, "/users/me")
        assert me.keys() == USER | {"permissions"}

    async def test_tokens(self, ada: Person) -> None:
        """Tokens, with a User inside."""
        assert ada.tokens.keys() == TOKENS
        assert ada.tokens["user"].keys() == USER

    async def test_session(self, client: httpx2.AsyncClient, ada: Person) -> None:
        """Page of Session."""
        page = await get(client, ada, "/users/me/sessions")
        assert page.keys() == PAGE
        assert page["items"][0].keys() == SESSION

    async def test_users(self, client: httpx2.AsyncClient, admin: Person) -> None:
        """Page of User."""
        page = await get(client, admin, "/users")
        assert page.keys() == PAGE
        assert page["items"][0].keys() == USER

    async def test_role(self, client: httpx2.AsyncClient, admin: Person) -> None:
        """Role."""
        roles = await get(client, admin, "/roles")
        assert roles["items"][0].keys() == ROLE


class TestTimesAndIds:
    """How times and ids are written."""

    async def test_times(
        self, client: httpx2.AsyncClient, ada: Person, clock: FakeClock
    ) -> None:
        """Times are RFC 3339 in UTC with `Z`, also with fractions of a second."""
        clock.tick(seconds=1, microseconds=2)
        body = {"display_name": "Ada"}
        changed = await client.patch(f"{API}/users/me", json=body, headers=ada.headers)
        session = (await get(client, ada, "/users/me/sessions"))["items"][0]
        times = [
            v for k, v in [*changed.json().items(), *session.items()] if "_at" in k
        ]
        assert changed.json()["updated_at"] == "2026-06-01T12:00:01.000002Z"
        written = [time for time in times if time is not None]
        assert len(written) == 6
        for time in written:
            assert time.endswith("Z")
            assert datetime.fromisoformat(time).tzinfo == UTC

    async def test_ids(self, client: httpx2.AsyncClient, ada: Person) -> None:
        """Users and sessions are named by UUIDs of version 7."""
        for named in (ada.id, ada.session_id):
            assert str(UUID(named)) == named
            assert UUID(named).version == 7
