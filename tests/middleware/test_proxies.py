"""Whose word about a client's address is believed."""

from ipaddress import ip_network
from typing import Any

import httpx2
import pytest
from starlette.types import Receive, Scope, Send

from app.core.config import Settings
from app.core.middleware import RequestLog
from tests.conftest import MakeSettings
from tests.support.apps import RunningApp
from tests.support.hostile import JSON, Header, send
from tests.support.logs import written_log
from tests.support.people import API, PASSWORD, Person, sign_in

PROXY, INNER, STRANGER = "10.0.0.1", "10.0.0.2", "203.0.113.9"
NETWORK_LIMIT = 50
"""Wrong passwords of one network in five minutes."""


@pytest.fixture
def settings(make: MakeSettings) -> Settings:
    """Behind proxies of one private network."""
    return make(trusted_proxies=("10.0.0.0/24", "2001:db8:1::/48"))


async def guess(
    running: RunningApp, number: int, peer: str, *headers: Header
) -> httpx2.Response:
    """Try a wrong password for an account that nobody else tries."""
    body = f'{{"email": "user{number}@example.com", "password": "{PASSWORD}"}}'
    return await send(
        running.app,
        "POST",
        f"{API}/auth/login",
        [JSON, *headers],
        [body.encode()],
        peer=peer,
    )


async def guesses_until_refused(running: RunningApp, peer: str, *templates: str) -> int:
    """Guess on, with X-Forwarded-For headers in which {n} is another each time."""
    for number in range(NETWORK_LIMIT + 10):
        octets = f"198.51.{number // 200}.{number % 200}"
        headers = [("x-forwarded-for", text.format(n=octets)) for text in templates]
        response = await guess(running, number, peer, *headers)
        if response.status_code == 429:
            return number
    return NETWORK_LIMIT + 10


class TestLimits:
    """Guesses are counted by the network they really come from."""

    @pytest.mark.parametrize(
        "templates",
        [
            (),
            ("{n}",),
            ("{n}, 10.0.0.1",),
            ("10.0.0.1", "{n}"),
            ("{n}, {n}, {n}",),
            ("", "{n}"),
            ("2001:db8::{n}",),
        ],
        ids=range(7),
    )
    async def test_stranger_is_not_believed(
        self, running: RunningApp, templates: tuple[str, ...]
    ) -> None:
        """Whoever is no proxy is counted by its socket, whatever it claims."""
        counted = await guesses_until_refused(running, STRANGER, *templates)
        assert counted == NETWORK_LIMIT

    @pytest.mark.parametrize(
        "templates",
        [
            (f"{{n}}, {STRANGER}",),
            ("{n}", STRANGER),
            (f"{{n}},{{n}} ,  {STRANGER}  ",),
            (f"{{n}}, {STRANGER}, {INNER}",),
            (f"{{n}}, {STRANGER}", INNER),
            (f"{{n}}, ::ffff:{STRANGER}",),
        ],
        ids=range(6),
    )
    async def test_only_the_nearest_entry_counts(
        self, running: RunningApp, templates: tuple[str, ...]
    ) -> None:
        """What a client puts to the left of what a proxy added changes nothing."""
        counted = await guesses_until_refused(running, PROXY, *templates)
        assert counted == NETWORK_LIMIT

    async def test_nonsense_is_counted_as_the_proxy(self, running: RunningApp) -> None:
        """An entry that is no address hides nobody: the proxy is counted instead."""
        counted = await guesses_until_refused(running, PROXY, "{n}, unknown")
        assert counted == NETWORK_LIMIT

    async def test_clients_of_one_proxy_are_counted_apart(
        self, running: RunningApp
    ) -> None:
        """One who guesses does not make another wait."""
        counted = await guesses_until_refused(running, PROXY, STRANGER)
        assert counted == NETWORK_LIMIT
        other = await guess(running, 999, PROXY, ("x-forwarded-for", "203.0.113.10"))
        assert other.status_code == 401

    async def test_ipv6_neighbours_are_one(self, running: RunningApp) -> None:
        """All addresses of a /64 are one network."""
        for number in range(NETWORK_LIMIT):
            peer = f"2001:db8:2:3::{number:x}"
            assert (await guess(running, number, peer)).status_code == 401
        refused = await guess(running, 999, "2001:db8:2:3:ffff::1")
        assert refused.status_code == 429
        other = await guess(running, 1000, "2001:db8:2:4::1")
        assert other.status_code == 401

    @pytest.mark.parametrize(
        "header", ["forwarded", "x-real-ip", "client-ip", "true-client-ip", "via"]
    )
    async def test_other_headers_say_nothing(
        self, running: RunningApp, header: str
    ) -> None:
        """Even from a proxy only X-Forwarded-For is read."""
        for number in range(NETWORK_LIMIT):
            address = f"198.51.100.{number}"
            value = f"for={address}" if header == "forwarded" else address
            await guess(running, number, PROXY, (header, value))
        response = await guess(running, 999, PROXY, (header, "198.51.100.99"))
        assert response.status_code == 429


