"""Which hosts the service answers for."""

import httpx2
import pytest

from app.core.config import Settings
from tests.conftest import MakeSettings
from tests.support.apps import RunningApp
from tests.support.hostile import Header, refused, send
from tests.support.people import API, PASSWORD

OURS = {
    "exact": "auth.example.com",
    "port": "auth.example.com:443",
    "other-port": "auth.example.com:8443",
    "capitals": "AUTH.Example.COM",
    "trailing-dot": "auth.example.com.",
    "allowed-beside": "auth.internal",
    "allowed-with-port": "auth.internal:8000",
    "allowed-ipv6": "[2001:db8::1]",
    "allowed-ipv6-with-port": "[2001:db8::1]:8000",
}
NOT_OURS = {
    "other": "evil.example",
    "prefix": "auth.example.com.evil.example",
    "suffix": "evil-auth.example.com",
    "subdomain": "sub.auth.example.com",
    "parent": "example.com",
    "user-info": "auth.example.com@evil.example",
    "user-info-and-port": "auth.example.com:80@evil.example",
    "two-in-one": "auth.example.com, evil.example",
    "with-path": "auth.example.com/evil",
    "with-scheme": "https://auth.example.com",
    "port-no-number": "auth.example.com:evil",
    "empty": "",
    "space": " ",
    "only-port": ":443",
    "wildcard": "*",
    "address": "127.0.0.1",
    "localhost": "localhost",
    "test-server": "testserver",
    "nul": "auth.example.com\x00",
    "look-alike": "аuth.example.com",
    "ipv6-without-brackets": "2001:db8::1",
}
OWN_LINKS = ("example.com", "https://auth.example.com")
"""What stands in every problem, for it is part of our own address."""


@pytest.fixture
def settings(make: MakeSettings) -> Settings:
    """Production behind a name, with two more names."""
    return make(
        environment="production",
        public_url="https://auth.example.com",
        allowed_hosts=("auth.internal", "[2001:db8::1]"),
        bcrypt_rounds=10,
    )


def host(name: str) -> Header:
    """Return the header."""
    return ("host", name)


class TestHost:
    """The Host header against PUBLIC_URL and ALLOWED_HOSTS."""

    @pytest.mark.parametrize("name", OURS.values(), ids=OURS)
    async def test_ours(self, running: RunningApp, name: str) -> None:
        """Ports, case and a trailing dot do not matter."""
        response = await send(running.app, "GET", "/", [host(name)])
        assert response.status_code == 200

    @pytest.mark.parametrize("name", NOT_OURS.values(), ids=NOT_OURS)
    async def test_not_ours(self, running: RunningApp, name: str) -> None:
        """Any other is refused for pages and calls alike, and not repeated."""
        for path in ("/", f"{API}/users/me", "/.well-known/jwks.json", "/nowhere"):
            response = await send(running.app, "GET", path, [host(name)])
            repeated = [] if name in OWN_LINKS else [name]
            refused(response, 421, "host_not_allowed", *repeated)

    async def test_none_or_two(self, running: RunningApp) -> None:
        """A request says exactly once for whom it is."""
        good, evil = host("auth.example.com"), host("evil.example")
        for headers in ([good, evil], [evil, good], [good, good]):
            response = await send(running.app, "GET", "/", headers)
            refused(response, 421, "host_not_allowed", "evil.example")

    @pytest.mark.parametrize(
        "header",
        [
            "x-forwarded-host",
            "forwarded",
            "x-host",
            "x-original-host",
            "x-forwarded-server",
        ],
    )
    async def test_forwarded_host_is_ignored(
        self, running: RunningApp, header: str
    ) -> None:
        """It neither makes a wrong host right nor a right one wrong."""
        good, evil = host("auth.example.com"), host("evil.example")
        response = await send(running.app, "GET", "/", [evil, (header, good[1])])
        refused(response, 421, "host_not_allowed")
        response = await send(running.app, "GET", "/", [good, (header, evil[1])])
        assert response.status_code == 200
        assert "evil" not in response.text

    @pytest.mark.parametrize("path", ["/health/live", "/health/ready"])
    async def test_health_answers_any(self, running: RunningApp, path: str) -> None:
        """Probes of an orchestrator use addresses that nobody listed."""
        for name in (*NOT_OURS.values(), "10.0.0.7:8000"):
            response = await send(running.app, "GET", path, [host(name)])
            assert response.status_code == 200, name

    @pytest.mark.parametrize("path", ["/healthy", "/x/health/live", "//health/live"])
    async def test_nothing_else_does(self, running: RunningApp, path: str) -> None:
        """Only what stands under /health/ is exempt."""
        response = await send(running.app, "GET", path, [host("evil.example")])
        refused(response, 421, "host_not_allowed")


class TestLinks:
    """Links that the service writes."""

    async def test_never_come_from_the_request(self, running: RunningApp) -> None:
        """They begin with PUBLIC_URL, whichever allowed name was asked."""
        response = await send(running.app, "GET", "/", [host("auth.internal:8000")])
        links = [value for value in response.json().values() if "://" in value]
        assert len(links) == 4
        assert all(link.startswith("https://auth.example.com/") for link in links)

    async def test_types_of_problems(self, running: RunningApp) -> None:
        """Even the page of a refused host is at our own address."""
        response = await send(running.app, "GET", "/", [host("evil.example")])
        assert response.json()["type"].startswith("https://auth.example.com/errors/")


class TestDevelopment:
    """Outside production."""

    @pytest.fixture
    def settings(self, make: MakeSettings) -> Settings:
        """The defaults."""
        return make()

    @pytest.mark.parametrize(
        "name",
        ["localhost", "localhost:3000", "127.0.0.1:8000", "[::1]:8000", "testserver"],
    )
    async def test_local_names_are_ours(self, running: RunningApp, name: str) -> None:
        """Whoever develops uses whatever leads here."""
        response = await send(running.app, "GET", "/", [host(name)])
        assert response.status_code == 200

    async def test_others_are_not(self, client: httpx2.AsyncClient) -> None:
        """Rebinding a name to this machine opens nothing."""
        response = await client.post(
            f"{API}/auth/login",
            json={"email": "ada@example.com", "password": PASSWORD},
            headers={"Host": "evil.example"},
        )
        refused(response, 421, "host_not_allowed")
