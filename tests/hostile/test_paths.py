"""Paths, methods, ids, queries and cursors that lead nowhere."""

from uuid import UUID, uuid4

import httpx2
import pytest

from app.database import Database
from app.schemas.pages import write_cursor
from tests.support.apps import RunningApp
from tests.support.hostile import contents, refused, send
from tests.support.people import API, Person, register
from tests.support.problems import fields

ME = f"{API}/users/me"
NOWHERE = {
    "double-slash": "//",
    "double-slash-first": f"/{ME}",
    "double-slash-inside": f"{API}//users/me",
    "trailing-slash": f"{ME}/",
    "trailing-slash-of-a-list": f"{API}/users/",
    "dot-segment": f"{API}/./users/me",
    "dot-dot-segment": f"{API}/users/../users/me",
    "encoded-dot-dot": f"{API}/users/%2e%2e/users/me",
    "encoded-slash": f"{API}/users%2fsessions%2fme",
    "encoded-back-slash": f"{API}/users%5cme",
    "encoded-nul": f"{API}/auth/login%00",
    "encoded-new-line": f"{API}/auth/login%0d%0aX-Injected:%20yes",
    "encoded-space": f"{API}/auth/login%20",
    "not-utf-8": f"{API}/%ff%fe",
    "overlong-slash": f"{API}%c0%afusers",
    "broken-escape": f"{API}/%zz%",
    "twice-encoded": f"{API}/%252e%252e/users",
    "semicolon": f"{API}/auth/login;x=1",
    "capitals": f"{API}/Users/Me",
    "other-version": "/api/v2/users/me",
    "empty-segment-id": f"{API}/users//sessions",
    "assets-escape": "/assets/../../../../etc/passwd",
    "assets-encoded-escape": "/assets/%2e%2e%2f%2e%2e%2fetc/passwd",
    "assets-nul": "/assets/%00",
    "assets-absolute": "/assets//etc/passwd",
    "very-long": f"{API}/" + "a" * 60_000,
    "very-deep": "/a" * 20_000,
}
NOT_IDS = {
    "word": "nobody",
    "number": "1",
    "negative": "-1",
    "short": "01890a5d-ac96-774b-bcce",
    "not-hexadecimal": "01890a5d-ac96-774b-bcce-b302099a805g",
    "sql": "1'%20OR%20'1'='1",
    "nul": "01890a5d-ac96-774b-bcce-b302099a8057%00",
    "new-line": "01890a5d-ac96-774b-bcce-b302099a8057%0a",
    "arabic-digits": "%D9%A1" * 32,
    "long": "9" * 20_000,
    "dots": "..%2f..",
}
NOT_CURSORS = {
    "empty": "",
    "word": "next",
    "a-number": "2",
    "an-id": "01890a5d-ac96-774b-bcce-b302099a8057",
    "padded": "AAAAAAAAAAAAAAAAAAAAAA==",
    "another-spelling": "AAAAAAAAAAAAAAAAAAAAAB",
    "too-short": "AAAAAAAAAAAAAAAAAAAAA",
    "too-long": "AAAAAAAAAAAAAAAAAAAAAAAA",
    "plus-and-slash": "++++//////////////////A",
    "nul": "AAAAAAAAAAAAAAAAAAAAA\x00",
    "not-ascii": "ÀAAAAAAAAAAAAAAAAAAAAA",
    "huge": "A" * 50_000,
}


class TestPath:
    """Paths beside the ones there are."""

    @pytest.mark.parametrize("path", NOWHERE.values(), ids=NOWHERE)
    async def test_is_not_found(
        self, running: RunningApp, ada: Person, path: str
    ) -> None:
        """The answer is 404, even to who may see the path meant; no redirect."""
        signed = ("authorization", ada.headers["Authorization"])
        response = await send(running.app, "GET", path, [signed])
        refused(response, 404, "not_found", path)
        assert "location" not in response.headers
        assert "x-injected" not in response.headers

    async def test_of_a_proxy_request(self, running: RunningApp) -> None:
        """A whole URL as the path is nothing of ours."""
        target = "http://evil.example/api/v1/users/me"
        response = await send(running.app, "GET", target)
        refused(response, 404, "not_found", "evil.example")

    async def test_error_page_of_an_unknown_code(self, running: RunningApp) -> None:
        """Text in the path of an error page is not shown on any page."""
        target = "/errors/%3Cscript%3Ealert(1)%3C/script%3E"
        for path in (target, "/errors/nobody_knows_this"):
            response = await send(running.app, "GET", path)
            refused(response, 404, "not_found", "script", "nobody_knows")


