"""Tests of `app.core.client`."""

from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.client import UNKNOWN_ADDRESS, Client, client_address

PROXIES = [ip_network(text) for text in ("10.0.0.0/8", "2001:db8:f::/48", "192.0.2.9")]


def seen(peer: str | None, *forwarded: str) -> str:
    """Return the address behind our proxies."""
    return client_address(peer, forwarded, PROXIES)


class TestDirect:
    """client_address() without a proxy of ours."""

    @pytest.mark.parametrize(
        "peer", ["203.0.113.5", "2001:db8::5", "192.0.2.8", "11.0.0.1", "127.0.0.1"]
    )
    def test_stranger_is_not_believed(self, peer: str) -> None:
        """Whoever is no trusted proxy says nothing about addresses."""
        assert seen(peer, "198.51.100.7") == peer

    def test_nobody_trusted(self) -> None:
        """Without TRUSTED_PROXIES the header is ignored, even from this machine."""
        assert client_address("127.0.0.1", ["198.51.100.7"], []) == "127.0.0.1"

    @pytest.mark.parametrize(
        "peer", [None, "", "unix:", "/run/cardea.sock", "localhost"]
    )
    def test_no_address(self, peer: str | None) -> None:
        """A socket without an address is unknown, whatever the header says."""
        assert seen(peer, "198.51.100.7") == UNKNOWN_ADDRESS

    def test_mapped(self) -> None:
        """An IPv4 address that came over IPv6 is that IPv4 address."""
        assert seen("::ffff:203.0.113.5") == "203.0.113.5"

    def test_one_spelling(self) -> None:
        """An IPv6 address is always written the same way."""
        assert seen("2001:0DB8:0:0:0:0:0:5") == "2001:db8::5"


class TestBehindProxies:
    """client_address() behind proxies of ours."""

    @pytest.mark.parametrize(
        ("peer", "forwarded", "expected"),
        [
            pytest.param("10.0.0.1", ["203.0.113.5"], "203.0.113.5", id="one proxy"),
            pytest.param(
                "10.0.0.1", ["203.0.113.5, 10.0.0.2"], "203.0.113.5", id="two proxies"
            ),
            pytest.param(
                "10.0.0.1", ["198.51.100.7, 203.0.113.5"], "203.0.113.5", id="spoofed"
            ),
            pytest.param(
                "10.0.0.1",
                ["198.51.100.7, 203.0.113.5, 10.0.0.2"],
                "203.0.113.5",
                id="spoofed, two proxies",
            ),
            pytest.param(
                "10.0.0.1",
                ["10.0.0.3, 203.0.113.5"],
                "203.0.113.5",
                id="spoofed with the address of a proxy",
            ),
            pytest.param(
                "10.0.0.1",
                ["198.51.100.7", "203.0.113.5"],
                "203.0.113.5",
                id="two headers",
            ),
            pytest.param(
                "10.0.0.1",
                ["198.51.100.7, 203.0.113.5", "10.0.0.2"],
                "203.0.113.5",
                id="two headers, two proxies",
            ),
            pytest.param("10.0.0.1", [], "10.0.0.1", id="no header"),
            pytest.param("10.0.0.1", [""], "10.0.0.1", id="empty header"),
            pytest.param(
                "10.0.0.1", ["10.0.0.2"], "10.0.0.2", id="a proxy's own request"
            ),
            pytest.param("10.0.0.1", ["2001:db8::5"], "2001:db8::5", id="IPv6 client"),
            pytest.param(
                "2001:db8:f::1", ["203.0.113.5"], "203.0.113.5", id="IPv6 proxy"
            ),
            pytest.param(
                "::ffff:10.0.0.1", ["203.0.113.5"], "203.0.113.5", id="mapped proxy"
            ),
            pytest.param(
                "10.0.0.1", ["::ffff:203.0.113.5"], "203.0.113.5", id="mapped client"
            ),
            pytest.param(
                "10.0.0.1",
                ["198.51.100.7, ::ffff:10.0.0.2"],
                "198.51.100.7",
                id="mapped proxy in the chain",
            ),
            pytest.param(
                "192.0.2.9", ["203.0.113.5"], "203.0.113.5", id="a single address"
            ),
            pytest.param(
                "10.0.0.1", [" 203.0.113.5 ,\t10.0.0.2 "], "203.0.113.5", id="blanks"
            ),
        ],
    )
    def test_right_most_untrusted(
        self, peer: str, forwarded: list[str], expected: str
    ) -> None:
        """The right-most entry that is no proxy counts; all left of it is a claim."""
        assert seen(peer, *forwarded) == expected

    @pytest.mark.parametrize(
        "garbage",
        [
            "unknown",
            "_hidden",
            "",
            "999.1.1.1",
            "203.0.113.5:80",
            "[2001:db8::5]",
            "1",
            "é",
        ],
    )
    def test_garbage(self, garbage: str) -> None:
        """What is no address ends the search at the proxy that sent it."""
        assert seen("10.0.0.1", f"198.51.100.7, {garbage}, 10.0.0.2") == "10.0.0.2"
        assert seen("10.0.0.1", f"198.51.100.7, {garbage}") == "10.0.0.1"

    def test_garbage_further_left(self) -> None:
        """What stands left of the client does not matter at all."""
        assert seen("10.0.0.1", "<script>, \x00, 203.0.113.5") == "203.0.113.5"

    def test_zone(self) -> None:
        """A zone is free text, not part of an address: it is never kept."""
        assert seen("fe80::1%eth0") == "fe80::1"
        assert seen("10.0.0.1", "fe80::1%" + "<b>" * 100) == "fe80::1"

    @given(st.lists(st.ip_addresses() | st.text(max_size=10), max_size=5))
    def test_left_of_the_client(self, claimed: list[object]) -> None:
        """No claim whatever changes the address that our proxy saw."""
        chain = ", ".join([*map(str, claimed), "203.0.113.5"])
        assert seen("10.0.0.1", chain) == "203.0.113.5"

    @given(st.none() | st.text(max_size=20), st.lists(st.text(max_size=50), max_size=3))
    def test_always_an_address(self, peer: str | None, forwarded: list[str]) -> None:
        """Whatever is sent, there is an address, and a network to count by."""
        assert Client(seen(peer, *forwarded)).network
        assert Client(seen("10.0.0.1", *forwarded)).network


