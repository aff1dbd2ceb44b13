"""Fifty callers at once, who change accounts."""

import asyncio
from uuid import UUID

import httpx2
import pytest

from app.database import Database
from tests.support.people import API, PASSWORD, Person, register, sign_in
from tests.support.server import (
    CALLERS,
    Server,
    at_once,
    browse,
    sign_in_root,
    tally,
)
from tests.support.stored_sessions import found

NEW_PASSWORD = "seven tame geese at dusk"
WAVES = 6
"""So often each caller signs in, so that some always do while the change is saved."""


class TestRegister:
    """POST /auth/register."""

    async def test_one_address(self, client: httpx2.AsyncClient) -> None:
        """However it is spelt, one caller gets the account, who can sign in."""
        spellings = ["once@example.com", "Once@Example.com", "ONCE@EXAMPLE.com"]
        bodies = [
            {"email": spellings[n % 2], "password": PASSWORD} for n in range(CALLERS)
        ]
        answers = await at_once(
            client.post(f"{API}/auth/register", json=body) for body in bodies
        )
        assert tally(answers) == {"201": 1, "email_taken": CALLERS - 1}
        (made,) = [a.json() for a in answers if a.status_code == 201]
        person = await sign_in(client, Person(spellings[2]))
        assert person.id == made["id"]


class TestWrongPasswords:
    """POST /auth/login, guessing."""

    async def test_at_the_limit(self, limiting_server: Server) -> None:
        """Ten guesses are looked at, whoever is faster; the others wait."""
        async with browse(limiting_server, CALLERS) as client:
            ada = await register(client, "ada@example.com")
            body = {"email": ada.email, "password": "not her password"}
            answers = await at_once(
                client.post(f"{API}/auth/login", json=body) for _ in range(CALLERS)
            )
            assert tally(answers) == {
                "invalid_credentials": 10,
                "too_many_requests": CALLERS - 10,
            }
            waits = [a.headers["Retry-After"] for a in answers if a.status_code == 429]
            assert all(0 < int(wait) <= 300 for wait in waits)
            assert len(limiting_server.events("auth.sign_in_failed")) == 10

    async def test_two_slashes_are_no_way_round(self, limiting_server: Server) -> None:
        """Another spelling of the path, or the other endpoint, has no counter apart."""
        async with browse(limiting_server, CALLERS) as client:
            await register(client, "ada@example.com")
            form = {"username": "ADA@example.com", "password": "not her password"}
            body = {"email": "ada@example.com", "password": "not her password"}
            form["grant_type"] = "password"
            await at_once(
                client.post(path, json=body) if n % 2 else client.post(path, data=form)
                for n in range(CALLERS)
                for path in [
                    (
                        f"/{API}/auth/login"
                        if n % 4 == 1
                        else f"{API}/auth/login" if n % 2 else f"{API}/auth/token"
                    )
                ]
            )
            assert len(limiting_server.events("auth.sign_in_failed")) == 10


class TestLastAdmins:
    """Changes that would leave nobody to administer."""

    async def test_each_disables_the_other(self, fresh_server: Server) -> None:
        """Two admins disable each other at once: one stays."""
        async with browse(fresh_server, CALLERS) as client:
            one, two = await two_admins(client)
            answers = await at_once(
                client.patch(
                    f"{API}/users/{(two if n % 2 else one).id}",
                    json={"status": "disabled"},
                    headers=(one if n % 2 else two).headers,
                )
                for n in range(CALLERS)
            )
            counts = tally(answers)
            assert counts["200"] >= 1
            assert set(counts) <= {"200", "last_admin", "session_ended"}
            assert await active_admins(client, [one, two]) == 1

    @pytest.mark.parametrize(
        ("method", "path", "body", "codes"),
        [
            ("PATCH", "", {"status": "disabled"}, {"200", "last_admin"}),
            ("DELETE", "", None, {"204", "last_admin", "user_not_found"}),
            ("PUT", "/roles", {"roles": ["user"]}, {"200", "last_admin"}),
        ],
        ids=["disables", "deletes", "strips"],
    )
    async def test_a_third_does_it_to_both(
        self,
        fresh_server: Server,
        method: str,
        path: str,
        body: dict[str, object] | None,
        codes: set[str],
    ) -> None:
        """The last two admins go at once by a third one's hand: one stays."""
        async with browse(fresh_server, CALLERS) as client:
            one, two = await two_admins(client)
            third = await almost_admin(client, one)
            answers = await at_once(
                client.request(
                    method,
                    f"{API}/users/{(two if n % 2 else one).id}{path}",
                    json=body,
                    headers=third.headers,
                )
                for n in range(CALLERS)
            )
            assert set(tally(answers)) <= codes
            listed = await client.get(
                f"{API}/users?role=admin&status=active", headers=third.headers
            )
            assert len(listed.json()["items"]) == 1


