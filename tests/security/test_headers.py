"""Headers that nobody can read: they skip no check."""

import httpx2
import pytest

from app.core.config import Settings
from tests.conftest import MakeSettings
from tests.support.apps import RunningApp
from tests.support.hostile import JSON, Header, refused, send
from tests.support.people import API, PASSWORD, Person

ME, LOGIN = f"{API}/users/me", f"{API}/auth/login"
PROXY = "10.0.0.1"
UNREADABLE: dict[str, Header] = {
    "forwarded-for-word": ("x-forwarded-for", "a"),
    "forwarded-for-empty": ("x-forwarded-for", ""),
    "forwarded-for-commas": ("x-forwarded-for", ",,,"),
    "forwarded-for-port": ("x-forwarded-for", "203.0.113.9:4711"),
    "forwarded-for-brackets": ("x-forwarded-for", "[2001:db8::1"),
    "forwarded-for-digits": ("x-forwarded-for", "٣.0.0.1"),
    "forwarded-for-huge": ("x-forwarded-for", "9" * 5000),
    "authorization": ("authorization", "Bearer \x00"),
    "cookie": ("cookie", "=;;cardea_access"),
    "device": ("cardea-device", "cardea_dev_\xff"),
    "request-id": ("x-request-id", "\x00\r\n"),
    "user-agent": ("user-agent", "\x00" * 5000),
    "origin": ("origin", "\xff"),
}


class TestMalformedHeader:
    """CVE-2024-47070: an X-Forwarded-For that was no address made a policy fail, and
    with it the password went unasked."""

    @pytest.fixture
    def settings(self, make: MakeSettings) -> Settings:
        """Behind a proxy, whose headers are read."""
        return make(trusted_proxies=("10.0.0.0/24",))

    async def sign_in(
        self, running: RunningApp, password: str, header: Header
    ) -> httpx2.Response:
        """Try to sign Ada in through the proxy."""
        body = f'{{"email": "ada@example.com", "password": "{password}"}}'
        content = body.encode()
        return await send(
            running.app, "POST", LOGIN, [JSON, header], [content], peer=PROXY
        )

    @pytest.mark.parametrize("header", UNREADABLE.values(), ids=UNREADABLE)
    async def test_skips_neither_password_nor_limit(
        self, running: RunningApp, ada: Person, header: Header
    ) -> None:
        """Wrong passwords are refused and counted, the right one is taken."""
        assert (await self.sign_in(running, PASSWORD, header)).status_code == 200
        for number in range(10):
            wrong = await self.sign_in(running, f"wrong {number}", header)
            refused(wrong, 401, "invalid_credentials")
        waits = await self.sign_in(running, PASSWORD, header)
        refused(waits, 429, "too_many_requests")

    @pytest.mark.parametrize("header", UNREADABLE.values(), ids=UNREADABLE)
    async def test_makes_nobody_a_caller(
        self, running: RunningApp, ada: Person, header: Header
    ) -> None:
        """Without a token there is no caller, whatever else can't be read."""
        response = await send(running.app, "GET", ME, [header], peer=PROXY)
        assert response.status_code == 401

    @pytest.mark.parametrize("value", ["", "Bearer", "Bearer ", "Basic e30=", "\xff"])
    async def test_authorization_is_not_passed_over(
        self, running: RunningApp, ada: Person, value: str
    ) -> None:
        """A broken one is an error, even beside a good cookie."""
        cookie = ("cookie", f"cardea_access={ada.tokens['access_token']}")
        assert (await send(running.app, "GET", ME, [cookie])).status_code == 200
        headers = [("authorization", value), cookie]
        refused(await send(running.app, "GET", ME, headers), 401, "invalid_token")

    @pytest.mark.parametrize(
        "header",
        [
            ("origin", ""),
            ("origin", "null"),
            ("origin", "\xff"),
            ("sec-fetch-site", ""),
        ],
        ids=["empty-origin", "null-origin", "odd-origin", "empty-site"],
    )
    async def test_origin_is_not_passed_over(
        self, running: RunningApp, ada: Person, header: Header
    ) -> None:
        """A change by cookie is refused where its origin can't be told."""
        cookie = ("cookie", f"cardea_access={ada.tokens['access_token']}")
        path = f"{API}/auth/logout-all"
        response = await send(running.app, "POST", path, [cookie, header])
        refused(response, 403, "cross_site_request")
