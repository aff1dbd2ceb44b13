"""What processes that share a Redis let through together."""

import asyncio
import subprocess
import sys
from contextlib import ExitStack

from app.core.client import Client
from app.services.limit_counters import Count, FullError, Window
from app.services.limits import NETWORK
from tests.redis.conftest import NewPeer
from tests.support.guesses import (
    ADA,
    BUSY,
    CANCELLED,
    FIVE_MINUTES,
    PER_FIVE_MINUTES,
    RIGHT,
)
from tests.support.processes import ROOT, SECONDS
from tests.support.servers.redis import RedisServer
from tests.support.shared_limits import Peer

PROCESSES, ATTEMPTS = 3, 200


class TestExactness:
    """At most the limit, whoever counts."""

    def test_three_processes_at_once(self, server: RedisServer) -> None:
        """Of two hundred guesses from three processes at once, exactly ten pass."""
        program = [sys.executable, "-m", "tests.support.shared_limits", server.url]
        with ExitStack() as stack:
            processes = [
                stack.enter_context(
                    subprocess.Popen(
                        [*program, str(-(-ATTEMPTS // PROCESSES))],
                        cwd=ROOT,
                        stdin=subprocess.PIPE,
                        stdout=subprocess.PIPE,
                        text=True,
                    )
                )
                for _ in range(PROCESSES)
            ]
            for process in processes:
                assert process.stdout is not None
                assert process.stdout.readline() == "ready\n"
            for process in processes:
                assert process.stdin is not None
                process.stdin.write("now\n")
                process.stdin.flush()
            answers = [process.communicate(timeout=SECONDS)[0] for process in processes]
        assert sum(map(int, answers)) == PER_FIVE_MINUTES

    async def test_many_accounts_from_one_network(self, peer_of: NewPeer) -> None:
        """The widest window that is full decides, and the others are left as they were:
        exactly fifty guesses pass."""
        peers = [peer_of() for _ in range(PROCESSES)]
        waits = await asyncio.gather(
            *[
                peers[n % PROCESSES].guard.attempt(account=f"u{n}@example.com")
                for n in range(ATTEMPTS)
            ]
        )
        assert waits.count(None) == NETWORK[0].amount
        elsewhere = Client("203.0.113.7")
        assert (
            await peers[0].guard.attempt("wrong", "u199@example.com", None, elsewhere)
            is None
        )

    async def test_in_turns(self, peer_of: NewPeer) -> None:
        """What one has counted is missing to the other, and both name the wait."""
        one, other = peer_of(), peer_of()
        for number in range(PER_FIVE_MINUTES):
            peer = one if number % 2 else other
            assert await peer.guard.attempt() is None
        for peer in (one, other):
            wait = await peer.guard.attempt()
            assert wait is not None and FIVE_MINUTES - 5 <= wait <= FIVE_MINUTES

    async def test_refused_costs_nothing(
        self, peer_of: NewPeer, server: RedisServer
    ) -> None:
        """A refusal is counted in no window, neither in Redis nor in memory."""
        one, other = peer_of(), peer_of()
        for _ in range(PER_FIVE_MINUTES):
            await one.guard.attempt()
        kept = {name: server.client.get(name) for name in server.names()}
        for _ in range(NETWORK[0].amount):
            assert await other.guard.attempt() is not None
        assert {name: server.client.get(name) for name in server.names()} == kept
        assert await other.guard.attempt(account="bob@example.com") is None


class TestTakenBack:
    """What does not count as a failure."""

    async def test_right_and_busy_leave_nothing(
        self, peer: Peer, server: RedisServer
    ) -> None:
        """After them Redis is as empty as before."""
        for outcome in (RIGHT, BUSY):
            assert await peer.guard.attempt(outcome) is None
        assert server.names() == []

    async def test_failures_of_others_stay(self, peer_of: NewPeer) -> None:
        """Only the attempt's own count is taken back."""
        one, other = peer_of(), peer_of()
        for _ in range(PER_FIVE_MINUTES - 1):
            await one.guard.attempt()
        assert await other.guard.attempt(RIGHT) is None
        assert await other.guard.attempt(CANCELLED) is None
        assert await one.guard.attempt(RIGHT) is not None

    async def test_not_from_a_later_window(
        self, peer_of: NewPeer, server: RedisServer
    ) -> None:
        """An attempt that ends in a later window is not taken back from that one."""
        slow, quick = peer_of(), peer_of()

        async def let_the_window_end() -> None:
            server.flush()
            for _ in range(PER_FIVE_MINUTES):
                assert await quick.guard.attempt() is None

        await slow.guard.attempt()
        for name in server.names():
            server.client.pexpire(name, 50_000)
        await slow.guard.attempt(RIGHT, meanwhile=let_the_window_end)
        assert await slow.guard.attempt() is not None


class TestWindows:
    """When windows end."""

    async def test_memory_ends_with_redis(
        self, peer_of: NewPeer, server: RedisServer
    ) -> None:
        """Who counts first in a window that another has begun ends it with them."""
        one, other = peer_of(), peer_of()
        await one.guard.attempt()
        for name in server.names():
            server.client.pexpire(name, 100_000)
        for _ in range(PER_FIVE_MINUTES - 1):
            assert await other.guard.attempt() is None
        server.flush()
        assert await other.guard.attempt() is None
        wait = await other.guard.attempt()
        assert wait is not None and 90 <= wait <= 100

    async def test_no_count_without_an_end(
        self, peer: Peer, server: RedisServer
    ) -> None:
        """A counter that would never end, by whatever hand, locks nobody out."""
        await peer.guard.attempt()
        for name in server.names():
            server.client.set(name, 1_000_000)
        assert await peer.guard.attempt() is None
        assert all(server.client.pttl(name) > 0 for name in server.names())

    async def test_waits_of_all_that_is_full(self, peer_of: NewPeer) -> None:
        """The wait is that of the longest full window, and the kind the first's."""
        short, long = Window(1, 60), Window(1, 600)
        counts = [Count("a", "x", (short, long)), Count("b", "x", (Window(9, 900),))]
        one, other = peer_of(), peer_of()
        assert await one.counters.hit(counts) is not None
        try:
            await other.counters.hit(counts)
            raise AssertionError("let through")
        except FullError as full:
            assert full.kind == "a" and 595 < full.seconds <= 600


class TestWhatRedisLearns:
    """The names of what is kept."""

    async def test_no_addresses(self, peer: Peer, server: RedisServer) -> None:
        """Neither e-mail addresses nor IP addresses stand in Redis."""
        await peer.guard.attempt()
        await peer.guard.attempt(account=ADA, device="laptop")
        names = server.names()
        assert len(names) == 5 + 4
        assert all(name.startswith("cardea:limits:") for name in names)
        told = "".join(names)
        assert "ada" not in told and "198.51" not in told and "laptop" not in told

    async def test_everything_ends(self, peer: Peer, server: RedisServer) -> None:
        """Redis forgets each counter by itself when its window ends."""
        await peer.guard.attempt()
        for name in server.names():
            seconds = int(name.rpartition(":")[2])
            assert 0 < server.client.pttl(name) <= seconds * 1000
