"""Redis is gone, slow, full, or answers nonsense: limits go on, and come back."""

import asyncio
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager

import pytest

from app.services.redis_counters import POLICY
from tests.redis.conftest import NewPeer
from tests.support.guesses import PER_FIVE_MINUTES, RIGHT
from tests.support.servers.bad_redis import LOADING, BadRedis
from tests.support.servers.redis import RedisServer
from tests.support.shared_limits import Peer, new_peer

Outage = Callable[[RedisServer], AbstractContextManager[None]]


@contextmanager
def stopped(server: RedisServer) -> Iterator[None]:
    """Nobody listens; the restart has forgotten everything."""
    server.stop()
    yield
    server.start()


@contextmanager
def wrong_types(server: RedisServer) -> Iterator[None]:
    """Where counters were, there are lists."""
    kept = server.names()
    for name in kept:
        server.client.delete(name)
        server.client.rpush(name, "not a number")
        server.client.expire(name, 600)
    yield
    server.flush()


OUTAGES = pytest.mark.parametrize(
    "outage",
    [stopped, RedisServer.frozen, RedisServer.full, RedisServer.read_only, wrong_types],
    ids=["stopped", "frozen", "full", "read-only", "wrong type"],
)


def changes(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str | None]]:
    """Return what was logged about where attempts are counted."""
    return [
        (vars(record)["storage"], vars(record)["error"])
        for record in caplog.records
        if record.message == "limits.storage_changed"
    ]


