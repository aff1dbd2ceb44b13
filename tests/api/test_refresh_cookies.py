"""POST /api/v1/auth/refresh by a browser, which sends its cookie and no body."""

import httpx2

from tests.support.people import API, PASSWORD, Person, register, sign_in
from tests.support.problems import problem, reason
from tests.support.refreshing import refresh

REFRESH = f"{API}/auth/refresh"
LOGIN = f"{API}/auth/login"
ME = f"{API}/users/me"
COOKIE = {"email": "ada@example.com", "password": PASSWORD, "transport": "cookie"}


class TestCookie:
    """A browser sends its cookie and an empty body."""

    async def test_answers_in_cookies(self, client: httpx2.AsyncClient) -> None:
        """The new tokens are set as cookies and left out of the body."""
        await register(client, "ada@example.com")
        await client.post(LOGIN, json=COOKIE)
        old = client.cookies["cardea_refresh"]
        response = await client.post(REFRESH)
        assert response.status_code == 200
        assert response.json().keys().isdisjoint({"access_token", "refresh_token"})
        assert client.cookies["cardea_refresh"] != old
        assert (await client.get(ME)).status_code == 200

    async def test_body_wins(self, client: httpx2.AsyncClient, bob: Person) -> None:
        """A token in the body is answered in the body, whatever the cookies."""
        await register(client, "ada@example.com")
        await client.post(LOGIN, json=COOKIE)
        response = await refresh(client, bob.refresh_token)
        assert response.json()["session_id"] == bob.session_id
        assert response.json()["refresh_token"]
        assert "set-cookie" not in response.headers

    async def test_ended(self, client: httpx2.AsyncClient) -> None:
        """A browser learns as well why its session has ended."""
        await register(client, "ada@example.com")
        signed_in = await client.post(LOGIN, json=COOKIE)
        elsewhere = await sign_in(client, Person("ada@example.com"))
        session = signed_in.json()["session_id"]
        cookies = dict(client.cookies)
        client.cookies.clear()
        path = f"{ME}/sessions/{session}"
        await client.delete(path, headers=elsewhere.headers)
        client.cookies.update(cookies)
        assert reason(await client.post(REFRESH)) == "signed_out_elsewhere"

    async def test_forged(self, client: httpx2.AsyncClient) -> None:
        """A forged cookie is refused."""
        client.cookies.set("cardea_refresh", "cardea_rt_AAAA")
        problem(await client.post(REFRESH), 401, "invalid_refresh_token")

    async def test_other_site(self, client: httpx2.AsyncClient) -> None:
        """A page of another site can't refresh with the user's cookie."""
        await register(client, "ada@example.com")
        await client.post(LOGIN, json=COOKIE)
        refused = await client.post(REFRESH, headers={"Sec-Fetch-Site": "cross-site"})
        problem(refused, 403, "cross_site_request")
