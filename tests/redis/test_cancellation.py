"""Cancelled commands: nobody reads the answer to another's question.

redis-py has left connections out of step when a command was cancelled between question
and answer: the next user of the connection read the answer to another one. Here every
question has an answer of its own: what is left of a window of a length of its own.
"""

import asyncio
import random
import time
from dataclasses import replace

import pytest

from app.services.limit_counters import Count, Window
from app.services.redis_counters import CONNECTIONS, POLICY, RedisCounters
from tests.redis.conftest import NewPeer
from tests.support.cancellation import WAYS_TO_CANCEL
from tests.support.servers.redis import RedisServer
from tests.support.shared_limits import Peer

EVERY_WAY = pytest.mark.parametrize(
    "cancel", WAYS_TO_CANCEL, ids=[way.__name__ for way in WAYS_TO_CANCEL]
)


def question(number: int) -> list[Count]:
    """Return counts whose answer is about so many minutes."""
    return [Count("question", str(number), [Window(10**6, 60 * number)])]


async def ask(counters: RedisCounters, number: int) -> bool:
    """Ask, and tell whether there was an answer; it must be the right one."""
    ends = await counters.hit(question(number))
    if ends is not None:
        (end,) = ends
        assert end - time.time() == pytest.approx(60 * number, abs=20)
    return ends is not None


async def all_well(peer: Peer) -> None:
    """Check that every connection there may be answers what it is asked."""
    numbers = range(1, 3 * CONNECTIONS)
    assert all(await asyncio.gather(*[ask(peer.counters, n) for n in numbers]))


class TestCancelled:
    """A caller that hangs up."""

    @EVERY_WAY
    async def test_at_every_wait(self, peer: Peer, cancel: object) -> None:
        """Wherever a command is cancelled, on a new connection or an old one, the next
        one gets its own answer, and no connection is lost."""
        assert callable(cancel)
        for fresh in (True, False):
            step, reached = 1, True
            while reached:
                if fresh:
                    await peer.counters.aclose()
                reached = await cancel(ask(peer.counters, 500 + step), step)
                assert await ask(peer.counters, step)
                step += 1
            assert step > 2
        await all_well(peer)

    async def test_many_under_load(self, peer: Peer) -> None:
        """Two thousand commands, every third cancelled at some moment."""
        chance = random.Random(20260601)
        answered = 0
        for _ in range(40):
            tasks = [
                asyncio.create_task(ask(peer.counters, chance.randint(1, 1000)))
                for _ in range(50)
            ]
            for task in tasks[::3]:
                delay = chance.random() * 0.02
                asyncio.get_running_loop().call_later(delay, task.cancel)
            ends = await asyncio.gather(*tasks, return_exceptions=True)
            wrong = [e for e in ends if isinstance(e, Exception)]
            assert not wrong
            answered += ends.count(True)
        assert answered >= 40 * 33
        await all_well(peer)


class TestDeadline:
    """The breaker's own cancellation."""

    async def test_late_answers_are_nobodys(
        self, peer_of: NewPeer, server: RedisServer
    ) -> None:
        """What a frozen Redis answers when it wakes up is read by nobody."""
        # Long enough for a machine that is busy.
        peer = peer_of(replace(POLICY, deadline_seconds=2))
        await all_well(peer)
        for _ in range(3):
            with server.frozen():
                answers = await asyncio.gather(
                    *[ask(peer.counters, 900 + n) for n in range(3 * CONNECTIONS)]
                )
                assert not any(answers)
            peer.wait_for_probe()
            assert await ask(peer.counters, 1)
            await all_well(peer)

    async def test_connections_are_bounded(
        self, peer: Peer, server: RedisServer
    ) -> None:
        """However many ask at once, there are ten connections."""
        await asyncio.gather(*[ask(peer.counters, n) for n in range(1, 300)])
        clients = server.client.client_list()
        assert len(clients) <= 10 + 1