class TestOutage:
    """From the first failure to the return."""

    @OUTAGES
    async def test_never_open(
        self, peer_of: NewPeer, server: RedisServer, outage: Outage
    ) -> None:
        """What was counted before is not forgotten, and what comes is counted: the
        eleventh guess waits as it always does."""
        peer = peer_of(POLICY)
        for _ in range(4):
            assert await peer.guard.attempt() is None
        with outage(server):
            for _ in range(PER_FIVE_MINUTES - 4):
                assert await peer.guard.attempt() is None
            wait = await peer.guard.attempt()
            assert wait is not None and 290 <= wait <= 300
            assert peer.storage == "memory"

    @OUTAGES
    async def test_comes_back(
        self, peer_of: NewPeer, server: RedisServer, outage: Outage
    ) -> None:
        """When Redis is well it counts again by itself, and memory has kept what it did
        meanwhile."""
        peer = peer_of(POLICY)
        await peer.guard.attempt()
        with outage(server):
            for _ in range(PER_FIVE_MINUTES - 2):
                await peer.guard.attempt()
            assert peer.storage == "memory"
        peer.wait_for_probe()
        assert await peer.guard.attempt() is None
        assert peer.storage == "redis"
        assert await peer.guard.attempt() is not None
        stranger = peer_of(POLICY)
        assert await stranger.guard.attempt() is None

    @OUTAGES
    async def test_each_change_is_one_line(
        self,
        peer_of: NewPeer,
        server: RedisServer,
        outage: Outage,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        """One when Redis goes, with the kind of error, and one when it is back; none
        per attempt, and no word of what Redis said."""
        caplog.set_level(logging.INFO)
        peer = peer_of(POLICY)
        await peer.guard.attempt()
        with outage(server):
            for number in range(20):
                await peer.guard.attempt(account=f"u{number}@example.com")
        peer.wait_for_probe()
        await peer.guard.attempt()
        (gone, error), back = changes(caplog)
        assert (gone, back) == ("memory", ("redis", None))
        assert error is not None and error.isidentifier()

    @OUTAGES
    async def test_ends_an_attempt_well(
        self, peer_of: NewPeer, server: RedisServer, outage: Outage
    ) -> None:
        """What was counted in Redis before the outage is taken back where it can be."""
        peer = peer_of(POLICY)
        with ExitStack() as stack:

            async def begin() -> None:
                stack.enter_context(outage(server))

            assert await peer.guard.attempt(RIGHT, meanwhile=begin) is None
            for _ in range(PER_FIVE_MINUTES):
                assert await peer.guard.attempt() is None
            assert await peer.guard.attempt() is not None

    async def test_counts_of_several_processes(
        self, peer_of: NewPeer, server: RedisServer
    ) -> None:
        """While Redis is gone each process has the limit for itself, no more."""
        peers = [peer_of(POLICY) for _ in range(3)]
        with stopped(server):
            waits = [
                await peer.guard.attempt()
                for peer in peers
                for _ in range(2 * PER_FIVE_MINUTES)
            ]
        assert waits.count(None) == 3 * PER_FIVE_MINUTES


class TestFlush:
    """Redis loses its memory: FLUSHALL, or a restart nobody noticed."""

    async def test_opens_no_more_than_one_window(
        self, peer_of: NewPeer, server: RedisServer
    ) -> None:
        """Each process still knows what it has let through, so all together let through
        no more than once the limit again."""
        peers = [peer_of() for _ in range(3)]
        passed = []
        for _ in range(2):
            waits = [
                await peer.guard.attempt()
                for _ in range(PER_FIVE_MINUTES)
                for peer in peers
            ]
            passed.append(waits.count(None))
            server.flush()
        assert passed == [PER_FIVE_MINUTES, PER_FIVE_MINUTES]
        assert await peers[0].guard.attempt(account="bob@example.com") is None

    async def test_opens_nothing_in_a_single_process(
        self, peer: Peer, server: RedisServer
    ) -> None:
        """Who counted everything itself has forgotten nothing."""
        for _ in range(PER_FIVE_MINUTES):
            await peer.guard.attempt()
        server.flush()
        assert await peer.guard.attempt() is not None


class TestTime:
    """What a Redis that is there but silent costs."""

    async def test_frozen(self, peer_of: NewPeer, server: RedisServer) -> None:
        """Guesses at that moment take the deadline; later ones take no time at all."""
        peer = peer_of(POLICY)
        await peer.guard.attempt(RIGHT)
        with server.frozen():
            began = time.monotonic()
            await asyncio.gather(
                *[peer.guard.attempt(account=f"u{n}@x.org") for n in range(40)]
            )
            at_once = time.monotonic() - began
            for _ in range(100):
                await peer.guard.attempt(RIGHT, account="ada@x.org")
            later = time.monotonic() - began - at_once
        assert POLICY.deadline_seconds <= at_once < POLICY.deadline_seconds + 0.5
        assert later < POLICY.deadline_seconds

    async def test_slow(self, peer_of: NewPeer, server: RedisServer) -> None:
        """So does one that is busy for longer than the deadline."""
        peer = peer_of(POLICY)
        await peer.guard.attempt(RIGHT)
        asleep = asyncio.to_thread(server.client.execute_command, "DEBUG", "SLEEP", "1")
        sleeping = asyncio.create_task(asleep)
        await asyncio.sleep(0.1)
        began = time.monotonic()
        assert await peer.guard.attempt() is None
        assert time.monotonic() - began < POLICY.deadline_seconds + 0.5
        assert peer.storage == "memory"
        await sleeping


class TestNonsense:
    """What says it is Redis, and answers something else."""

    @pytest.mark.parametrize(
        "answer",
        [
            LOADING,
            b"-NOAUTH Authentication required.\r\n",
            b"-MOVED 3999 127.0.0.1:6381\r\n",
            b"+OK\r\n",
            b":1\r\n",
            b"$-1\r\n",
            b"*-1\r\n",
            b"*2\r\n:1\r\n:60000\r\n",
            b"*6\r\n" + b"$3\r\nabc\r\n" * 6,
            b"HTTP/1.1 400 Bad Request\r\n\r\n",
            b"\xff\xfe\x00",
            b"*1000000000\r\n",
            b"",
        ],
        ids=[
            "loading",
            "no password",
            "cluster",
            "text",
            "number",
            "nothing",
            "no list",
            "short list",
            "words",
            "HTTP",
            "bytes",
            "endless list",
            "hangs up",
        ],
    )
    async def test_is_no_answer(self, answer: bytes) -> None:
        """Memory counts, and the eleventh guess waits."""
        async with BadRedis(answer) as server:
            peer = new_peer(server.url, POLICY)
            for _ in range(PER_FIVE_MINUTES):
                assert await peer.guard.attempt() is None
            assert await peer.guard.attempt() is not None
            assert peer.storage == "memory"
            await peer.counters.aclose()
