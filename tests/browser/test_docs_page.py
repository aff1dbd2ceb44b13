"""The pages of the service in a real browser."""

import json

import pytest

from app.core.exceptions import all_errors
from tests.support.browser import Browser
from tests.support.people import PASSWORD
from tests.support.server import ROOT_EMAIL, Server

pytestmark = pytest.mark.browser

LONGEST_CODE = max((error.code for error in all_errors()), key=len)
OUR_PAGES = ["/", "/errors", "/errors/invalid_credentials", f"/errors/{LONGEST_CODE}"]
ME = '.opblock-get:has([data-path="/api/v1/users/me"])'


def authorize(browser: Browser, email: str, password: str) -> None:
    """Sign in with the Authorize button of /docs."""
    browser.click(".scheme-container .btn.authorize")
    browser.type("#oauth_username", email)
    browser.type("#oauth_password", password)
    browser.click(".modal-ux .btn.authorize")


class TestDocsPage:
    """GET /docs."""

    def test_sign_in_and_try_a_call(self, browser: Browser, server: Server) -> None:
        """Authorize signs in with e-mail and password; then a call tried out works."""
        browser.open(f"{server.url}/docs")
        authorize(browser, ROOT_EMAIL, PASSWORD)
        browser.click(".modal-ux .btn-done")
        browser.click(f"{ME} .opblock-summary-control")
        browser.click(f"{ME} .execute")

        answer = f"{ME} .live-responses-table .response"
        assert browser.see(f"{answer} .response-col_status").text.split()[0] == "200"
        body = json.loads(browser.see(f"{answer} .microlight").text)
        assert body["email"] == ROOT_EMAIL
        assert browser.complaints() == []

    def test_wrong_password(self, browser: Browser, server: Server) -> None:
        """Authorize with a wrong password shows our own words for it."""
        browser.open(f"{server.url}/docs")
        authorize(browser, ROOT_EMAIL, "not the password at all")
        shown = browser.see(".modal-ux .errors").text
        assert "Email or password is incorrect." in shown

    @pytest.mark.parametrize("path", ["/docs", "/redoc"])
    def test_nothing_from_elsewhere(
        self, browser: Browser, server: Server, path: str
    ) -> None:
        """The documentation works and asks no host but the service itself."""
        browser.open(f"{server.url}{path}")
        browser.see({"/docs": ".opblock", "/redoc": ".api-content h1"}[path])
        assert browser.hosts_asked() == {f"127.0.0.1:{server.port}"}
        # Redoc's badge is an image of its maker's; our policy keeps it out.
        complaints = [c for c in browser.complaints() if "cdn.redoc.ly" not in c]
        assert complaints == []


class TestOurPages:
    """GET / and GET /errors."""

    @pytest.mark.parametrize("path", OUR_PAGES)
    def test_fits_a_phone(self, browser: Browser, server: Server, path: str) -> None:
        """On the narrowest phone nothing has to be scrolled sideways."""
        browser.resize(320, 640)
        browser.open(f"{server.url}{path}")
        assert browser.run("innerWidth") == 320
        assert browser.run("document.documentElement.scrollWidth") == 320

    @pytest.mark.parametrize("path", OUR_PAGES)
    def test_nothing_from_elsewhere(
        self, browser: Browser, server: Server, path: str
    ) -> None:
        """A page loads nothing but itself, and the browser has nothing against it."""
        browser.open(f"{server.url}{path}")
        assert browser.hosts_asked() == {f"127.0.0.1:{server.port}"}
        assert [c for c in browser.complaints() if "favicon" not in c] == []

    @pytest.mark.parametrize("scheme", ["light", "dark"])
    def test_follows_the_color_scheme(
        self, browser: Browser, server: Server, scheme: str
    ) -> None:
        """Whoever prefers dark pages gets dark ones."""
        browser.prefer(scheme)
        browser.open(f"{server.url}/errors")
        color = browser.run("getComputedStyle(document.body).backgroundColor")
        brightness = sum(int(part) for part in color[4:-1].split(","))
        assert (brightness < 3 * 128) is (scheme == "dark")