class TestSessionAddress:
    """The address that is shown and logged."""

    @pytest.mark.parametrize(
        ("peer", "forwarded", "expected"),
        [
            (STRANGER, "198.51.100.1", STRANGER),
            (PROXY, STRANGER, STRANGER),
            (PROXY, f"198.51.100.1, {STRANGER}", STRANGER),
            (PROXY, f"{STRANGER}, {INNER}", STRANGER),
            (PROXY, "2001:db8:9::1", "2001:db8:9::1"),
            ("2001:db8:1::1", STRANGER, STRANGER),
            (PROXY, "", PROXY),
            (PROXY, "not-an-address", PROXY),
            (PROXY, "203.0.113.9:4711", PROXY),
            (PROXY, "<script>", PROXY),
        ],
        ids=range(10),
    )
    async def test_is_the_clients(
        self,
        running: RunningApp,
        ada: Person,
        settings: Settings,
        peer: str,
        forwarded: str,
        expected: str,
    ) -> None:
        """The session and the access log have the same, and it is an address."""
        body = f'{{"email": "{ada.email}", "password": "{PASSWORD}"}}'.encode()
        headers = [JSON, ("x-forwarded-for", forwarded)]
        with written_log(settings) as log:
            signed_in = await send(
                running.app, "POST", f"{API}/auth/login", headers, [body], peer=peer
            )
        (line,) = log.lines("request.answered")
        assert line["client"] == expected
        person = Person(ada.email, tokens=signed_in.json())
        listed = await running.client.get(
            f"{API}/users/me/sessions", headers=person.headers
        )
        assert listed.json()["items"][0]["ip"] == expected


class TestWithoutProxies:
    """The default: nobody is believed."""

    @pytest.fixture
    def settings(self, make: MakeSettings) -> Settings:
        """No TRUSTED_PROXIES."""
        return make()

    async def test_nobody_is_believed(self, running: RunningApp) -> None:
        """Not even an address that looks like a proxy's."""
        for peer in (PROXY, "127.0.0.1"):
            counted = await guesses_until_refused(running, peer, "{n}")
            assert counted == NETWORK_LIMIT

    async def test_sign_in_shows_the_socket(
        self, client: httpx2.AsyncClient, ada: Person
    ) -> None:
        """The session has the address of the connection."""
        client.headers["X-Forwarded-For"] = STRANGER
        person = await sign_in(client, ada)
        path = f"{API}/users/me/sessions"
        listed = await client.get(path, headers=person.headers)
        assert {row["ip"] for row in listed.json()["items"]} == {"192.0.2.1"}


class TestRemembered:
    """What is kept in mind of the headers that proxies send."""

    @pytest.mark.parametrize(("length", "kept"), [(15, 1000), (300, 0)])
    async def test_is_bounded(self, length: int, kept: int) -> None:
        """A thousand short ones, and none of those that would fill the memory."""

        async def silent(scope: Scope, receive: Receive, send: Send) -> None:
            return None

        log = RequestLog(silent, proxies=[ip_network("127.0.0.0/8")])
        for number in range(1200):
            forwarded = f"{number:0{length}}".encode()
            scope = {
                "type": "http",
                "method": "GET",
                "headers": [(b"x-forwarded-for", forwarded)],
                "client": ("127.0.0.1", 50_000),
            }
            await log(scope, nothing, nothing)
        assert log._find_address.cache_info().currsize == kept


async def nothing(*_: object) -> Any:
    """Neither send nor receive."""
