"""Headers that browsers obey, on every answer."""

import httpx2
import pytest

from app.core.config import Settings
from tests.conftest import MakeSettings
from tests.support.apps import RunningApp, browse
from tests.support.crashes import add_crashes
from tests.support.people import API, Person

ALWAYS = {
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
STRICT = "default-src 'none'; frame-ancestors 'none'"
PATHS = ("/", "/health/live", "/docs", "/errors", "/errors/busy", "/openapi.json") + (
    *("/assets/swagger-ui.css", "/nowhere", f"{API}/users/me", "/crash/endpoint"),
)


class TestSecurityHeaders:
    """What is on each answer."""

    @pytest.mark.parametrize("path", PATHS)
    async def test_on_every_answer(self, running: RunningApp, path: str) -> None:
        """Pages, JSON, files, errors and crashes carry them all."""
        add_crashes(running.app)
        async with browse(running.app) as client:
            headers = (await client.get(path)).headers
        assert {name: headers.get(name) for name in ALWAYS} == ALWAYS
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "frame-ancestors 'none'" in headers["content-security-policy"]

    async def test_refused_by_middleware(self, client: httpx2.AsyncClient) -> None:
        """An answer that never reached an endpoint has them too."""
        refused = await client.get("/", headers={"Host": "evil.example"})
        assert refused.status_code == 421
        assert refused.headers["content-security-policy"] == STRICT
        assert {name: refused.headers[name] for name in ALWAYS} == ALWAYS

    async def test_answers_to_people_are_not_cached(
        self, client: httpx2.AsyncClient, ada: Person
    ) -> None:
        """What is said to one caller is kept by nobody, errors included."""
        for headers in (ada.headers, {}):
            answer = await client.get(f"{API}/users/me", headers=headers)
            assert answer.headers["cache-control"] == "no-store"

    async def test_own_headers_win(self, client: httpx2.AsyncClient) -> None:
        """What is public says so itself."""
        keys = await client.get("/.well-known/jwks.json")
        assert keys.headers["cache-control"] == "public, max-age=600"
        page = await client.get("/errors")
        assert "style-src" in page.headers["content-security-policy"]

    async def test_no_hsts_over_http(self, client: httpx2.AsyncClient) -> None:
        """Browsers are not told to insist on a https there is not."""
        answer = await client.get("/health/live")
        assert "strict-transport-security" not in answer.headers


class TestOverHttps:
    """Where PUBLIC_URL is https."""

    @pytest.fixture
    def settings(self, make: MakeSettings) -> Settings:
        """Reached over https."""
        return make(public_url="https://auth.example.com")

    @pytest.mark.parametrize("path", ["/health/live", "/nowhere", "/"])
    async def test_hsts(self, client: httpx2.AsyncClient, path: str) -> None:
        """Browsers are told to use nothing else for a year."""
        answer = await client.get(path, headers={"Host": "auth.example.com"})
        value = answer.headers["strict-transport-security"]
        assert value == "max-age=31536000; includeSubDomains"
