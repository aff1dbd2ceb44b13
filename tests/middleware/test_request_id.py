"""X-Request-ID: on every answer, the caller's if it is well-formed."""

import re

import httpx2
import pytest
from starlette.responses import Response

from app.core.middleware import RequestLog
from tests.support.apps import RunningApp
from tests.support.hostile import send
from tests.support.people import API
from tests.support.problems import problem

LIVE = "/health/live"
NOT_WELL_FORMED = {
    "empty": "",
    "too-short": "1234567",
    "too-long": "x" * 129,
    "space": "with space",
    "new-line": "12345678\n",
    "header-injection": "12345678\r\nX-Injected: yes",
    "markup": "<script>alert(1)</script>",
    "quote": '12345678"',
    "slash": "path/traversal",
    "not-ascii": "zwölf-zeichen",
    "arabic-digits": "١٢٣٤٥٦٧٨",
    "nul": "1234\x005678",
    "format": "%s%s%s%s%s",
}


class TestRequestId:
    """The id that ties an answer to its lines in the log."""

    @pytest.mark.parametrize(
        "path", [LIVE, "/", "/nowhere", "/docs", f"{API}/users/me", "/assets/nothing"]
    )
    async def test_on_every_answer(self, client: httpx2.AsyncClient, path: str) -> None:
        """Every answer has one, 32 hexadecimal digits if the caller gave none."""
        response = await client.get(path)
        assert re.fullmatch("[0-9a-f]{32}", response.headers["x-request-id"])

    async def test_differs(self, client: httpx2.AsyncClient) -> None:
        """No two requests share one."""
        ids = {(await client.get(LIVE)).headers["x-request-id"] for _ in range(20)}
        assert len(ids) == 20

    @pytest.mark.parametrize(
        "given", ["12345678", "x" * 128, "01890a5d-ac96-774b.b302_099A"]
    )
    async def test_well_formed_is_kept(
        self, client: httpx2.AsyncClient, given: str
    ) -> None:
        """The answer and its problem carry the caller's id."""
        response = await client.get("/nowhere", headers={"X-Request-ID": given})
        assert problem(response, 404, "not_found")["request_id"] == given

    async def test_wins(self) -> None:
        """An answer that was fetched elsewhere does not carry two."""
        fetched = Response(headers={"X-Request-ID": "of-somebody-else"})
        transport = httpx2.ASGITransport(RequestLog(fetched, proxies=()))
        async with httpx2.AsyncClient(
            transport=transport, base_url="http://testserver"
        ) as client:
            for given in ("request-1", "request-2"):
                answer = await client.get("/", headers={"X-Request-ID": given})
                assert answer.headers.get_list("x-request-id") == [given]

    @pytest.mark.parametrize("given", NOT_WELL_FORMED.values(), ids=NOT_WELL_FORMED)
    async def test_anything_else_is_replaced(
        self, running: RunningApp, given: str
    ) -> None:
        """What does not fit into a log line or a header gets another."""
        response = await send(running.app, "GET", LIVE, [("x-request-id", given)])
        assert re.fullmatch("[0-9a-f]{32}", response.headers["x-request-id"])
        assert "x-injected" not in response.headers

    async def test_of_two_the_first_counts(self, running: RunningApp) -> None:
        """Two headers are not joined into a third id."""
        headers = [("x-request-id", "first-id-1"), ("x-request-id", "second-id-2")]
        response = await send(running.app, "GET", LIVE, headers)
        assert response.headers["x-request-id"] == "first-id-1"