class TestMethod:
    """Methods that a path does not take."""

    @pytest.mark.parametrize(
        ("path", "allowed"),
        [
            (ME, "DELETE, GET, PATCH"),
            (f"{API}/users", "GET, POST"),
            (f"{API}/users/{uuid4()}", "DELETE, GET, PATCH"),
            (f"{API}/roles/editor", "DELETE, PUT"),
            (f"{API}/auth/login", "POST"),
            (f"{API}/auth/token", "POST"),
            ("/health/live", "GET"),
            ("/assets/swagger-ui.css", "GET, HEAD"),
        ],
        ids=lambda value: str(value)[-20:],
    )
    async def test_is_refused(
        self, running: RunningApp, path: str, allowed: str
    ) -> None:
        """The answer is 405, and `Allow` lists every method of the path."""
        for method in ("TRACE", "CONNECT", "PROPFIND", "OPTIONS", "x"):
            response = await send(running.app, method, path)
            refused(response, 405, "method_not_allowed")
            assert response.headers["allow"] == allowed

    @pytest.mark.parametrize(
        ("method", "path"),
        [
            ("GET", f"{API}/auth/login"),
            ("GET", f"{API}/auth/logout"),
            ("PUT", ME),
            ("POST", f"{API}/users/{uuid4()}"),
            ("DELETE", f"{API}/users"),
            ("POST", "/.well-known/jwks.json"),
            ("POST", "/openapi.json"),
        ],
        ids=lambda value: str(value)[-20:],
    )
    async def test_wrong_one(self, running: RunningApp, method: str, path: str) -> None:
        """A method of other paths is refused here, before anybody asks who calls."""
        response = await send(running.app, method, path)
        refused(response, 405, "method_not_allowed")

    @pytest.mark.parametrize("header", ["x-http-method-override", "x-method-override"])
    async def test_is_not_overridden(
        self, running: RunningApp, ada: Person, database: Database, header: str
    ) -> None:
        """No header turns a GET into a DELETE."""
        before = await contents(database)
        headers = [(header, "DELETE"), ("authorization", ada.headers["Authorization"])]
        response = await send(running.app, "GET", f"{ME}?_method=DELETE", headers)
        assert response.status_code == 200
        assert await contents(database) == before

    @pytest.mark.parametrize("path", ["/health/live", "/", ME, "/nowhere", "/docs"])
    async def test_head(self, client: httpx2.AsyncClient, path: str) -> None:
        """HEAD gets a status and no body, never a crash."""
        response = await client.head(path)
        assert response.status_code in (200, 401, 404, 405)
        assert not response.content

    async def test_options_without_origin(self, client: httpx2.AsyncClient) -> None:
        """OPTIONS that is no preflight is a method like any other."""
        response = await client.options(ME)
        refused(response, 405, "method_not_allowed")


