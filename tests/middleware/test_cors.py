"""Which pages of other origins may read our answers."""

import httpx2
import pytest
from starlette.types import Message, Receive, Scope, Send

from app.core.config import Settings
from app.core.middleware import Cors
from app.core.problems import Problems
from tests.conftest import MakeSettings
from tests.support.apps import RunningApp, browse
from tests.support.crashes import add_crashes
from tests.support.people import API
from tests.support.problems import problem

OURS = "https://app.example.com"
SECOND = "http://localhost:5173"
NOT_OURS = (
    "https://evil.example",
    "http://app.example.com",
    "https://app.example.com:8443",
    "https://app.example.com.evil.example",
    "https://evil-app.example.com",
    "https://sub.app.example.com",
    "HTTPS://APP.EXAMPLE.COM",
    "https://app.example.com/",
    "https://app.example.com, https://evil.example",
    "null",
    "*",
    "",
)


@pytest.fixture
def settings(make: MakeSettings) -> Settings:
    """Two origins may call."""
    return make(cors_origins=(OURS, SECOND))


def preflight(origin: str, method: str = "POST", headers: str = "") -> dict[str, str]:
    """Return what a browser asks with before it sends such a request."""
    asked = {"Origin": origin, "Access-Control-Request-Method": method}
    return asked | ({"Access-Control-Request-Headers": headers} if headers else {})


class TestAnswers:
    """Answers to requests of pages."""

    @pytest.mark.parametrize("origin", [OURS, SECOND])
    async def test_exact_origin_may_read(
        self, client: httpx2.AsyncClient, origin: str
    ) -> None:
        """It is named, with credentials, and caches are told that answers differ."""
        headers = (await client.get("/health/live", headers={"Origin": origin})).headers
        assert headers["access-control-allow-origin"] == origin
        assert headers["access-control-allow-credentials"] == "true"
        assert "Origin" in headers["vary"]
        exposed = headers["access-control-expose-headers"]
        assert {"X-Request-ID", "Retry-After"} <= set(exposed.split(", "))

    @pytest.mark.parametrize("origin", NOT_OURS)
    async def test_any_other_may_not(
        self, client: httpx2.AsyncClient, origin: str
    ) -> None:
        """Neither a neighbour, nor another port or scheme, nor `null`, nor `*`."""
        headers = (await client.get("/health/live", headers={"Origin": origin})).headers
        assert "access-control-allow-origin" not in headers
        assert "Origin" in headers["vary"]

    @pytest.mark.parametrize(
        ("path", "status", "code"),
        [
            ("/nowhere", 404, "not_found"),
            (f"{API}/users/me", 401, "not_authenticated"),
            (f"{API}/auth/login", 405, "method_not_allowed"),
            ("/crash/endpoint", 500, "internal_error"),
            ("/crash/dependency", 500, "internal_error"),
        ],
    )
    async def test_errors_may_be_read_too(
        self, running: RunningApp, path: str, status: int, code: str
    ) -> None:
        """A page learns what went wrong, even of a crash."""
        add_crashes(running.app)
        async with browse(running.app) as client:
            response = await client.get(path, headers={"Origin": OURS})
        problem(response, status, code)
        assert response.headers["access-control-allow-origin"] == OURS
        assert response.headers["access-control-allow-credentials"] == "true"

    async def test_refusals_by_middleware_may_be_read(
        self, client: httpx2.AsyncClient
    ) -> None:
        """What stops a request before its endpoint is inside CORS."""
        headers = {"Origin": OURS, "Content-Type": "application/json"}
        response = await client.post(
            f"{API}/auth/login", content=b" " * 70_000, headers=headers
        )
        problem(response, 413, "body_too_large")
        assert response.headers["access-control-allow-origin"] == OURS


class TestPreflight:
    """What browsers ask before they send."""

    @pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
    async def test_methods(self, client: httpx2.AsyncClient, method: str) -> None:
        """All methods of the service are allowed, and remembered ten minutes."""
        asked = preflight(OURS, method, "authorization, content-type, cardea-device")
        response = await client.options(f"{API}/users/me", headers=asked)
        assert response.status_code == 200
        assert response.headers["access-control-allow-origin"] == OURS
        assert response.headers["access-control-max-age"] == "600"
        assert method in response.headers["access-control-allow-methods"]

    async def test_any_other_origin(self, client: httpx2.AsyncClient) -> None:
        """It is refused without naming it."""
        for origin in NOT_OURS[:-1]:
            response = await client.options(
                f"{API}/users/me", headers=preflight(origin, "DELETE")
            )
            problem(response, 403, "cross_site_request")
            assert "access-control-allow-origin" not in response.headers
            assert response.headers["vary"].startswith("Origin")

    async def test_other_methods_and_headers(self, client: httpx2.AsyncClient) -> None:
        """TRACE and headers that nobody needs are refused."""
        for asked in (preflight(OURS, "TRACE"), preflight(OURS, headers="x-secret")):
            response = await client.options(f"{API}/users/me", headers=asked)
            problem(response, 403, "cross_site_request")


class TestWithoutOrigins:
    """The default: no page of another origin."""

    @pytest.fixture
    def settings(self, make: MakeSettings) -> Settings:
        """No CORS_ORIGINS."""
        return make()

    async def test_nobody(self, client: httpx2.AsyncClient) -> None:
        """Not even the origin the service itself is at."""
        for origin in (OURS, "http://localhost:8000", "null"):
            response = await client.get("/", headers={"Origin": origin})
            assert "access-control-allow-origin" not in response.headers


class TestWithoutAnOrigin:
    """Answers to what is no page's request."""

    async def test_caches_are_told(self, client: httpx2.AsyncClient) -> None:
        """What a cache keeps of it must not be given to pages of other origins."""
        headers = (await client.get("/health/live")).headers
        assert headers["vary"] == "Origin"
        assert "access-control-allow-origin" not in headers

    async def test_answer_without_headers(self, settings: Settings) -> None:
        """An application may leave them out."""
        sent = list[Message]()

        async def bare(scope: Scope, receive: Receive, send: Send) -> None:
            await send({"type": "http.response.start", "status": 204})

        async def receive() -> Message:
            return {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            sent.append(message)

        cors = Cors(bare, Problems(settings.public_url), [OURS])
        await cors({"type": "http", "method": "GET", "headers": []}, receive, send)
        assert sent[0]["headers"] == [(b"vary", b"Origin")]