class TestChangePassword:
    """POST /users/me/password."""

    async def test_while_others_sign_in_with_the_old_one(
        self, client: httpx2.AsyncClient
    ) -> None:
        """No session that the old password opened survives, but the changer's own."""
        eve = await sign_in(client, await register(client, "change@example.com"))
        old = {"email": eve.email, "password": eve.password}
        change = {"current_password": eve.password, "new_password": NEW_PASSWORD}

        async def again_and_again() -> list[httpx2.Response]:
            return [
                await client.post(f"{API}/auth/login", json=old) for _ in range(WAVES)
            ]

        changing = asyncio.create_task(
            client.post(f"{API}/users/me/password", json=change, headers=eve.headers)
        )
        waves = await asyncio.gather(*[again_and_again() for _ in range(CALLERS - 1)])
        changed = await changing
        answers = [answer for wave in waves for answer in wave]
        assert changed.status_code == 204
        assert set(tally(answers)) == {"200", "invalid_credentials"}
        opened = [Person("", tokens=a.json()) for a in answers if a.status_code == 200]
        seen = await at_once(
            client.get(f"{API}/users/me", headers=one.headers) for one in opened
        )
        assert tally(seen) == {"session_ended": len(opened)}
        mine = await client.get(f"{API}/users/me/sessions", headers=eve.headers)
        assert [one["id"] for one in mine.json()["items"]] == [eve.session_id]


class TestDelete:
    """DELETE /users/me."""

    async def test_while_refreshing(
        self, client: httpx2.AsyncClient, database: Database
    ) -> None:
        """Whatever was handed out in between is worth nothing, and no row remains."""
        eve = await sign_in(client, await register(client, "delete@example.com"))
        body, refreshing = {"password": eve.password}, {
            "refresh_token": eve.refresh_token
        }
        answers = await at_once(
            (
                client.request(
                    "DELETE", f"{API}/users/me", json=body, headers=eve.headers
                )
                if n == CALLERS // 2
                else client.post(f"{API}/auth/refresh", json=refreshing)
            )
            for n in range(CALLERS)
        )
        counts = tally(answers)
        assert counts["204"] == 1
        assert set(counts) <= {"200", "204", "invalid_refresh_token"}
        handed_out = [a.json() for a in answers if a.status_code == 200]
        for tokens in [eve.tokens, *handed_out]:
            seen = await client.get(
                f"{API}/users/me", headers=Person("", tokens=tokens).headers
            )
            assert tally([seen]) == {"session_ended": 1}
        assert await found(database, UUID(eve.session_id)) is None


async def two_admins(client: httpx2.AsyncClient) -> tuple[Person, Person]:
    """Return the first admin and a second one."""
    root = await sign_in_root(client)
    body = {"email": "two@example.com", "password": PASSWORD, "roles": ["admin"]}
    await client.post(f"{API}/users", json=body, headers=root.headers)
    return root, await sign_in(client, Person("two@example.com"))


async def almost_admin(client: httpx2.AsyncClient, admin: Person) -> Person:
    """Return somebody who holds every permission, by a role that is not admin."""
    known = await client.get(f"{API}/permissions", headers=admin.headers)
    permissions = [one["name"] for one in known.json()["items"]]
    role = {"name": "all-but-admin", "permissions": permissions}
    made = await client.post(f"{API}/roles", json=role, headers=admin.headers)
    assert made.status_code == 201, made.text
    body = {"email": "third@example.com", "password": PASSWORD, "roles": [role["name"]]}
    user = await client.post(f"{API}/users", json=body, headers=admin.headers)
    assert user.status_code == 201, user.text
    return await sign_in(client, Person("third@example.com"))


async def active_admins(client: httpx2.AsyncClient, admins: list[Person]) -> int:
    """Count the admins who still can do something."""
    answers = await at_once(
        client.get(f"{API}/users", headers=admin.headers) for admin in admins
    )
    return tally(answers).get("200", 0)
