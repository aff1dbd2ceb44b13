"""One JSON line per request."""

from collections.abc import Iterator

import httpx2
import pytest

from app.core.config import Settings
from tests.support.apps import RunningApp, browse
from tests.support.crashes import add_crashes
from tests.support.logs import Log, written_log
from tests.support.people import API, PASSWORD, Person

EVENT = "request.answered"


@pytest.fixture
def log(settings: Settings) -> Iterator[Log]:
    """What the app logs during the test."""
    with written_log(settings) as log:
        yield log


class TestAccessLog:
    """What the line of a request says."""

    async def test_line(
        self, ada: Person, client: httpx2.AsyncClient, log: Log
    ) -> None:
        """Method, template, status, duration, ids, client: these and no others."""
        headers = {**ada.headers, "X-Request-ID": "request-of-ada"}
        await client.get(f"{API}/users/me?secret=hunter2", headers=headers)
        (line,) = log.lines(EVENT)
        assert line.pop("duration_ms") >= 0
        assert line.pop("time").endswith("Z")
        assert line == {
            "level": "info",
            "event": EVENT,
            "logger": "app.core.middleware",
            "request_id": "request-of-ada",
            "method": "GET",
            "route": f"{API}/users/me",
            "status": 200,
            "client": "192.0.2.1",
            "user_id": ada.id,
            "session_id": ada.session_id,
        }

    @pytest.mark.parametrize(
        ("method", "path", "route", "status"),
        [
            ("GET", "/health/live", "/health/live", 200),
            ("GET", f"{API}/users/nobody", f"{API}/users/{{user_id}}", 401),
            ("PUT", f"{API}/roles/secret", f"{API}/roles/{{name}}", 401),
            ("GET", "/errors/busy", "/errors/{code}", 200),
            ("DELETE", "/health/live", "/health/live", 405),
            ("GET", "/nowhere/at/all", None, 404),
            ("GET", "/assets/no.js", None, 404),
            ("OPTIONS", f"{API}/users", f"{API}/users", 405),
        ],
    )
    async def test_route_is_the_template(
        self,
        client: httpx2.AsyncClient,
        log: Log,
        method: str,
        path: str,
        route: str | None,
        status: int,
    ) -> None:
        """The path itself is the caller's text and stays out of the log."""
        await client.request(method, path)
        (line,) = log.lines(EVENT)
        assert (line["method"], line["route"]) == (method, route)
        assert line["status"] == status
        assert "nobody" not in log.text and "nowhere" not in log.text

    async def test_one_line_whatever_happens(
        self, running: RunningApp, log: Log
    ) -> None:
        """Refused by middleware, unreadable or crashed: each request has its line."""
        add_crashes(running.app)
        async with browse(running.app) as client:
            await client.get("/", headers={"Host": "evil.example"})
            await client.post(f"{API}/auth/login", content=b"x" * 70_000)
            await client.post(f"{API}/auth/login", content=b"{")
            await client.get("/crash/endpoint")
            origin = {"Origin": "null", "Cookie": "cardea_access=x"}
            await client.post(f"{API}/auth/logout", headers=origin)
        statuses = [line["status"] for line in log.lines(EVENT)]
        assert statuses == [421, 413, 415, 500, 403]

    async def test_ids_of_the_signed_in_only(
        self, ada: Person, client: httpx2.AsyncClient, log: Log
    ) -> None:
        """A forged token names nobody, and no request inherits another's caller."""
        await client.get(f"{API}/users/me", headers=ada.headers)
        await client.get(f"{API}/users/me", headers={"Authorization": "Bearer x"})
        await client.get("/health/live")
        first, *others = log.lines(EVENT)
        assert first["user_id"] == ada.id
        assert all("user_id" not in line for line in others)
        assert all("session_id" not in line for line in others)

    async def test_request_id_on_every_line(
        self, client: httpx2.AsyncClient, log: Log
    ) -> None:
        """What a request causes to be logged carries its id, and only its."""
        body = {"email": "ada@example.com", "password": PASSWORD}
        for number in (1, 2):
            given = {"X-Request-ID": f"request-{number}"}
            await client.post(f"{API}/auth/login", json=body, headers=given)
        lines = [(line["event"], line["request_id"]) for line in log.lines()]
        assert lines == [
            ("auth.sign_in_failed", "request-1"),
            (EVENT, "request-1"),
            ("auth.sign_in_failed", "request-2"),
            (EVENT, "request-2"),
        ]

    async def test_new_lines_make_no_new_line(
        self, running: RunningApp, log: Log
    ) -> None:
        """Text of the caller can't forge a line of its own."""
        async with browse(running.app) as client:
            await client.get("/a%0d%0a%7b%22event%22:%22forged%22%7d")
        assert [line["event"] for line in log.lines()] == [EVENT]
