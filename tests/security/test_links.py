"""Links, and whose address they lead to."""

import json

import httpx2
import pytest

from app.core.config import Settings
from tests.conftest import MakeSettings
from tests.hostile.forgeries import Genuine
from tests.support.apps import RunningApp
from tests.support.hostile import JSON, refused, send
from tests.support.people import API, PASSWORD

LOGIN, ME = f"{API}/auth/login", f"{API}/users/me"
OURS, PROXY = "https://auth.example.com", "10.0.0.1"
POISON = {
    "x-forwarded-host": "evil.example",
    "x-forwarded-server": "evil.example",
    "x-forwarded-proto": "http",
    "x-forwarded-port": "8443",
    "x-forwarded-prefix": "/evil",
    "x-original-host": "evil.example",
    "x-original-url": "http://evil.example/",
    "forwarded": "for=192.0.2.1;host=evil.example;proto=http",
    "referer": "http://evil.example/",
}
LINKS = {"/": 4, ME: 1, "/openapi.json": 0, "/errors": 0, "/docs": 0, "/nowhere": 1}
"""How often each page names the service's own address."""


class TestLinkPoisoning:
    """GHSA-2wmj-46rj-qm2w: the link of a password reset was built from Host or
    X-Forwarded-Host, so that whoever asked for it chose where its code would go."""

    @pytest.fixture
    def settings(self, make: MakeSettings) -> Settings:
        """Behind a proxy, whose word about the client is believed, and two names."""
        return make(
            public_url=OURS,
            trusted_proxies=("10.0.0.0/24",),
            allowed_hosts=("auth.internal",),
        )

    async def ask(
        self, running: RunningApp, path: str, host: str, **poison: str
    ) -> httpx2.Response:
        """Ask for a page through the proxy."""
        headers = [("host", host), ("x-request-id", "the-same"), *poison.items()]
        return await send(running.app, "GET", path, headers, peer=PROXY)

    @pytest.mark.parametrize(("path", "links"), LINKS.items())
    async def test_headers_change_no_answer(
        self, running: RunningApp, path: str, links: int
    ) -> None:
        """Poisoned headers and another of our names give the very same bytes."""
        clean = await self.ask(running, path, "auth.example.com")
        assert clean.text.count(f'"{OURS}/') == links
        for host in ("auth.example.com", "auth.internal:8443"):
            poisoned = await self.ask(running, path, host, **POISON)
            assert (poisoned.text, poisoned.headers) == (clean.text, clean.headers)

    @pytest.mark.parametrize("path", LINKS)
    async def test_forged_host_gets_nothing(
        self, running: RunningApp, path: str
    ) -> None:
        """A name that is not ours is refused, and not repeated."""
        for poison in ({}, {"x-forwarded-host": "auth.example.com"}):
            response = await self.ask(running, path, "evil.example", **poison)
            refused(response, 421, "host_not_allowed", "evil.example")

    async def test_issuer_and_cookies_are_ours(self, running: RunningApp) -> None:
        """Neither a token's issuer nor how cookies are kept comes from a header."""
        await running.services.setup.create_admin("root@example.com", PASSWORD)
        body = {"email": "root@example.com", "password": PASSWORD}
        headers = [JSON, ("host", "auth.internal"), *POISON.items()]
        for transport in ("bearer", "cookie"):
            content = json.dumps({**body, "transport": transport}).encode()
            answer = await send(
                running.app, "POST", LOGIN, headers, [content], peer=PROXY
            )
            assert answer.status_code == 200
            assert "evil" not in answer.text + str(answer.headers.raw)
            if transport == "bearer":
                token = answer.json()["access_token"]
                key = running.services.keys.ring.keys[0]
                assert Genuine(token, key).claims["iss"] == OURS
        for cookie in answer.headers.get_list("set-cookie"):
            assert "Secure" in cookie and "Domain" not in cookie