class TestIds:
    """Ids that are none."""

    @pytest.mark.parametrize("text", NOT_IDS.values(), ids=NOT_IDS)
    async def test_are_refused(
        self, running: RunningApp, admin: Person, database: Database, text: str
    ) -> None:
        """Every call with an id in its path refuses them: 422, or 404 for a path."""
        before = await contents(database)
        signed = ("authorization", admin.headers["Authorization"])
        for method, path in (
            ("GET", f"{API}/users/{text}"),
            ("PATCH", f"{API}/users/{text}"),
            ("DELETE", f"{API}/users/{text}"),
            ("PUT", f"{API}/users/{text}/roles"),
            ("GET", f"{API}/users/{text}/sessions"),
            ("POST", f"{API}/users/{text}/logout"),
            ("DELETE", f"{ME}/sessions/{text}"),
        ):
            response = await send(running.app, method, path, [signed])
            if response.status_code == 404:
                assert "%2f" in path
                refused(response, 404, "not_found", text)
            elif response.status_code == 405:
                assert "%2f" in path
            else:
                refused(response, 422, "validation_failed", text)
        assert await contents(database) == before

    @pytest.mark.parametrize("form", ["{}", "urn:uuid:{}", "{{{}}}"])
    async def test_of_somebody_unknown(
        self, client: httpx2.AsyncClient, admin: Person, form: str
    ) -> None:
        """A well-formed id that nobody has is 404, however it is spelt."""
        path = f"{API}/users/{form.format(uuid4())}"
        response = await client.get(path, headers=admin.headers)
        refused(response, 404, "user_not_found")

    @pytest.mark.parametrize("text", ["a%00b", "%ed%a0%80", "%27--", "a" * 20_000])
    @pytest.mark.parametrize("method", ["PUT", "DELETE"])
    async def test_role_names(
        self, running: RunningApp, admin: Person, method: str, text: str
    ) -> None:
        """A name that no role can have is no role's."""
        headers = [
            ("authorization", admin.headers["Authorization"]),
            ("content-type", "application/json"),
        ]
        body = [b'{"permissions": []}'] if method == "PUT" else []
        path = f"{API}/roles/{text}"
        response = await send(running.app, method, path, headers, body)
        assert response.status_code in (404, 422)
        codes = {404: "role_not_found", 422: "validation_failed"}
        refused(response, response.status_code, codes[response.status_code], text)


class TestCursor:
    """Cursors that we did not write."""

    @pytest.mark.parametrize("cursor", NOT_CURSORS.values(), ids=NOT_CURSORS)
    async def test_is_refused(
        self, client: httpx2.AsyncClient, admin: Person, cursor: str
    ) -> None:
        """The answer is 422 and names the parameter."""
        for path in (f"{API}/users", f"{ME}/sessions"):
            response = await client.get(
                path, params={"cursor": cursor}, headers=admin.headers
            )
            refused(response, 422, "validation_failed", cursor)
            assert fields(response) == ["query.cursor"]

    async def test_forged(self, client: httpx2.AsyncClient, ada: Person) -> None:
        """One of any id shows no more than the caller may see: Ada's own sessions."""
        bob = await register(client, "bob@example.com")
        assert bob.id
        cursor = write_cursor(UUID(int=2**128 - 1))
        response = await client.get(
            f"{ME}/sessions", params={"cursor": cursor}, headers=ada.headers
        )
        assert [session["id"] for session in response.json()["items"]] == [
            ada.session_id
        ]

    async def test_given_twice(self, client: httpx2.AsyncClient, admin: Person) -> None:
        """Of two values one counts; neither crashes anything."""
        path = f"{API}/users?limit=1&limit=0&cursor=x&cursor=y"
        response = await client.get(path, headers=admin.headers)
        assert set(fields(response)) == {"query.limit", "query.cursor"}


class TestQuery:
    """Queries that are long or broken."""

    @pytest.mark.parametrize(
        "query",
        ["q=" + "a" * 60_000, "limit=" + "9" * 5000, "&".join(["x=1"] * 9000), "%%%&&=",
         "limit=1e2", "limit=0", "limit=201", "limit=-1", "limit=%00", "status=root",
         "q=%00", "role=%00", "q="],
    )  # fmt: skip
    async def test_gets_a_page_or_422(
        self, running: RunningApp, admin: Person, query: str
    ) -> None:
        """Unknown parameters are ignored; wrong values of known ones are named."""
        signed = ("authorization", admin.headers["Authorization"])
        response = await send(running.app, "GET", f"{API}/users?{query}", [signed])
        if query.startswith(("x=", "%%")):
            assert response.status_code == 200
        else:
            refused(response, 422, "validation_failed", query)
