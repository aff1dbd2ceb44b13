"""Tests of `app.core.cookies`."""

from http.cookies import Morsel, SimpleCookie

import pytest
from starlette.requests import HTTPConnection
from starlette.responses import Response

from app.core.cookies import DEVICE_SECONDS, Cookie, Cookies

HTTPS = Cookies(https=True)
HTTP = Cookies(https=False)
SCHEMES = pytest.mark.parametrize(
    "cookies", [pytest.param(HTTPS, id="https"), pytest.param(HTTP, id="http")]
)


def request_with(header: str) -> HTTPConnection:
    """Return a request that carries this Cookie header."""
    headers = [(b"cookie", header.encode())]
    return HTTPConnection({"type": "http", "headers": headers})


def sent(response: Response) -> dict[str, "Morsel[str]"]:
    """Return the cookies that a response sets."""
    jar: SimpleCookie = SimpleCookie()
    for value in response.headers.getlist("set-cookie"):
        jar.load(value)
    return dict(jar)


def written(cookie: Cookie, value: str = "value", seconds: int = 60) -> "Morsel[str]":
    """Return the cookie as the browser gets it."""
    response = Response()
    cookie.write(response, value, seconds)
    return sent(response)[cookie.name]


class TestWrite:
    """Cookie.write()."""

    @pytest.mark.parametrize(
        ("cookie", "name", "path", "same_site"),
        [
            (HTTPS.access, "__Host-cardea_access", "/", "lax"),
            (HTTPS.refresh, "__Secure-cardea_refresh", "/api/v1/auth", "strict"),
            (HTTPS.device, "__Secure-cardea_device", "/api/v1/auth", "strict"),
            (HTTP.access, "cardea_access", "/", "lax"),
            (HTTP.refresh, "cardea_refresh", "/api/v1/auth", "strict"),
            (HTTP.device, "cardea_device", "/api/v1/auth", "strict"),
        ],
        ids=lambda value: value.name if isinstance(value, Cookie) else "",
    )
    def test_attributes(
        self, cookie: Cookie, name: str, path: str, same_site: str
    ) -> None:
        """Each cookie has its name, path and SameSite; none has a Domain."""
        morsel = written(cookie)
        assert (cookie.name, morsel["path"]) == (name, path)
        assert morsel["samesite"] == same_site
        assert morsel["max-age"] == "60"
        assert morsel["domain"] == ""

    @SCHEMES
    def test_no_script_reads_it(self, cookies: Cookies) -> None:
        """All are HttpOnly; over https all are Secure."""
        for cookie in (cookies.access, cookies.refresh, cookies.device):
            morsel = written(cookie)
            assert morsel["httponly"] is True
            assert bool(morsel["secure"]) is (cookies is HTTPS)

    def test_device_cookie_lasts(self) -> None:
        """A device is known for as long as browsers keep a cookie: 400 days."""
        assert DEVICE_SECONDS == 400 * 86_400


class TestRead:
    """Cookie.read()."""

    def test_own_cookie(self) -> None:
        """What the browser sends under the name comes back."""
        request = request_with("other=1; __Host-cardea_access=token; x=2")
        assert HTTPS.access.read(request) == "token"

    def test_absent(self) -> None:
        """Without it there is nothing."""
        assert HTTPS.access.read(request_with("other=1")) is None

    def test_planted_without_prefix(self) -> None:
        """Over https a cookie without prefix, which others can plant, is not ours."""
        assert HTTPS.access.read(request_with("cardea_access=planted")) is None


class TestAuthenticate:
    """Cookies.authenticate()."""

    @SCHEMES
    @pytest.mark.parametrize("name", ["access", "refresh"])
    def test_either_token(self, cookies: Cookies, name: str) -> None:
        """A request is signed by the access cookie as by the refresh cookie."""
        cookie: Cookie = getattr(cookies, name)
        assert cookies.authenticate(request_with(f"{cookie.name}=token"))

    @SCHEMES
    def test_device_alone(self, cookies: Cookies) -> None:
        """The device cookie signs nothing."""
        request = request_with(f"{cookies.device.name}=token")
        assert not cookies.authenticate(request)

    def test_none(self) -> None:
        """Without cookies nothing is signed."""
        assert not HTTPS.authenticate(request_with("other=1"))


class TestClear:
    """Cookies.clear()."""

    @SCHEMES
    def test_signs_out(self, cookies: Cookies) -> None:
        """Both token cookies are emptied under the attributes they were set with."""
        response = Response()
        cookies.clear(response)
        cleared = sent(response)
        assert set(cleared) == {cookies.access.name, cookies.refresh.name}
        for cookie in (cookies.access, cookies.refresh):
            morsel = cleared[cookie.name]
            assert (morsel.value, morsel["max-age"]) == ("", "0")
            assert morsel["path"] == cookie.path
            assert bool(morsel["secure"]) is (cookies is HTTPS)

    def test_device_stays(self) -> None:
        """Signing out does not make the device a stranger."""
        response = Response()
        HTTPS.clear(response)
        assert HTTPS.device.name not in sent(response)
