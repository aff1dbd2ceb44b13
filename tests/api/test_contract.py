"""What holds for every answer: one shape of errors, exact fields, times, ids."""

import re
from collections.abc import Iterator
from uuid import UUID

import httpx2
import pytest
from fastapi.routing import iter_route_contexts

from app.core.config import Settings
from app.core.exceptions import AppError, all_errors
from app.services.composing import LINK_PATHS
from tests.api.provocations import MARKED, PROVOCATIONS, Provocation, Stage
from tests.conftest import MakeSettings
from tests.support.apps import RunningApp
from tests.support.clock import FakeClock
from tests.support.people import API, PASSWORD, Person
from tests.support.problems import problem
from tests.unit.core.test_exceptions import CONTRACT

ERRORS: dict[str, type[AppError]] = {error.code: error for error in all_errors()}


class TestErrors:
    """Every error, produced over HTTP."""

    @pytest.fixture(params=list(PROVOCATIONS.items()), ids=list(PROVOCATIONS))
    def entry(self, request: pytest.FixtureRequest) -> tuple[str, Provocation]:
        """A code, and how to bring it about."""
        entry: tuple[str, Provocation] = request.param
        return entry

    @pytest.fixture
    def settings(self, make: MakeSettings, entry: tuple[str, Provocation]) -> Settings:
        """The settings under which it comes about."""
        return make(**entry[1].changes)

    async def test_one_shape(
        self,
        running: RunningApp,
        client: httpx2.AsyncClient,
        clock: FakeClock,
        admin: Person,
        entry: tuple[str, Provocation],
    ) -> None:
        """Status, members and headers are those of the contract; nothing is echoed."""
        code, provocation = entry
        response = await provocation.act(Stage(running, client, clock, admin))
        body = problem(response, CONTRACT[code], code)
        expected = {"type", "title", "status", "code", "request_id"}
        expected |= {"validation_failed": {"errors"}}.get(code, set())
        expected |= {"session_ended": {"reason"}}.get(code, set())
        expected |= {"password_too_short": {"detail"}}.get(code, set())
        assert body.keys() == expected
        assert body["type"] == f"http://localhost:8000/errors/{code}"
        assert body["title"] == ERRORS[code].title
        assert re.fullmatch("[0-9a-f]{32}", body["request_id"])
        assert MARKED not in response.text
        assert "e4c4o" not in response.text
        assert response.headers["cache-control"] == "no-store"
        self.check_headers(response)
        assert (await client.get(f"/errors/{code}")).status_code == 200

    def check_headers(self, response: httpx2.Response) -> None:
        """Refuse an answer without the headers that belong to its status."""
        headers, status = response.headers, response.status_code
        assert (headers.get("www-authenticate") == "Bearer") == (status == 401)
        assert ("retry-after" in headers) == (status in (429, 503))
        assert int(headers.get("retry-after", "1")) >= 1
        assert ("allow" in headers) == (status == 405)


ON_THE_WIRE = {"malformed_request", "request_timeout", "head_too_large"}
"""What is answered to bytes that are no request; tests/serving produces them."""


class TestCodes:
    """The table of errors."""

    def test_every_code_is_provoked(self) -> None:
        """No error stands in the code that no test produces."""
        assert PROVOCATIONS.keys() == ERRORS.keys() - ON_THE_WIRE


PUBLIC = {
    "GET /",
    "GET /dev/mail",
    "GET /dev/mail.json",
    "GET /dev/mail/{message_id}",
    *(f"{method} {path}" for method in ("GET", "POST") for path in LINK_PATHS.values()),
    "GET /links/{rest:path}",
    "GET /.well-known/jwks.json",
    "GET /docs",
    "GET /errors",
    "GET /errors/{code}",
    "GET /health/live",
    "GET /health/ready",
    "GET /openapi.json",
    "GET /redoc",
    "POST /api/v1/auth/deletion/undo",
    "POST /api/v1/auth/email/change",
    "POST /api/v1/auth/email/resend",
    "POST /api/v1/auth/email/undo",
    "POST /api/v1/auth/email/verify",
    "POST /api/v1/auth/invite/accept",
    "POST /api/v1/auth/login",
    "POST /api/v1/auth/logout-others",
    "POST /api/v1/auth/magic",
    "POST /api/v1/auth/magic/verify",
    "POST /api/v1/auth/password/forgot",
    "POST /api/v1/auth/password/reset",
    "POST /api/v1/auth/refresh",
    "POST /api/v1/auth/register",
    "POST /api/v1/auth/token",
}
"""What anybody may call; /assets, the scripts of the documentation, besides."""


