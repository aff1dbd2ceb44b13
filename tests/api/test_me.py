"""GET, PATCH and DELETE /api/v1/users/me."""

from uuid import UUID

import httpx2
import pytest
from sqlalchemy import func, select

from app.database import Database
from app.models import Session, User, user_roles
from tests.support.apps import RunningApp
from tests.support.clock import FakeClock
from tests.support.people import API, PASSWORD, Person, register, sign_in
from tests.support.problems import fields, problem, reason
from tests.support.roles import holder_of
from tests.support.services import full_queue

ME = f"{API}/users/me"
PROOF = {"password": PASSWORD}
WRONG = {"password": "wrong horse battery"}


async def delete_me(
    client: httpx2.AsyncClient, person: Person, body: dict[str, str]
) -> httpx2.Response:
    """Ask for the deletion of one's own account."""
    return await client.request("DELETE", ME, json=body, headers=person.headers)


class TestSee:
    """One's own account."""

    async def test_answers_with_me(
        self, client: httpx2.AsyncClient, ada: Person
    ) -> None:
        """The answer is the User and its permissions."""
        response = await client.get(ME, headers=ada.headers)
        assert response.status_code == 200
        assert response.json() == ada.tokens["user"] | {"permissions": []}

    async def test_permissions_of_all_roles(
        self, client: httpx2.AsyncClient, admin: Person
    ) -> None:
        """The permissions are those of all roles together, sorted."""
        eve = await holder_of(client, admin, "users:read", "articles:write")
        seen = (await client.get(ME, headers=eve.headers)).json()
        assert seen["roles"] == ["helper"]
        assert seen["permissions"] == ["articles:write", "users:read"]

    async def test_nobody_may_keep_it(
        self, client: httpx2.AsyncClient, ada: Person
    ) -> None:
        """No cache on the way keeps the answer."""
        response = await client.get(ME, headers=ada.headers)
        assert response.headers["cache-control"] == "no-store"

    async def test_nobody(self, client: httpx2.AsyncClient) -> None:
        """Who is not signed in is told how to be."""
        response = await client.get(ME)
        problem(response, 401, "not_authenticated")
        assert response.headers["www-authenticate"] == "Bearer"

    async def test_refresh_token(self, client: httpx2.AsyncClient, ada: Person) -> None:
        """A refresh token signs no request."""
        headers = {"Authorization": f"Bearer {ada.refresh_token}"}
        problem(await client.get(ME, headers=headers), 401, "invalid_token")

    async def test_token_in_the_query(
        self, client: httpx2.AsyncClient, ada: Person
    ) -> None:
        """A token in the address, where logs would show it, is not looked at."""
        query = {"access_token": ada.tokens["access_token"]}
        problem(await client.get(ME, params=query), 401, "not_authenticated")


class TestAskedAgain:
    """The answer to somebody who has asked before."""

    async def test_after_a_change_of_ones_own(
        self, client: httpx2.AsyncClient, ada: Person
    ) -> None:
        """What one changes is there at the next request."""
        for name in ("Ada", "Countess", None):
            await client.patch(ME, json={"display_name": name}, headers=ada.headers)
            for _ in range(2):
                seen = await client.get(ME, headers=ada.headers)
                assert seen.json()["display_name"] == name

    async def test_after_a_change_by_an_admin(
        self, client: httpx2.AsyncClient, ada: Person, admin: Person
    ) -> None:
        """So are new roles, and what they allow."""
        for roles, allowed in ((["admin", "user"], True), (["user"], False)):
            path = f"{API}/users/{ada.id}/roles"
            await client.put(path, json={"roles": roles}, headers=admin.headers)
            for _ in range(2):
                seen = (await client.get(ME, headers=ada.headers)).json()
                assert seen["roles"] == roles
                assert ("users:write" in seen["permissions"]) is allowed

    async def test_each_is_told_of_themselves(
        self, client: httpx2.AsyncClient, ada: Person, admin: Person
    ) -> None:
        """Nobody gets another one's answer."""
        for _ in range(2):
            for person in (ada, admin):
                seen = await client.get(ME, headers=person.headers)
                assert seen.json()["id"] == person.id


