"""The whole list of naughty texts, wherever people may type."""

import json
from typing import Any

import httpx2
import pytest

from app.core.config import Settings
from app.database import Database
from tests.conftest import MakeSettings
from tests.hostile.naughty import CONTROLS, TEXTS, has_surrogates
from tests.support.hostile import contents, refused
from tests.support.people import API, PASSWORD, Person

SHORTEST, LONGEST = 10, 128


@pytest.fixture
def settings(make: MakeSettings) -> Settings:
    """Without limits: the list is long."""
    return make(rate_limits=False)


async def post(
    client: httpx2.AsyncClient,
    path: str,
    body: Any,
    method: str = "POST",
    **headers: str,
) -> httpx2.Response:
    """Send a body that may hold half characters, which `json=` would refuse."""
    sent = {"Content-Type": "application/json", **headers}
    return await client.request(method, path, content=json.dumps(body), headers=sent)


class TestDisplayName:
    """PATCH /users/me with each of them as a name."""

    async def test_kept_as_typed_or_refused(
        self, client: httpx2.AsyncClient, ada: Person
    ) -> None:
        """Every name is kept to the character, or refused and nothing changed."""
        kept = 0
        for label, text in TEXTS.items():
            body = {"display_name": text}
            answer = await post(client, f"{API}/users/me", body, "PATCH", **ada.headers)
            me = await client.get(f"{API}/users/me", headers=ada.headers)
            if _is_name(text):
                assert answer.status_code == 200, label
                assert me.json()["display_name"] == text.strip(), label
                kept += 1
            else:
                refused(answer, 422, "validation_failed", text)
                assert me.json()["display_name"] != text, label
        assert kept > 90

    async def test_found_by_search(
        self, client: httpx2.AsyncClient, admin: Person
    ) -> None:
        """Each is data, never a pattern or a query: a search finds exactly it."""
        names = [text.strip() for text in TEXTS.values() if _is_name(text)]
        for text in names:
            await post(
                client,
                f"{API}/users/me",
                {"display_name": text},
                "PATCH",
                **admin.headers,
            )
            found = await client.get(
                f"{API}/users", params={"q": text}, headers=admin.headers
            )
            assert found.status_code == 200, text
            if text.isascii():
                assert len(found.json()["items"]) == 1, text

    async def test_pages_do_not_show_them(
        self, client: httpx2.AsyncClient, database: Database
    ) -> None:
        """Markup in a path never reaches a page."""
        for text in TEXTS.values():
            if not has_surrogates(text):
                answer = await client.get(
                    "/errors/" + "".join(f"%{byte:02x}" for byte in text.encode()[:300])
                )
                assert answer.status_code in (200, 404)
                assert "<script" not in answer.text
                assert "onerror" not in answer.text


class TestPassword:
    """Each of them as a password."""

    async def test_opens_the_account_or_is_refused(
        self, client: httpx2.AsyncClient, database: Database
    ) -> None:
        """What is accepted signs in as typed; what is not makes no account."""
        accepted = 0
        for number, (label, text) in enumerate(TEXTS.items()):
            body = {"email": f"q{number}@example.com", "password": text}
            before = await contents(database)
            answer = await post(client, f"{API}/auth/register", body)
            if answer.status_code == 201:
                accepted += 1
                signed_in = await post(client, f"{API}/auth/login", body)
                assert signed_in.status_code == 200, label
            else:
                assert not _may_be_password(text), label
                refused(answer, 422, answer.json()["code"], text)
                assert await contents(database) == before, label
        assert accepted > 50

    async def test_opens_nobody_elses(
        self, client: httpx2.AsyncClient, ada: Person
    ) -> None:
        """None of them is taken for Ada's password."""
        for text in TEXTS.values():
            body = {"email": ada.email, "password": text}
            answer = await post(client, f"{API}/auth/login", body)
            if "\x00" in text or has_surrogates(text):
                refused(answer, 422, "validation_failed", text)
            else:
                refused(answer, 401, "invalid_credentials", text)


