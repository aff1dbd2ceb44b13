"""POST /api/v1/auth/logout and /api/v1/auth/logout-all."""

import httpx2
import pytest

from tests.support.clock import FakeClock
from tests.support.people import API, PASSWORD, Person, register, sign_in
from tests.support.problems import fields, problem, reason

LOGOUT = f"{API}/auth/logout"
LOGOUT_ALL = f"{API}/auth/logout-all"
LOGIN = f"{API}/auth/login"
REFRESH = f"{API}/auth/refresh"
ME = f"{API}/users/me"
COOKIE = {"email": "ada@example.com", "password": PASSWORD, "transport": "cookie"}


async def open_browser(client: httpx2.AsyncClient) -> str:
    """Sign ada in with cookies; return her session."""
    await register(client, "ada@example.com")
    response = await client.post(LOGIN, json=COOKIE)
    return str(response.json()["session_id"])


async def reasons(client: httpx2.AsyncClient, person: Person) -> dict[str, str | None]:
    """Return why each session of somebody has ended."""
    client.cookies.clear()
    listed = await client.get(f"{ME}/sessions?ended=true", headers=person.headers)
    return {one["id"]: one["end_reason"] for one in listed.json()["items"]}


def cleared(response: httpx2.Response) -> set[str]:
    """Return the cookies that an answer has the browser forget."""
    headers = response.headers.get_list("set-cookie")
    return {header.partition("=")[0] for header in headers if "Max-Age=0" in header}


class TestBearer:
    """A program signs out."""

    async def test_ends_the_session(
        self, client: httpx2.AsyncClient, ada: Person
    ) -> None:
        """Neither token of the session works from then on."""
        response = await client.post(LOGOUT, headers=ada.headers)
        assert (response.status_code, response.content) == (204, b"")
        assert reason(await client.get(ME, headers=ada.headers)) == "signed_out"
        body = {"refresh_token": ada.refresh_token}
        assert reason(await client.post(REFRESH, json=body)) == "signed_out"

    async def test_ends_no_other(self, client: httpx2.AsyncClient, ada: Person) -> None:
        """Other sessions of the user go on."""
        other = await sign_in(client, ada)
        await client.post(LOGOUT, headers=ada.headers)
        assert (await client.get(ME, headers=other.headers)).status_code == 200

    async def test_twice(self, client: httpx2.AsyncClient, ada: Person) -> None:
        """Signing out again is no error."""
        for _ in range(2):
            response = await client.post(LOGOUT, headers=ada.headers)
            assert response.status_code == 204

    async def test_first_reason_stays(
        self, client: httpx2.AsyncClient, ada: Person, admin: Person
    ) -> None:
        """Signing out of what an admin has ended does not change the reason."""
        await client.post(f"{API}/users/{ada.id}/logout", headers=admin.headers)
        response = await client.post(LOGOUT, headers=ada.headers)
        assert response.status_code == 204
        assert reason(await client.get(ME, headers=ada.headers)) == "ended_by_admin"

    async def test_deleted_user(
        self, client: httpx2.AsyncClient, ada: Person, admin: Person
    ) -> None:
        """A session that is gone altogether is signed out of, too."""
        await client.delete(f"{API}/users/{ada.id}", headers=admin.headers)
        response = await client.post(LOGOUT, headers=ada.headers)
        assert response.status_code == 204

    async def test_bearer_goes_before_cookie(
        self, client: httpx2.AsyncClient, bob: Person
    ) -> None:
        """The header says which session ends; the browser's goes on."""
        await open_browser(client)
        response = await client.post(LOGOUT, headers=bob.headers)
        assert cleared(response) == set()
        assert (await client.get(ME)).json()["email"] == "ada@example.com"
        assert reason(await client.get(ME, headers=bob.headers)) == "signed_out"

    async def test_expired(
        self, client: httpx2.AsyncClient, ada: Person, clock: FakeClock
    ) -> None:
        """A token whose time is over ends nothing, and says so."""
        clock.tick(minutes=10)
        problem(await client.post(LOGOUT, headers=ada.headers), 401, "token_expired")
        body = {"refresh_token": ada.refresh_token}
        assert (await client.post(REFRESH, json=body)).status_code == 200

    @pytest.mark.parametrize("value", ["Bearer garbage", "Basic YTpi", "Bearer"])
    async def test_bad_header(self, client: httpx2.AsyncClient, value: str) -> None:
        """A bad header is an error."""
        response = await client.post(LOGOUT, headers={"Authorization": value})
        problem(response, 401, "invalid_token")

    async def test_nobody(self, client: httpx2.AsyncClient) -> None:
        """Without token and cookie there is nobody to sign out."""
        problem(await client.post(LOGOUT), 401, "not_authenticated")


