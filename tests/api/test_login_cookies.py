"""POST /api/v1/auth/login with `transport: cookie`, and what cookies are worth."""

from http.cookies import SimpleCookie

import httpx2
import pytest

from app.core.config import Settings
from tests.conftest import MakeSettings
from tests.support.people import API, PASSWORD, Person, register
from tests.support.problems import problem

LOGIN = f"{API}/auth/login"
ME = f"{API}/users/me"
ADA = {"email": "ada@example.com", "password": PASSWORD}


def cookies_of(response: httpx2.Response) -> dict[str, dict[str, str]]:
    """Return the attributes of each cookie that an answer sets, by name."""
    jar = SimpleCookie()
    for header in response.headers.get_list("set-cookie"):
        jar.load(header)
    return {
        name: {k: str(v) for k, v in morsel.items() if v}
        for name, morsel in jar.items()
    }


ACCESS = {"path": "/", "samesite": "lax", "max-age": "600"}


REFRESH = {"path": f"{API}/auth", "samesite": "strict", "max-age": "2592000"}


DEVICE = {"path": f"{API}/auth", "samesite": "strict", "max-age": "34560000"}


HIDDEN = {"httponly": "True"}


SECURE = {"httponly": "True", "secure": "True"}


class TestCookie:
    """Tokens in cookies, over http."""

    async def test_tokens_are_left_out_of_the_body(
        self, client: httpx2.AsyncClient
    ) -> None:
        """No script of the page can read a token."""
        await register(client, "ada@example.com")
        response = await client.post(LOGIN, json=ADA | {"transport": "cookie"})
        assert response.json().keys() == {
            "token_type",
            "expires_in",
            "refresh_expires_in",
            "session_id",
            "user",
        }
        assert "cardea-device" not in response.headers

    async def test_attributes(self, client: httpx2.AsyncClient) -> None:
        """Over http the cookies have neither prefix nor Secure."""
        await register(client, "ada@example.com")
        response = await client.post(LOGIN, json=ADA | {"transport": "cookie"})
        assert cookies_of(response) == {
            "cardea_access": ACCESS | HIDDEN,
            "cardea_refresh": REFRESH | HIDDEN,
            "cardea_device": DEVICE | HIDDEN,
        }

    async def test_signs_the_browser_in(self, client: httpx2.AsyncClient) -> None:
        """The browser needs nothing but its cookie from then on."""
        await register(client, "ada@example.com")
        await client.post(LOGIN, json=ADA | {"transport": "cookie"})
        me = await client.get(ME)
        assert me.json()["email"] == "ada@example.com"

    @pytest.mark.parametrize(
        "headers",
        [
            [("Authorization", "Basic YWRhOnBhc3M=")],
            [("Authorization", "Bearer")],
            [("Authorization", "Bearer ")],
            [("Authorization", "Bearer garbage")],
            [("Authorization", "")],
            [("Authorization", "Bearer a.b.c"), ("Authorization", "Bearer a.b.c")],
        ],
        ids=["basic", "no token", "empty token", "garbage", "empty", "two headers"],
    )
    async def test_bad_header_beside_a_good_cookie(
        self, client: httpx2.AsyncClient, headers: list[tuple[str, str]]
    ) -> None:
        """A bad Authorization header is an error even when a good cookie is there."""
        await register(client, "ada@example.com")
        await client.post(LOGIN, json=ADA | {"transport": "cookie"})
        problem(await client.get(ME, headers=headers), 401, "invalid_token")

    async def test_two_good_headers(
        self, client: httpx2.AsyncClient, ada: Person
    ) -> None:
        """Two Authorization headers are one too many, good as they may be."""
        both = [*ada.headers.items(), *ada.headers.items()]
        problem(await client.get(ME, headers=both), 401, "invalid_token")

    async def test_scheme_in_any_case(
        self, client: httpx2.AsyncClient, ada: Person
    ) -> None:
        """The scheme's name has no case (RFC 9110, section 11.1)."""
        headers = {"Authorization": f"bEARER {ada.tokens['access_token']}"}
        assert (await client.get(ME, headers=headers)).status_code == 200


class TestCookieOverHttps:
    """Tokens in cookies, over https."""

    @pytest.fixture
    def settings(self, make: MakeSettings) -> Settings:
        """A service behind TLS."""
        return make(public_url="https://auth.example.com")

    async def test_attributes(self, client: httpx2.AsyncClient) -> None:
        """Over https the cookies are Secure and have the prefixes that protect them."""
        client.base_url = httpx2.URL("https://auth.example.com")
        await register(client, "ada@example.com")
        response = await client.post(LOGIN, json=ADA | {"transport": "cookie"})
        assert cookies_of(response) == {
            "__Host-cardea_access": ACCESS | SECURE,
            "__Secure-cardea_refresh": REFRESH | SECURE,
            "__Secure-cardea_device": DEVICE | SECURE,
        }
        assert (await client.get(ME)).status_code == 200