class TestChange:
    """Changing one's own account."""

    async def test_display_name(
        self, client: httpx2.AsyncClient, ada: Person, clock: FakeClock
    ) -> None:
        """A new name is answered, stored, and the change is dated."""
        clock.tick(minutes=5)
        body = {"display_name": " Ada Lovelace "}
        changed = await client.patch(ME, json=body, headers=ada.headers)
        assert changed.status_code == 200
        assert changed.json()["display_name"] == "Ada Lovelace"
        assert changed.json()["updated_at"] == "2026-06-01T12:05:00Z"
        seen = await client.get(ME, headers=ada.headers)
        assert seen.json() == changed.json()

    async def test_null_removes_it(
        self, client: httpx2.AsyncClient, ada: Person
    ) -> None:
        """Null takes the name away."""
        for name in ("Ada", None):
            body = {"display_name": name}
            await client.patch(ME, json=body, headers=ada.headers)
        seen = await client.get(ME, headers=ada.headers)
        assert seen.json()["display_name"] is None

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({}, "body"),
            ({"display_name": ""}, "body.display_name"),
            ({"display_name": 5}, "body.display_name"),
            ({"display_name": "a\x00b"}, "body.display_name"),
            ({"display_name": "a\u2028b"}, "body.display_name"),
            ({"display_name": "a\u2029b"}, "body.display_name"),
            ({"display_name": "Eve", "roles": ["admin"]}, "body.roles"),
            ({"display_name": "Eve", "status": "active"}, "body.status"),
            ({"display_name": "Eve", "email": "eve@example.com"}, "body.email"),
            ({"display_name": "Eve", "email_verified": True}, "body.email_verified"),
        ],
        ids=[
            "nothing",
            "empty",
            "number",
            "NUL",
            "line separator",
            "paragraph separator",
            "roles",
            "status",
            "e-mail",
            "verification",
        ],
    )
    async def test_refused(
        self,
        client: httpx2.AsyncClient,
        ada: Person,
        body: dict[str, object],
        field: str,
    ) -> None:
        """Nobody changes more than their name, and nothing is changed by half."""
        response = await client.patch(ME, json=body, headers=ada.headers)
        assert fields(response) == [field]
        seen = await client.get(ME, headers=ada.headers)
        assert seen.json() == ada.tokens["user"] | {"permissions": []}

    async def test_changes_nobody_else(
        self, client: httpx2.AsyncClient, ada: Person, bob: Person
    ) -> None:
        """Somebody else's account stays as it is."""
        await client.patch(ME, json={"display_name": "Ada"}, headers=ada.headers)
        seen = await client.get(ME, headers=bob.headers)
        assert seen.json()["display_name"] is None

    async def test_nobody(self, client: httpx2.AsyncClient) -> None:
        """Only who is signed in can do it."""
        response = await client.patch(ME, json={"display_name": "Eve"})
        problem(response, 401, "not_authenticated")


class TestDelete:
    """Deleting one's own account."""

    async def test_everything_is_gone(
        self, client: httpx2.AsyncClient, ada: Person, bob: Person, database: Database
    ) -> None:
        """Account, sessions and roles are gone; other people's stay."""
        response = await delete_me(client, ada, PROOF)
        assert (response.status_code, response.content) == (204, b"")
        ada_id = UUID(ada.id)
        async with database.reading() as session:
            for column in (User.id, Session.user_id, user_roles.c.user_id):
                of_ada = select(func.count()).where(column == ada_id)
                others = select(func.count()).where(column != ada_id)
                assert await session.scalar(of_ada) == 0
                assert await session.scalar(others) == 1

    async def test_tokens_are_refused(
        self, client: httpx2.AsyncClient, ada: Person
    ) -> None:
        """Neither of the tokens works at the next request."""
        await delete_me(client, ada, PROOF)
        assert reason(await client.get(ME, headers=ada.headers)) == "user_deleted"
        body = {"refresh_token": ada.refresh_token}
        response = await client.post(f"{API}/auth/refresh", json=body)
        problem(response, 401, "invalid_refresh_token")

    async def test_address_is_free_again(
        self, client: httpx2.AsyncClient, ada: Person
    ) -> None:
        """The address can sign up anew, as somebody else."""
        await delete_me(client, ada, PROOF)
        again = await sign_in(client, await register(client, ada.email))
        assert again.id != ada.id

    async def test_browser_forgets(self, client: httpx2.AsyncClient) -> None:
        """The cookies of a deleted account are cleared."""
        ada = await register(client, "ada@example.com")
        body = {"email": ada.email, "password": PASSWORD, "transport": "cookie"}
        await client.post(f"{API}/auth/login", json=body)
        assert (await client.request("DELETE", ME, json=PROOF)).status_code == 204
        assert set(client.cookies) == {"cardea_device"}

    async def test_wrong_password(
        self, client: httpx2.AsyncClient, ada: Person
    ) -> None:
        """Without the right password the account stays."""
        problem(await delete_me(client, ada, WRONG), 403, "wrong_password")
        assert (await client.get(ME, headers=ada.headers)).status_code == 200

    async def test_too_many_guesses(
        self, client: httpx2.AsyncClient, ada: Person
    ) -> None:
        """After ten wrong passwords even the right one waits."""
        for _ in range(10):
            problem(await delete_me(client, ada, WRONG), 403, "wrong_password")
        refused = await delete_me(client, ada, PROOF)
        problem(refused, 429, "too_many_requests")
        assert 0 < int(refused.headers["retry-after"]) <= 300

    async def test_busy(
        self, running: RunningApp, client: httpx2.AsyncClient, ada: Person
    ) -> None:
        """With a full queue the password can't be checked, and the account stays."""
        async with full_queue(running):
            problem(await delete_me(client, ada, PROOF), 503, "busy")
        assert (await client.get(ME, headers=ada.headers)).status_code == 200

    async def test_no_password(self, client: httpx2.AsyncClient, ada: Person) -> None:
        """A body without the password is refused, and so is none at all."""
        assert fields(await delete_me(client, ada, {})) == ["body.password"]
        response = await client.delete(ME, headers=ada.headers)
        assert fields(response) == ["body.password"]

    async def test_nobody(self, client: httpx2.AsyncClient) -> None:
        """Only who is signed in can do it."""
        response = await client.request("DELETE", ME, json=PROOF)
        problem(response, 401, "not_authenticated")
