"""Limits that share a Redis, as those of several processes do."""

import asyncio
import sys
from dataclasses import dataclass, replace

from app.core.security import DerivedKeys
from app.services.circuit_breaker import BreakerPolicy, BreakerRegistry
from app.services.limits import Limits
from app.services.redis_counters import POLICY, RedisCounters
from tests.support.databases import SECRET_KEY
from tests.support.guesses import Guard

PATIENT_POLICY = replace(POLICY, deadline_seconds=10)
"""For facts that a busy machine must not change."""


class BreakerClock:
    """The time of a breaker; move it with `now`."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        """Return the present of the test."""
        return self.now


@dataclass
class Peer:
    """What one process counts with."""

    guard: Guard
    counters: RedisCounters
    breakers: BreakerRegistry
    clock: BreakerClock

    @property
    def storage(self) -> str:
        """Where it counts now."""
        return self.guard.limits.storage

    def wait_for_probe(self) -> None:
        """Let so much time pass that an open breaker tries Redis again."""
        self.clock.now += POLICY.recovery_seconds + 1


def new_peer(url: str, policy: BreakerPolicy = PATIENT_POLICY) -> Peer:
    """Return a process's limits on this Redis, to be closed by the caller."""
    clock = BreakerClock()
    breakers = BreakerRegistry(clock)
    counters = RedisCounters(url, DerivedKeys(SECRET_KEY), breakers, policy)
    return Peer(Guard(limits=Limits(True, counters)), counters, breakers, clock)


async def guess_at_once(url: str, attempts: int) -> int:
    """Guess when told to on standard input, all at once; return how many passed."""
    peer = new_peer(url)
    await peer.guard.limits.look_for_redis()
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    waits = await asyncio.gather(*[peer.guard.attempt() for _ in range(attempts)])
    assert peer.storage == "redis"
    await peer.counters.aclose()
    return waits.count(None)


if __name__ == "__main__":
    print(asyncio.run(guess_at_once(sys.argv[1], int(sys.argv[2]))), flush=True)
