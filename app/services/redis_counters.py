"""Counters in Redis, which all processes share.

An attempt costs one round trip: a script counts it in every window or in none, and
Redis runs one script at a time. Windows end by Redis's clock; times are exchanged as
what is left of them, so the clocks of the processes need not agree.
"""

import logging
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Literal

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.commands.core import AsyncScript
from redis.exceptions import RedisError

from app.core.derived_keys import DerivedKeys
from app.services.circuit_breaker import (
    BreakerPolicy,
    BreakerRegistry,
    DependencyUnavailableError,
)
from app.services.limit_counters import Count, FullError, each_window

logger = logging.getLogger(__name__)

Storage = Literal["redis", "memory"]

POLICY = BreakerPolicy(deadline_seconds=0.5, failure_threshold=1, recovery_seconds=5)
"""One failure is enough: memory counts anyway, and nobody else waits for Redis."""

PREFIX = "cardea:limits"
CONNECTIONS = 10

SLACK_MILLISECONDS = 1000
"""By how much the two ideas of when a window ends may differ. Two windows of the same
name end a whole length apart, a minute at least."""

_HIT = """
-- KEYS: counters. ARGV: for each, how much it may hold, and for how many milliseconds.
local held, left, wait, refused = {}, {}, {}, false
for i, key in ipairs(KEYS) do
    left[i] = redis.call('PTTL', key)
    held[i] = left[i] > 0 and tonumber(redis.call('GET', key)) or 0
    local full = held[i] >= tonumber(ARGV[2 * i - 1])
    wait[i] = full and left[i] or 0
    refused = refused or full
end
-- Nothing is written so far: whatever fails up to here leaves nothing half done.
if refused then
    return {0, unpack(wait)}
end
for i, key in ipairs(KEYS) do
    if held[i] > 0 then
        redis.call('SET', key, held[i] + 1, 'KEEPTTL')
    else
        redis.call('SET', key, 1, 'PX', ARGV[2 * i])
        left[i] = ARGV[2 * i]
    end
end
return {1, unpack(left)}
"""

_TAKE_BACK = """
-- KEYS: counters. ARGV: how much, at most, is left of the window that is meant.
for i, key in ipairs(KEYS) do
    local left = redis.call('PTTL', key)
    if left > 0 and left <= tonumber(ARGV[i]) then
        if tonumber(redis.call('GET', key)) > 1 then
            redis.call('DECR', key)
        else
            redis.call('DEL', key)
        end
    end
end
return {}
"""


class RedisCounters:
    """Counts for all processes that use the same Redis and the same SECRET_KEY.

    Whatever goes wrong with Redis is no error here: then nothing is counted, which is
    what None says.

    Args:
        url: Where Redis is.
        keys: Hide who is counted, so that Redis learns no addresses.
        breakers: Gets a breaker named `redis`.
        policy: When that breaker opens.
    """

    def __init__(
        self,
        url: str,
        keys: DerivedKeys,
        breakers: BreakerRegistry,
        policy: BreakerPolicy = POLICY,
    ) -> None:
        self._keys = keys
        self._client = Redis.from_pool(_pool(url, policy.deadline_seconds))
        self._hit = self._client.register_script(_HIT)
        self._take_back = self._client.register_script(_TAKE_BACK)
        self._breaker = breakers.create("redis", policy, failures=(Exception,))
        self._told: Storage = "redis"

    @property
    def storage(self) -> Storage:
        """Whether attempts are counted here now, or in memory alone."""
        return "redis" if self._breaker.status.state == "closed" else "memory"

    async def look(self) -> None:
        """Find out whether Redis answers, and warn if it does not."""
        await self._run(self._take_back, [], [])

    async def hit(self, counts: Sequence[Count]) -> list[float] | None:
        """Count an attempt in every window, or in none of them if one is full.

        Returns:
            When each window ends, in the order of `each_window`, by `time.time()`;
            None if Redis did not do it.

        Raises:
            FullError: If one is full.
        """
        windows = [window for _, window in each_window(counts)]
        arguments = [n for w in windows for n in (w.amount, w.seconds * 1000)]
        reply = await self._run(self._hit, counts, arguments)
        if not reply:
            return None
        counted, *left = reply
        if not counted:
            raise _full(counts, left)
        now = time.time()
        return [now + milliseconds / 1000 for milliseconds in left]

    async def take_back(self, counts: Sequence[Count], ends: Sequence[float]) -> None:
        """Undo a hit whose windows end then. What has ended meanwhile is left alone."""
        now = time.time()
        left = [int((end - now) * 1000) + SLACK_MILLISECONDS for end in ends]
        await self._run(self._take_back, counts, left)

    async def aclose(self) -> None:
        """Close the connections."""
        with suppress(RedisError, OSError):
            await self._client.aclose()

    async def _run(
        self, script: AsyncScript, counts: Sequence[Count], arguments: Sequence[int]
    ) -> list[int] | None:
        """Run a script on the counters; None if there was no good answer in time."""
        reply, cause = None, None
        try:
            names = self._names(counts)
            reply = await self._breaker.call(_ask, script, names, arguments)
        except DependencyUnavailableError as error:
            cause = error.__cause__
        self._tell(cause)
        return reply

    def _names(self, counts: Sequence[Count]) -> list[str]:
        names = []
        for count in counts:
            who = self._keys.mac("limits", f"{count.kind} {count.subject}".encode())
            prefix = f"{PREFIX}:{count.kind}:{who.hex()}"
            names += [f"{prefix}:{window.seconds}" for window in count.windows]
        return names

    def _tell(self, cause: BaseException | None) -> None:
        """Log where attempts are counted if that has changed, and why."""
        if self.storage == self._told:
            return
        self._told = self.storage
        level = logging.WARNING if self._told == "memory" else logging.INFO
        error = type(cause).__name__ if cause else None
        extra = {"storage": self._told, "error": error}
        logger.log(level, "limits.storage_changed", extra=extra)


async def _ask(
    script: AsyncScript, names: Sequence[str], arguments: Sequence[int]
) -> list[int]:
    reply = await script(keys=names, args=arguments)
    if len(reply) not in (0, 1 + len(names)):
        raise ValueError("an answer of another form")
    return [int(number) for number in reply]


def _full(counts: Sequence[Count], left: Sequence[int]) -> FullError:
    """Return the error for an answer with what is left of the windows that are full."""
    full = [
        (count.kind, milliseconds)
        for (count, _), milliseconds in zip(each_window(counts), left, strict=True)
        if milliseconds > 0
    ]
    return FullError(full[0][0], max(left) / 1000)


def _pool(url: str, seconds: float) -> BlockingConnectionPool:
    """Return a pool of connections that are used by one command at a time.

    The breaker's deadline bounds everything, waiting for a connection too. It cancels
    the command, and redis-py closes a connection whose command was cancelled: its next
    user would read the answer to the one before.
    """
    options: dict[str, Any] = {
        "max_connections": CONNECTIONS,
        "timeout": None,
        # A timeout here would use `asyncio.wait_for`, which can swallow a cancellation.
        "socket_timeout": None,
        "socket_connect_timeout": seconds,
        # What failed may have been counted: tried again, it would count twice.
        "retry": Retry(NoBackoff(), 0),
        # With version 3 the pool hands out connections that have an answer left over.
        "protocol": 2,
        "driver_info": None,
    }
    return BlockingConnectionPool.from_url(url, **options)
