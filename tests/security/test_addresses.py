"""Addresses of clients, as limits take them."""

import pytest

from app.core.config import Settings
from tests.conftest import MakeSettings
from tests.security.guessing import PER_NETWORK, WRONG, guess
from tests.support.apps import RunningApp

PROXY, ATTACKER, VICTIM = "10.0.0.1", "203.0.113.9", "203.0.113.10"


class TestLeftmostAddress:
    """CVE-2023-36456: X-Forwarded-For was believed from anybody, and of a chain the
    end that the caller writes."""

    @pytest.fixture
    def settings(self, make: MakeSettings) -> Settings:
        """Behind one proxy."""
        return make(trusted_proxies=(PROXY,))

    @pytest.mark.parametrize(
        ("peer", "chain"),
        [(PROXY, "198.51.100.{}, " + ATTACKER), (ATTACKER, "198.51.100.{}")],
        ids=["through-the-proxy", "past-it"],
    )
    async def test_gives_no_more_guesses(
        self, running: RunningApp, peer: str, chain: str
    ) -> None:
        """Another address in every request is still one network."""
        statuses = []
        for n in range(PER_NETWORK + 1):
            header = ("x-forwarded-for", chain.format(n))
            answer = await guess(running, f"u{n}@example.com", WRONG, header, peer=peer)
            statuses.append(answer.status_code)
        assert statuses == [401] * PER_NETWORK + [429]

    async def test_blames_nobody_else(self, running: RunningApp) -> None:
        """Guesses in another's name don't make the other wait."""
        forged = ("x-forwarded-for", f"{VICTIM}, {ATTACKER}")
        for n in range(PER_NETWORK):
            await guess(running, f"u{n}@example.com", WRONG, forged, peer=PROXY)
        for address, status in ((ATTACKER, 429), (VICTIM, 401)):
            header = ("x-forwarded-for", address)
            answer = await guess(running, "x@example.com", WRONG, header, peer=PROXY)
            assert answer.status_code == status


class TestIpv6Rotation:
    """CVE-2026-45364: limits were keyed by the text of an address, and whoever has one
    IPv6 address has 2^64, each with many spellings."""

    async def test_one_network_is_one(self, running: RunningApp) -> None:
        """All of a /64 share their guesses; the next /64 has its own."""
        for n in range(PER_NETWORK):
            peer = f"2001:db8:0:1:{n:x}::1"
            assert (await guess(running, f"u{n}@example.com", peer=peer)).is_error
        for spelling in ("2001:DB8:0:1::ffff", "2001:0db8:0000:0001:0:0:0:1"):
            answer = await guess(running, "x@example.com", peer=spelling)
            assert answer.status_code == 429
        other = await guess(running, "x@example.com", peer="2001:db8:0:2::1")
        assert other.status_code == 401

    async def test_mapped_address_is_the_address(self, running: RunningApp) -> None:
        """IPv4 in IPv6's clothes is counted as IPv4."""
        for n in range(PER_NETWORK):
            peer = (ATTACKER, f"::ffff:{ATTACKER}", "::FFFF:cb00:7109")[n % 3]
            await guess(running, f"u{n}@example.com", peer=peer)
        answer = await guess(running, "x@example.com", peer=ATTACKER)
        assert answer.status_code == 429
