"""Nobody learns from answers who has an account."""

import re
from collections.abc import Awaitable, Callable
from typing import TypeAlias

import httpx2
import pytest

from app.core.config import Settings
from tests.conftest import MakeSettings
from tests.hostile.calls import NOBODY
from tests.support.hostile import refused
from tests.support.people import API, PASSWORD, Person

WRONG = "wrong horse battery"
UNKNOWN = "eve@example.com"

Ask: TypeAlias = Callable[[httpx2.AsyncClient, str], Awaitable[httpx2.Response]]


def visible(response: httpx2.Response) -> tuple[int, dict[str, str], str]:
    """Return all that a caller sees, but for ids that are new each time."""
    headers = dict(response.headers)
    request_id = headers.pop("x-request-id")
    if "cardea-challenge" in headers:
        headers["cardea-challenge"] = re.sub(
            "[0-9a-f]", "x", headers["cardea-challenge"]
        )
    return response.status_code, headers, response.text.replace(request_id, "...")


async def sign_in(client: httpx2.AsyncClient, email: str) -> httpx2.Response:
    """Try a wrong password."""
    body = {"email": email, "password": WRONG}
    return await client.post(f"{API}/auth/login", json=body)


async def sign_in_with_cookies(
    client: httpx2.AsyncClient, email: str
) -> httpx2.Response:
    """Try a wrong password as a browser."""
    body = {"email": email, "password": WRONG, "transport": "cookie"}
    return await client.post(f"{API}/auth/login", json=body)


async def grant(client: httpx2.AsyncClient, email: str) -> httpx2.Response:
    """Try a wrong password at the token endpoint."""
    form = {"grant_type": "password", "username": email, "password": WRONG}
    return await client.post(f"{API}/auth/token", data=form)


ASKS = {"login": sign_in, "login-by-cookie": sign_in_with_cookies, "token": grant}


class TestSignIn:
    """An unknown address against a wrong password."""

    @pytest.mark.parametrize("ask", ASKS.values(), ids=ASKS)
    async def test_answers_are_the_same(
        self, client: httpx2.AsyncClient, ada: Person, ask: Ask
    ) -> None:
        """Status, headers and bytes are equal, but for the request's id."""
        known, unknown = await ask(client, ada.email), await ask(client, UNKNOWN)
        assert visible(known) == visible(unknown)
        assert known.status_code in (400, 401)

    @pytest.mark.parametrize("ask", ASKS.values(), ids=ASKS)
    async def test_limits_are_the_same(
        self, client: httpx2.AsyncClient, ada: Person, ask: Ask
    ) -> None:
        """Both addresses make strangers wait after the same number of attempts."""
        for _ in range(10):
            known, unknown = await ask(client, ada.email), await ask(client, UNKNOWN)
            assert visible(known) == visible(unknown)
        known, unknown = await ask(client, ada.email), await ask(client, UNKNOWN)
        assert known.status_code == unknown.status_code == 429
        assert known.text.replace(_id(known), "") == unknown.text.replace(
            _id(unknown), ""
        )

    @pytest.mark.parametrize("ask", ASKS.values(), ids=ASKS)
    async def test_disabled_is_not_told_to_strangers(
        self, client: httpx2.AsyncClient, ada: Person, admin: Person, ask: Ask
    ) -> None:
        """Only the right password learns that an account is disabled."""
        await client.patch(
            f"{API}/users/{ada.id}", json={"status": "disabled"}, headers=admin.headers
        )
        known, unknown = await ask(client, ada.email), await ask(client, UNKNOWN)
        assert visible(known) == visible(unknown)
        body = {"email": ada.email, "password": PASSWORD}
        right = await client.post(f"{API}/auth/login", json=body)
        refused(right, 403, "account_disabled")


class TestSignUpWithVerification:
    """POST /auth/register where addresses must be verified."""

    @pytest.fixture
    def settings(self, make: MakeSettings) -> Settings:
        """Addresses must be verified."""
        return make(email_verification="required")

    async def test_answers_are_the_same(self, client: httpx2.AsyncClient) -> None:
        """A taken address gets the bytes that a free one gets."""
        body = {"email": "ada@example.com", "password": PASSWORD}
        free = await client.post(f"{API}/auth/register", json=body)
        taken = await client.post(f"{API}/auth/register", json=body)
        assert visible(free) == visible(taken)
        assert free.status_code == 202

    async def test_bad_password_is_the_same(self, client: httpx2.AsyncClient) -> None:
        """Rules about passwords come before anybody looks for the address."""
        good = {"email": "ada@example.com", "password": PASSWORD}
        await client.post(f"{API}/auth/register", json=good)
        bad = {**good, "password": "short"}
        taken = await client.post(f"{API}/auth/register", json=bad)
        bad["email"] = UNKNOWN
        free = await client.post(f"{API}/auth/register", json=bad)
        assert visible(free) == visible(taken)

    async def test_unverified_is_not_told_to_strangers(
        self, client: httpx2.AsyncClient
    ) -> None:
        """Only the right password learns that an address waits to be verified."""
        body = {"email": "ada@example.com", "password": PASSWORD}
        await client.post(f"{API}/auth/register", json=body)
        known, unknown = (
            await sign_in(client, "ada@example.com"),
            await sign_in(client, UNKNOWN),
        )
        assert visible(known) == visible(unknown)
        right = await client.post(f"{API}/auth/login", json=body)
        refused(right, 403, "email_not_verified")


class TestAdministration:
    """Calls that need a permission."""

    @pytest.mark.parametrize("suffix", ["", "/sessions"])
    async def test_existence_is_not_told(
        self, client: httpx2.AsyncClient, ada: Person, bob: Person, suffix: str
    ) -> None:
        """Who may not look learns nothing from looking."""
        known = await client.get(f"{API}/users/{bob.id}{suffix}", headers=ada.headers)
        unknown = await client.get(f"{API}/users/{NOBODY}{suffix}", headers=ada.headers)
        assert visible(known) == visible(unknown)
        refused(known, 403, "permission_denied")

    async def test_sessions_of_others(
        self, client: httpx2.AsyncClient, ada: Person, bob: Person
    ) -> None:
        """Somebody else's session looks like none."""
        path = f"{API}/users/me/sessions"
        known = await client.delete(f"{path}/{bob.session_id}", headers=ada.headers)
        unknown = await client.delete(f"{path}/{NOBODY}", headers=ada.headers)
        assert visible(known) == visible(unknown)
        refused(known, 404, "session_not_found")
        me = await client.get(f"{API}/users/me", headers=bob.headers)
        assert me.status_code == 200


def _id(response: httpx2.Response) -> str:
    return str(response.headers["x-request-id"])