class TestNetwork:
    """Client.network."""

    @pytest.mark.parametrize(
        ("ip", "network"),
        [
            ("203.0.113.5", "203.0.113.5"),
            ("0.0.0.0", "0.0.0.0"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
            ("2001:db8:1:2::", "2001:db8:1:2::/64"),
            ("2001:db8:1:2:ffff:ffff:ffff:ffff", "2001:db8:1:2::/64"),
            ("2001:db8:1:3::", "2001:db8:1:3::/64"),
            ("::1", "::/64"),
        ],
    )
    def test_counted_by(self, ip: str, network: str) -> None:
        """An IPv4 address counts alone, an IPv6 address with its /64."""
        assert Client(ip).network == network


class TestDevice:
    """Client.device."""

    @pytest.mark.parametrize(
        ("user_agent", "device"),
        [
            (
                "Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/99.0",
                "Firefox on Linux",
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, "
                "like Gecko) Chrome/131.0.0.0 Safari/537.36",
                "Chrome on Windows",
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, "
                "like Gecko) Chrome/131.0.0.0 Safari/537.36 Edg/131.0.0.0",
                "Edge on Windows",
            ),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 "
                "(KHTML, like Gecko) Version/18.1 Safari/605.1.15",
                "Safari on macOS",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605"
                ".1.15 (KHTML, like Gecko) CriOS/131.0 Mobile/15E148 Safari/604.1",
                "Chrome on iPhone",
            ),
            (
                "Mozilla/5.0 (iPad; CPU OS 18_1 like Mac OS X) AppleWebKit/605.1.15 "
                "(KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1",
                "Safari on iPad",
            ),
            (
                "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, "
                "like Gecko) Chrome/131.0.0.0 Mobile Safari/537.36",
                "Chrome on Android",
            ),
            (
                "Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, "
                "like Gecko) Chrome/131.0.0.0 Safari/537.36 OPR/115.0",
                "Opera on ChromeOS",
            ),
            ("curl/8.10.1", "curl"),
            ("Dalvik/2.1.0 (Linux; U; Android 14)", "Android"),
            ("", "Unknown device"),
            ("<script>alert(1)</script>", "Unknown device"),
            ("python-httpx2/2.16", "Unknown device"),
        ],
        ids=lambda text: text[-40:],
    )
    def test_name(self, user_agent: str, device: str) -> None:
        """People are told browser and system; the caller's own text is not repeated."""
        assert Client("203.0.113.5", user_agent).device == device
