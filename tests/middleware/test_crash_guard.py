"""What callers and operators learn of a crash."""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import httpx2
import pytest
from sqlalchemy import event
from sqlalchemy.orm import Session
from starlette.types import Message, Receive, Scope, Send

from app.core.config import Settings
from app.core.exceptions import HostNotAllowedError
from app.core.middleware import CrashGuard, RequestLog
from app.core.problems import Problems
from app.database import Database
from tests.conftest import MakeSettings
from tests.support.apps import RunningApp, browse
from tests.support.crashes import CRASHES, SECRET, add_crashes
from tests.support.hostile import contents, refused
from tests.support.logs import Log, written_log
from tests.support.people import API, PASSWORD, Person
from tests.support.problems import problem

OURS = "https://app.example.com"


@pytest.fixture
def settings(make: MakeSettings) -> Settings:
    """One other origin may read answers."""
    return make(cors_origins=(OURS,))


@pytest.fixture
async def crashing(running: RunningApp) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of an app in which some paths crash."""
    add_crashes(running.app)
    async with browse(running.app) as client:
        yield client


@pytest.fixture
def log(settings: Settings) -> Iterator[Log]:
    """What the app logs during the test."""
    with written_log(settings) as log:
        yield log


@contextmanager
def failing_commits() -> Iterator[None]:
    """Have every commit of the process fail as if the disk were full."""

    def fail(_: object) -> None:
        raise OSError(28, f"No space left on device: {SECRET}")

    event.listen(Session, "before_commit", fail)
    try:
        yield
    finally:
        event.remove(Session, "before_commit", fail)


class TestCrash:
    """An exception that nobody expected."""

    @pytest.mark.parametrize("path", CRASHES)
    async def test_is_a_problem(self, crashing: httpx2.AsyncClient, path: str) -> None:
        """500 with the request's id, readable for pages, no word of the cause."""
        given = {"Origin": OURS, "X-Request-ID": "the-crash-of-today"}
        response = await crashing.get(path, headers=given)
        body = refused(response, 500, "internal_error", SECRET, "RuntimeError", "File")
        assert body["request_id"] == "the-crash-of-today"
        assert response.headers["x-request-id"] == "the-crash-of-today"
        assert response.headers["access-control-allow-origin"] == OURS
        assert response.headers["cache-control"] == "no-store"

    @pytest.mark.parametrize("path", CRASHES)
    async def test_is_logged_with_its_traceback(
        self, crashing: httpx2.AsyncClient, log: Log, path: str
    ) -> None:
        """The log has the cause, once, under the request's id."""
        await crashing.get(path, headers={"X-Request-ID": "the-crash-of-today"})
        (line,) = log.lines("request.crashed")
        assert line["level"] == "error"
        assert line["request_id"] == "the-crash-of-today"
        assert line["exception"].startswith("Traceback (most recent call last)")
        (answered,) = log.lines("request.answered")
        assert answered["status"] == 500

    async def test_next_request_is_served(self, crashing: httpx2.AsyncClient) -> None:
        """A crash ends one request."""
        await crashing.get("/crash/endpoint")
        assert (await crashing.get("/health/ready")).json()["status"] == "ready"

    async def test_unexpected_status_is_one_too(
        self, crashing: httpx2.AsyncClient, log: Log
    ) -> None:
        """A status that has no error of ours is not passed on with its text."""
        response = await crashing.get("/crash/teapot")
        refused(response, 500, "internal_error", SECRET)
        (line,) = log.lines("request.unexpected_status")
        assert (line["level"], line["status"]) == ("error", 418)

    async def test_own_error_is_no_crash(
        self, crashing: httpx2.AsyncClient, log: Log
    ) -> None:
        """An error of ours is answered as it is, without a traceback."""
        problem(await crashing.get("/crash/own"), 500, "internal_error")
        assert log.lines("request.crashed") == []

    async def test_half_way_breaks_off(
        self, crashing: httpx2.AsyncClient, log: Log
    ) -> None:
        """Where an answer has begun it is broken off, not continued as another."""
        with pytest.raises(RuntimeError, match=SECRET):
            await crashing.get("/crash/half-way")
        (answered,) = log.lines("request.answered")
        assert answered["status"] == 200


class TestFailingCommit:
    """A change that can't be saved."""

    async def test_is_not_acknowledged(
        self, client: httpx2.AsyncClient, database: Database
    ) -> None:
        """Whoever signs up meanwhile gets a 5xx, and there is no account."""
        before = await contents(database)
        body = {"email": "ada@example.com", "password": PASSWORD}
        with failing_commits():
            response = await client.post(f"{API}/auth/register", json=body)
        refused(response, 503, "database_unavailable", SECRET, "ada@example.com")
        assert int(response.headers["retry-after"]) >= 1
        assert await contents(database) == before

    async def test_nobody_is_signed_out(
        self,
        ada: Person,
        client: httpx2.AsyncClient,
        database: Database,
    ) -> None:
        """A refresh that can't be saved changes nothing; the token is good later."""
        before = await contents(database)
        body = {"refresh_token": ada.refresh_token}
        with failing_commits():
            response = await client.post(f"{API}/auth/refresh", json=body)
        refused(response, 503, "database_unavailable", ada.refresh_token)
        assert await contents(database) == before
        again = await client.post(f"{API}/auth/refresh", json=body)
        assert again.status_code == 200


class TestState:
    """What a lifespan or an endpoint keeps in the request's state."""

    async def test_is_not_taken_for_an_answer(self) -> None:
        """A status of somebody else's does not let a refusal pass."""
        sent = list[Message]()

        async def refusing(scope: Scope, receive: Receive, send: Send) -> None:
            raise HostNotAllowedError

        async def receive() -> Message:
            return {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            sent.append(message)

        guarded = CrashGuard(refusing, Problems("http://localhost"))
        scope = {
            "type": "http",
            "method": "GET",
            "headers": [],
            "state": {"status": "ok"},
        }
        await RequestLog(guarded, proxies=())(scope, receive, send)
        assert sent[0]["status"] == HostNotAllowedError.http_status