class TestEmail:
    """Each of them as an e-mail address, and as part of one."""

    async def test_makes_no_account(
        self, client: httpx2.AsyncClient, database: Database
    ) -> None:
        """None of them is an address."""
        before = await contents(database)
        for text in TEXTS.values():
            for email in (text, f"ada@{text}", f"ada@example.com{text[:1]} {text}"):
                body = {"email": email, "password": PASSWORD}
                answer = await post(client, f"{API}/auth/register", body)
                refused(answer, 422, "validation_failed", text)
        assert await contents(database) == before

    async def test_as_the_local_part(self, client: httpx2.AsyncClient) -> None:
        """An address that is accepted comes back as typed, and only once."""
        accepted = 0
        for text in TEXTS.values():
            body = {"email": f"{text}@example.com", "password": PASSWORD}
            answer = await post(client, f"{API}/auth/register", body)
            if answer.status_code != 201:
                code = {409: "email_taken"}.get(answer.status_code, "validation_failed")
                refused(answer, answer.status_code, code, text)
                continue
            accepted += 1
            assert answer.json()["email"] == body["email"]
            again = await post(client, f"{API}/auth/register", body)
            refused(again, 409, "email_taken")
        assert accepted > 10

    async def test_signs_nobody_in(
        self, client: httpx2.AsyncClient, ada: Person
    ) -> None:
        """The answer to each is that of any unknown address, or 422."""
        for text in TEXTS.values():
            body = {"email": text, "password": PASSWORD}
            answer = await post(client, f"{API}/auth/login", body)
            assert answer.status_code in (401, 422)
            code = "invalid_credentials"
            if answer.status_code == 422:
                code = "validation_failed"
            refused(answer, answer.status_code, code, text)


class TestSearch:
    """GET /users with each of them as search text, role, status and cursor."""

    @pytest.mark.parametrize("parameter", ["q", "role"])
    async def test_finds_or_is_refused(
        self, client: httpx2.AsyncClient, admin: Person, parameter: str
    ) -> None:
        """The answer is a page, or 422 for what can't be searched for."""
        for text in TEXTS.values():
            if has_surrogates(text):
                continue  # A URL has no way to say it.
            answer = await client.get(
                f"{API}/users", params={parameter: text}, headers=admin.headers
            )
            if "\x00" in text or len(text) > 254 or not text:
                refused(answer, 422, "validation_failed", text)
            else:
                assert answer.status_code == 200
                assert text == "ro" or not _is_long(text) or not answer.json()["items"]

    @pytest.mark.parametrize("parameter", ["status", "cursor", "limit"])
    async def test_is_refused(
        self, client: httpx2.AsyncClient, admin: Person, parameter: str
    ) -> None:
        """None of them is a status, a cursor or a number of items."""
        for text in TEXTS.values():
            if has_surrogates(text) or (parameter == "limit" and text == "000123"):
                continue
            answer = await client.get(
                f"{API}/users", params={parameter: text}, headers=admin.headers
            )
            refused(answer, 422, "validation_failed", text)


class TestHeaders:
    """User agents that are written down with the session."""

    async def test_user_agent(self, client: httpx2.AsyncClient, ada: Person) -> None:
        """Whatever it calls itself is kept or cut, and shown as JSON."""
        for text in TEXTS.values():
            if has_surrogates(text):
                continue
            answer = await client.post(
                f"{API}/auth/login",
                json={"email": ada.email, "password": PASSWORD},
                headers=[(b"user-agent", text.encode())],
            )
            assert answer.status_code == 200
        path = f"{API}/users/me/sessions"
        listed = await client.get(path, params={"limit": 200}, headers=ada.headers)
        agents = [session["user_agent"] for session in listed.json()["items"]]
        assert len(agents) > 100
        assert max(map(len, agents)) == 300
        assert not any("\x00" in agent for agent in agents)


def _is_name(text: str) -> bool:
    inside = text.strip()
    return (
        0 < len(inside) <= 100
        and not CONTROLS & set(inside)
        and not has_surrogates(inside)
    )


def _may_be_password(text: str) -> bool:
    return (
        SHORTEST <= len(text) <= LONGEST
        and "\x00" not in text
        and not has_surrogates(text)
    )


def _is_long(text: str) -> bool:
    return len(text) > 20