def calls(running: RunningApp) -> Iterator[str]:
    """Name every call there is."""
    for route in iter_route_contexts(running.app.routes):
        for method in route.methods or ["ANY"]:
            if method != "HEAD":
                yield f"{method} {route.path}"


class TestCallers:
    """Who may call what."""

    async def test_every_call_needs_a_caller_or_is_public(
        self, running: RunningApp, client: httpx2.AsyncClient
    ) -> None:
        """Without a token every call is refused but those on the list."""
        everything = set(calls(running))
        assert PUBLIC < everything
        for call in everything - PUBLIC - {"ANY /assets"}:
            method, path = call.split()
            path = re.sub(r"{\w+}", str(UUID(int=7)), path)
            problem(await client.request(method, path), 401, "not_authenticated")

    async def test_list_is_not_too_long(
        self, running: RunningApp, client: httpx2.AsyncClient
    ) -> None:
        """What is on the list does not ask for a caller in the document either."""
        for path, operations in running.app.openapi()["paths"].items():
            for method, operation in operations.items():
                public = f"{method.upper()} {path}" in PUBLIC
                assert ("security" in operation) != public


class TestRequestId:
    """X-Request-ID."""

    @pytest.mark.parametrize("path", ["/health/live", "/errors", "/nothing"])
    async def test_is_on_every_answer(
        self, client: httpx2.AsyncClient, path: str
    ) -> None:
        """Each answer has one, and no two the same."""
        first, second = await client.get(path), await client.get(path)
        assert re.fullmatch("[0-9a-f]{32}", first.headers["x-request-id"])
        assert first.headers["x-request-id"] != second.headers["x-request-id"]

    @pytest.mark.parametrize(
        "given",
        ["a" * 8, "A-Z_a.z-09" * 12, "0af7651916cd43dd8448eb211c80319c"],
        ids=["8 characters", "120 characters", "trace id"],
    )
    async def test_well_formed_is_kept(
        self, client: httpx2.AsyncClient, given: str
    ) -> None:
        """The caller's own is in header and problem."""
        response = await client.get("/nothing", headers={"X-Request-ID": given})
        assert problem(response, 404, "not_found")["request_id"] == given

    @pytest.mark.parametrize(
        "given",
        ["", "short", "a" * 129, "with a blank", 'quote"quote', "line\\nline", "é" * 8],
        ids=["empty", "short", "long", "blank", "quote", "backslash", "not ASCII"],
    )
    async def test_malformed_is_replaced(
        self, client: httpx2.AsyncClient, given: str
    ) -> None:
        """What could do harm in a log is not taken over."""
        headers = {b"X-Request-ID": given.encode("latin-1")}
        response = await client.get("/nothing", headers=headers)
        body = problem(response, 404, "not_found")
        assert re.fullmatch("[0-9a-f]{32}", body["request_id"])


class TestMethods:
    """Paths and methods that are not in the table."""

    async def test_allow(self, client: httpx2.AsyncClient) -> None:
        """A wrong method learns the right ones."""
        response = await client.put(f"{API}/auth/login", json={})
        problem(response, 405, "method_not_allowed")
        assert response.headers["allow"] == "POST"

    @pytest.mark.parametrize(
        "path",
        [f"{API}/users/me/", f"/{API}/users/me", "//", f"{API}", "/api/v2/users"],
    )
    async def test_other_spelling(
        self, client: httpx2.AsyncClient, ada: Person, path: str
    ) -> None:
        """No path is corrected or redirected."""
        response = await client.get(f"http://localhost:8000{path}", headers=ada.headers)
        problem(response, 404, "not_found")

    @pytest.mark.parametrize("path", ["/auth/login", "/auth/register"])
    async def test_not_json(self, client: httpx2.AsyncClient, path: str) -> None:
        """What is not JSON is said to be so, and not repeated."""
        response = await client.post(
            f"{API}{path}",
            content=f'{{"password": "{PASSWORD}"',
            headers={"Content-Type": "application/json"},
        )
        body = problem(response, 422, "validation_failed")
        assert body["errors"] == [
            {"field": "body", "reason": "The body is not valid JSON."}
        ]
        assert PASSWORD not in response.text
