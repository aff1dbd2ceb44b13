"""A clock that jumps, forwards or back, under a running server process."""

import asyncio
import base64
import json
import time
from contextlib import asynccontextmanager

import httpx2

from tests.faults.injections.fault import Fault, Injection, Moments
from tests.faults.probes import NotYetError, signed_in
from tests.faults.wall_clock import set_clock

SEEN_SECONDS = 5
PAUSE_SECONDS = 0.2
PRECISION_SECONDS = 10


class ClockJump(Fault):
    """One server's clock is minutes ahead, or behind, and then right again."""

    name = "clock_jump"
    family = "clock"
    seconds = (3, 6)
    bends_time = True

    @asynccontextmanager
    async def injected(self, under_way: Injection) -> Moments:
        """Let the clock jump, and jump back."""
        cluster, server = under_way.cluster, under_way.server
        jump = under_way.rng.choice([-1, 1]) * under_way.rng.randint(60, 120)
        under_way.evidence["jump"] = f"{jump:+d} s"
        set_clock(server.clock, jump)
        try:
            under_way.shown = await _is_seen(server.url, jump)
            yield
        finally:
            set_clock(server.clock, 0)
            # What was issued meanwhile is too old or too new for as long.
            life = abs(jump) + cluster.target.access_token_seconds
            cluster.clocks_wrong_until = time.monotonic() + life


async def _is_seen(url: str, jump: int) -> bool:
    """Tell whether new tokens carry the wrong time."""
    deadline = time.monotonic() + SEEN_SECONDS
    while time.monotonic() < deadline:
        try:
            token = (await signed_in(url))["access_token"]
            return abs(_issued_at(token) - time.time() - jump) < PRECISION_SECONDS
        except (NotYetError, httpx2.HTTPError):
            await asyncio.sleep(PAUSE_SECONDS)
    return False


def _issued_at(token: str) -> int:
    claims = token.split(".")[1]
    decoded = base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4))
    return int(json.loads(decoded)["iat"])