class TestCookies:
    """A browser signs out."""

    async def test_clears_both_cookies(
        self, client: httpx2.AsyncClient, bob: Person
    ) -> None:
        """Both tokens are forgotten, the device is not, and the session has ended."""
        session = await open_browser(client)
        response = await client.post(LOGOUT)
        assert response.status_code == 204
        assert cleared(response) == {"cardea_access", "cardea_refresh"}
        assert set(client.cookies) == {"cardea_device"}
        problem(await client.get(ME), 401, "not_authenticated")
        ada = await sign_in(client, Person("ada@example.com"))
        assert (await reasons(client, ada))[session] == "signed_out"

    @pytest.mark.parametrize("kept", ["cardea_access", "cardea_refresh"])
    async def test_one_cookie_is_enough(
        self, client: httpx2.AsyncClient, kept: str
    ) -> None:
        """Either cookie tells which session to end."""
        session = await open_browser(client)
        value = client.cookies[kept]
        client.cookies.clear()
        response = await client.post(LOGOUT, headers={"Cookie": f"{kept}={value}"})
        assert response.status_code == 204
        ada = await sign_in(client, Person("ada@example.com"))
        assert (await reasons(client, ada))[session] == "signed_out"

    async def test_expired_access_cookie(
        self, client: httpx2.AsyncClient, clock: FakeClock
    ) -> None:
        """With an old access token the refresh token tells the session."""
        session = await open_browser(client)
        clock.tick(days=1)
        assert (await client.post(LOGOUT)).status_code == 204
        ada = await sign_in(client, Person("ada@example.com"))
        assert (await reasons(client, ada))[session] == "signed_out"

    async def test_useless_cookies(self, client: httpx2.AsyncClient) -> None:
        """Cookies that are worth nothing are cleared all the same."""
        cookie = "cardea_access=garbage; cardea_refresh=garbage"
        response = await client.post(LOGOUT, headers={"Cookie": cookie})
        assert response.status_code == 204
        assert cleared(response) == {"cardea_access", "cardea_refresh"}

    async def test_ended_already(self, client: httpx2.AsyncClient) -> None:
        """Cookies of a session that has ended are cleared."""
        await open_browser(client)
        token = client.cookies["cardea_access"]
        bearer = {"Authorization": f"Bearer {token}"}
        await client.post(LOGOUT, headers=bearer)
        response = await client.post(LOGOUT)
        assert response.status_code == 204
        assert cleared(response) == {"cardea_access", "cardea_refresh"}

    async def test_other_site(self, client: httpx2.AsyncClient) -> None:
        """A page of another site can't sign anybody out."""
        await open_browser(client)
        evil = {"Origin": "https://evil.example.com"}
        problem(await client.post(LOGOUT, headers=evil), 403, "cross_site_request")
        assert (await client.get(ME)).status_code == 200


class TestEverywhere:
    """Signing out of all sessions."""

    async def test_ends_all(self, client: httpx2.AsyncClient, ada: Person) -> None:
        """Every session ends, this one too, and each says why."""
        other = await sign_in(client, ada)
        response = await client.post(LOGOUT_ALL, headers=ada.headers)
        assert (response.status_code, response.content) == (204, b"")
        for one in (ada, other):
            ended = await client.get(ME, headers=one.headers)
            assert reason(ended) == "signed_out_elsewhere"

    @pytest.mark.parametrize("body", [{}, {"keep_current": False}], ids=str)
    async def test_current_ends_by_default(
        self, client: httpx2.AsyncClient, ada: Person, body: dict[str, bool]
    ) -> None:
        """This session is kept only if that is said."""
        await client.post(LOGOUT_ALL, json=body, headers=ada.headers)
        reason(await client.get(ME, headers=ada.headers))

    async def test_keep_current(self, client: httpx2.AsyncClient, ada: Person) -> None:
        """All but this session end."""
        other = await sign_in(client, ada)
        body = {"keep_current": True}
        await client.post(LOGOUT_ALL, json=body, headers=ada.headers)
        assert (await client.get(ME, headers=ada.headers)).status_code == 200
        ended = await client.get(ME, headers=other.headers)
        assert reason(ended) == "signed_out_elsewhere"

    async def test_ends_nobody_elses(
        self, client: httpx2.AsyncClient, ada: Person, bob: Person
    ) -> None:
        """Other users stay signed in."""
        await client.post(LOGOUT_ALL, headers=ada.headers)
        assert (await client.get(ME, headers=bob.headers)).status_code == 200

    @pytest.mark.parametrize(
        ("keep", "forgotten"),
        [(False, {"cardea_access", "cardea_refresh"}), (True, set())],
        ids=["all", "keep current"],
    )
    async def test_cookies(
        self, client: httpx2.AsyncClient, keep: bool, forgotten: set[str]
    ) -> None:
        """The browser forgets its cookies, unless its session is kept."""
        await open_browser(client)
        response = await client.post(LOGOUT_ALL, json={"keep_current": keep})
        assert response.status_code == 204
        assert cleared(response) == forgotten

    @pytest.mark.parametrize(
        ("body", "field"),
        [({"keep_current": "perhaps"}, "body.keep_current"), ({"a": 1}, "body.a")],
        ids=["no boolean", "unknown field"],
    )
    async def test_bad_input(
        self,
        client: httpx2.AsyncClient,
        ada: Person,
        body: dict[str, object],
        field: str,
    ) -> None:
        """A bad body ends nothing."""
        response = await client.post(LOGOUT_ALL, json=body, headers=ada.headers)
        assert fields(response) == [field]
        assert (await client.get(ME, headers=ada.headers)).status_code == 200

    async def test_nobody(self, client: httpx2.AsyncClient) -> None:
        """Only who is signed in can do it."""
        problem(await client.post(LOGOUT_ALL), 401, "not_authenticated")
