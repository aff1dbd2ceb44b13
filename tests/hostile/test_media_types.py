"""Bodies of a type that the call does not take, or of none."""

import json

import httpx2
import pytest
from starlette.routing import BaseRoute

from app.api import v1
from app.api.routes import JsonRoute
from app.database import Database
from tests.hostile.calls import CALLS, LOGIN, REGISTER, Call
from tests.support.apps import RunningApp
from tests.support.hostile import contents, refused, send
from tests.support.people import API, PASSWORD, Person

ADA = {"email": "ada@example.com", "password": PASSWORD}
NOT_JSON = {
    "text": "text/plain",
    "text-with-charset": "text/plain;charset=UTF-8",
    "form": "application/x-www-form-urlencoded",
    "multipart": "multipart/form-data; boundary=x",
    "xml": "application/xml",
    "json-suffix": "application/problem+json",
    "text-json": "text/json",
    "json-lines": "application/jsonl",
    "two-types": "text/plain, application/json",
    "json-as-parameter": "text/plain; type=application/json",
    "prefix": "application/json5",
    "no-slash": "json",
    "empty": "",
    "space": " ",
    "wildcard": "*/*",
}
JSON = {
    "plain": "application/json",
    "charset": "application/json; charset=utf-8",
    "capitals": "Application/JSON",
    "spaces": " application/json ;  q=1",
}
OAUTH = f"{API}/auth/token"


class TestEveryRoute:
    """The routes of the API."""

    @pytest.mark.parametrize("route", v1.router.routes, ids=lambda route: route.name)
    def test_looks_at_the_type(self, route: BaseRoute) -> None:
        """None was declared without the check."""
        assert isinstance(route, JsonRoute)


class TestJson:
    """Calls that take JSON."""

    @pytest.mark.parametrize("media_type", NOT_JSON.values(), ids=NOT_JSON)
    async def test_good_json_of_another_type(
        self, running: RunningApp, admin: Person, database: Database, media_type: str
    ) -> None:
        """It is refused by every call: web pages may send such a body anywhere."""
        before = await contents(database)
        for call in CALLS:
            content = json.dumps(call.body).encode()
            headers = [
                ("content-type", media_type),
                ("content-length", str(len(content))),
                ("authorization", admin.headers["Authorization"]),
            ]
            response = await send(
                running.app, call.method, call.path, headers, [content]
            )
            refused(response, 415, "unsupported_media_type", PASSWORD, "articles")
        assert await contents(database) == before

    @pytest.mark.parametrize("call", CALLS, ids=lambda call: call.name)
    async def test_no_type(self, running: RunningApp, call: Call) -> None:
        """A body that does not say what it is is refused, chunked or not."""
        content = json.dumps(call.body).encode()
        announced = ("content-length", str(len(content)))
        for length in (announced, ("transfer-encoding", "chunked")):
            response = await send(
                running.app, call.method, call.path, [length], [content]
            )
            refused(response, 415, "unsupported_media_type", PASSWORD)

    @pytest.mark.parametrize("media_type", JSON.values(), ids=JSON)
    async def test_spellings_of_json(
        self, client: httpx2.AsyncClient, media_type: str
    ) -> None:
        """Capitals, spaces and parameters do not matter."""
        response = await client.post(
            REGISTER.path,
            content=json.dumps(ADA),
            headers={"Content-Type": media_type},
        )
        assert response.status_code == 201

    async def test_two_types(self, running: RunningApp) -> None:
        """Of two headers neither is believed if the first is wrong."""
        content = json.dumps(ADA).encode()
        headers = [
            ("content-type", "text/plain"),
            ("content-type", "application/json"),
            ("content-length", str(len(content))),
        ]
        response = await send(running.app, "POST", LOGIN.path, headers, [content])
        refused(response, 415, "unsupported_media_type")

    async def test_length_hidden(self, running: RunningApp) -> None:
        """A body whose length is given as 0 is not read as text."""
        headers = [("content-type", "text/plain"), ("content-length", "00")]
        content = json.dumps(ADA).encode()
        response = await send(running.app, "POST", REGISTER.path, headers, [content])
        refused(response, 415, "unsupported_media_type")

    async def test_where_no_body_is_read(
        self, running: RunningApp, ada: Person
    ) -> None:
        """A token check has no use for a body, and takes none but JSON either."""
        headers = [
            ("authorization", ada.headers["Authorization"]),
            ("content-type", "text/plain"),
            ("content-length", "5"),
        ]
        response = await send(
            running.app, "GET", f"{API}/users/me", headers, [b"hello"]
        )
        refused(response, 415, "unsupported_media_type")


class TestForm:
    """The token endpoint, which takes a form."""

    @pytest.mark.parametrize(
        "media_type", ["application/json", "text/plain", "multipart/form-data", ""]
    )
    async def test_another_type(
        self, client: httpx2.AsyncClient, ada: Person, media_type: str
    ) -> None:
        """It is refused, whatever the body says."""
        response = await client.post(
            OAUTH,
            content=f"grant_type=password&username={ada.email}&password={PASSWORD}",
            headers={"Content-Type": media_type},
        )
        assert response.status_code in (400, 415)
        assert "access_token" not in response.text

    async def test_thousands_of_parameters(self, client: httpx2.AsyncClient) -> None:
        """They are an error of the caller's, not a burden."""
        content = "grant_type=password&" + "a=1&" * 16_000
        response = await client.post(
            OAUTH,
            content=content,
            headers={"Content-Type": "application/x-www-form-urlencoded"},
        )
        assert response.status_code == 400
        assert response.json()["error"] == "invalid_request"

    @pytest.mark.parametrize(
        "content",
        [
            b"",
            b"grant_type",
            b"grant_type=password",
            b"grant_type=password&username=ada%40example.com",
            b"grant_type=password&username=%00&password=x",
            b"grant_type=password&username=%ff%fe&password=%ed%a0%80",
            b"grant_type=refresh_token",
            b"grant_type=refresh_token&refresh_token=%00",
            b"grant_type=refresh_token&refresh_token=" + b"x" * 60_000,
            b"grant_type=password&grant_type=refresh_token",
            b"grant_type=client_credentials",
            b"grant_type=__proto__",
            b"&&&&====%%%%%",
            b"\x00\xff\xfe",
            b'{"grant_type": "password"}',
        ],
        ids=range(15),
    )
    async def test_nonsense(
        self, client: httpx2.AsyncClient, database: Database, content: bytes
    ) -> None:
        """The answer is an OAuth error that repeats nothing."""
        before = await contents(database)
        response = await client.post(
            OAUTH,
            content=content,
            headers={"Content-Type": "application/x-www-form-urlencoded"},
        )
        assert response.status_code == 400
        assert response.json().keys() == {"error", "error_description"}
        assert "xxxxx" not in response.text and "example" not in response.text
        assert await contents(database) == before
