"""Changes that another site's page tries to make with the user's cookies."""

import httpx2
import pytest

from app.core.config import Settings
from app.database import Database
from tests.conftest import MakeSettings
from tests.support.apps import RunningApp, browse
from tests.support.hostile import contents
from tests.support.people import API, PASSWORD, Person
from tests.support.problems import problem

OWN = "http://localhost:8000"
FRIEND = "https://app.example.com"
ME = f"{API}/users/me"
BY_COOKIE = (
    ("POST", f"{API}/auth/refresh"),
    ("POST", f"{API}/auth/logout"),
    ("POST", f"{API}/auth/logout-all"),
    ("POST", f"{API}/auth/login"),
    ("PATCH", ME),
    ("DELETE", ME),
    ("DELETE", f"{ME}/sessions/01890a5d-ac96-774b-bcce-b302099a8057"),
)
FOREIGN: dict[str, dict[str, str]] = {
    "cross-site": {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"},
    "same-site": {"Sec-Fetch-Site": "same-site", "Origin": "http://app.localhost"},
    "cross-site-alone": {"Sec-Fetch-Site": "cross-site"},
    "same-site-alone": {"Sec-Fetch-Site": "same-site"},
    "unknown-site": {"Sec-Fetch-Site": "sideways"},
    "empty-site": {"Sec-Fetch-Site": ""},
    "origin-alone": {"Origin": "https://evil.example"},
    "null-origin": {"Origin": "null"},
    "null-origin-cross-site": {"Origin": "null", "Sec-Fetch-Site": "cross-site"},
    "empty-origin": {"Origin": ""},
    "other-port": {"Origin": "http://localhost:8001"},
    "other-scheme": {"Origin": "https://localhost:8000"},
    "prefix": {"Origin": "http://localhost:80000"},
    "friend-in-http": {"Origin": "http://app.example.com"},
    "friend-as-prefix": {"Origin": "https://app.example.com.evil.example"},
    "two-origins": {"Origin": f"{OWN} https://evil.example"},
}
OURS: dict[str, dict[str, str]] = {
    "same-origin": {"Sec-Fetch-Site": "same-origin", "Origin": OWN},
    "typed-by-hand": {"Sec-Fetch-Site": "none"},
    "own-origin": {"Origin": OWN},
    "friend": {"Origin": FRIEND, "Sec-Fetch-Site": "cross-site"},
    "friend-without-site": {"Origin": FRIEND},
    "no-browser": {},
}


@pytest.fixture
def settings(make: MakeSettings) -> Settings:
    """One other origin is a friend."""
    return make(cors_origins=(FRIEND,))


@pytest.fixture
def browser(running: RunningApp, ada: Person) -> httpx2.AsyncClient:
    """Ada's browser, with her cookies."""
    browser = browse(running.app)
    browser.cookies.set("cardea_access", ada.tokens["access_token"])
    browser.cookies.set("cardea_refresh", ada.refresh_token)
    return browser


class TestForeignPages:
    """Requests that browsers send for pages of others."""

    @pytest.mark.parametrize("headers", FOREIGN.values(), ids=FOREIGN)
    async def test_change_nothing(
        self, browser: httpx2.AsyncClient, database: Database, headers: dict[str, str]
    ) -> None:
        """Each is refused with every method and call, before anything is looked at."""
        before = await contents(database)
        for method, path in BY_COOKIE:
            response = await browser.request(method, path, headers=headers)
            problem(response, 403, "cross_site_request")
            assert "set-cookie" not in response.headers
        assert await contents(database) == before

    @pytest.mark.parametrize("name", ["cardea_access", "cardea_refresh"])
    async def test_one_cookie_is_enough(
        self, running: RunningApp, ada: Person, name: str
    ) -> None:
        """Either could sign the request, so either is guarded; even a bad one."""
        for value in (ada.tokens["access_token"], "forged"):
            async with browse(running.app) as browser:
                browser.cookies.set(name, value)
                response = await browser.post(
                    f"{API}/auth/logout", headers={"Origin": "https://evil.example"}
                )
                problem(response, 403, "cross_site_request")

    async def test_bearer_does_not_excuse_a_cookie(
        self, browser: httpx2.AsyncClient, ada: Person
    ) -> None:
        """A cookie is guarded whatever else the request carries."""
        headers = {**ada.headers, "Origin": "https://evil.example"}
        response = await browser.post(f"{API}/auth/logout-all", headers=headers)
        problem(response, 403, "cross_site_request")

    async def test_may_follow_a_link(self, browser: httpx2.AsyncClient) -> None:
        """What changes nothing is answered, and CORS keeps it from being read."""
        for name, headers in FOREIGN.items():
            response = await browser.get(ME, headers=headers)
            assert response.status_code == 200, name
            assert "access-control-allow-origin" not in response.headers, name


class TestOwnPages:
    """Requests of our own pages, of friends, of programs."""

    @pytest.mark.parametrize("headers", OURS.values(), ids=OURS)
    async def test_may_change(
        self, browser: httpx2.AsyncClient, headers: dict[str, str]
    ) -> None:
        """The change is made."""
        body = {"display_name": "Ada"}
        response = await browser.patch(ME, json=body, headers=headers)
        assert response.status_code == 200
        assert (await browser.get(ME)).json()["display_name"] == "Ada"

    @pytest.mark.parametrize("headers", OURS.values(), ids=OURS)
    async def test_may_refresh_and_sign_out(
        self, browser: httpx2.AsyncClient, headers: dict[str, str]
    ) -> None:
        """The calls that only cookies sign work for them."""
        refreshed = await browser.post(f"{API}/auth/refresh", headers=headers)
        assert refreshed.status_code == 200
        out = await browser.post(f"{API}/auth/logout", headers=headers)
        assert out.status_code == 204


class TestWithoutCookies:
    """Requests that no cookie of ours signs."""

    async def test_need_no_guard(self, client: httpx2.AsyncClient, ada: Person) -> None:
        """A token in a header was put there by whoever knows it."""
        client.cookies.set("theirs", "of another program")
        for name, headers in FOREIGN.items():
            body = {"display_name": f"Ada from {name}"}
            sent = {**ada.headers, **headers}
            response = await client.patch(ME, json=body, headers=sent)
            assert response.status_code == 200, name

    async def test_device_cookie_signs_nothing(
        self, client: httpx2.AsyncClient, ada: Person
    ) -> None:
        """It only says that a browser was here before."""
        client.cookies.set("cardea_device", "cardea_dev_x")
        response = await client.post(
            f"{API}/auth/login",
            json={"email": ada.email, "password": PASSWORD},
            headers={"Origin": "https://evil.example"},
        )
        assert response.status_code == 200
