"""Limits: who must wait, counted before the work is done.

Each kind of attempt is counted in several windows at once: short ones that refuse soon,
long ones that make the wait grow. Every window ends by itself; nothing locks for good.
"""

import logging
import math
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from uuid import UUID

from limits import RateLimitItem, WindowStats, parse_many
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import FixedWindowRateLimiter

from app.core.client import Client
from app.core.exceptions import RetryLaterError, TooManyRequestsError

logger = logging.getLogger(__name__)

ACCOUNT = tuple(parse_many("10/5minutes; 30/hour"))
"""Wrong passwords for one account from strangers, or from one known device."""

DEVICES = tuple(parse_many("50/5minutes; 200/hour"))
"""Wrong passwords for one account from all devices it knows together."""

NETWORK = tuple(parse_many("50/5minutes; 200/hour"))
"""Wrong passwords from one network, whatever the accounts."""

OVERALL = tuple(parse_many("300/minute"))
"""Wrong passwords from all strangers together."""

SIGN_UP = tuple(parse_many("20/hour; 50/day"))
"""New accounts from one network."""

SIGN_UP_OVERALL = tuple(parse_many("100/minute"))
"""New accounts altogether."""

REFRESH = tuple(parse_many("120/minute"))
"""Refreshes of one session; fifty tabs may ask at once."""

REFRESH_NETWORK = tuple(parse_many("3000/minute"))
"""Refreshes from one network, genuine or not."""


@dataclass(frozen=True)
class Count:
    """One thing that is counted: a name, and the windows it is counted in."""

    kind: str
    subject: str
    windows: Sequence[RateLimitItem]


class Limits:
    """Counts attempts and refuses what is too much."""

    def __init__(self, enabled: bool) -> None:
        self._enabled = enabled
        self._counter = FixedWindowRateLimiter(MemoryStorage())

    def sign_in(
        self, account: str, device: str | None, client: Client
    ) -> AbstractAsyncContextManager[None]:
        """Count an attempt to sign in before the password is looked at.

        Args:
            account: The e-mail key that was given, known or not.
            device: The device's name if it has signed in to this account before; then
                strangers' attempts do not count against it.
            client: Who asks.

        Raises:
            TooManyRequestsError: On entering, if the caller must wait.
        """
        if device is not None:
            return self._attempt(
                Count("sign-in-device", f"{account}/{device}", ACCOUNT),
                Count("sign-in-devices", account, DEVICES),
            )
        return self._attempt(
            Count("sign-in-network", client.network, NETWORK),
            Count("sign-in-all", "", OVERALL),
            Count("sign-in-account", account, ACCOUNT),
        )

    def password_check(self, session_id: UUID) -> AbstractAsyncContextManager[None]:
        """Count a check of the current password of somebody who is signed in.

        Raises:
            TooManyRequestsError: On entering, if the caller must wait.
        """
        return self._attempt(Count("password-check", str(session_id), ACCOUNT))

    async def count_sign_up(self, client: Client) -> None:
        """Count a new account."""
        await self._count(
            [
                Count("sign-up-network", client.network, SIGN_UP),
                Count("sign-up-all", "", SIGN_UP_OVERALL),
            ]
        )

    async def count_refresh_attempt(self, client: Client) -> None:
        """Count a refresh before the token is looked at."""
        await self._count([Count("refresh-network", client.network, REFRESH_NETWORK)])

    async def count_refresh(self, session_id: UUID) -> None:
        """Count a refresh with a genuine token of this session."""
        await self._count([Count("refresh", str(session_id), REFRESH)])

    @asynccontextmanager
    async def _attempt(self, *counts: Count) -> AsyncIterator[None]:
        """Count an attempt, and take it back unless it fails.

        That the service could not look at the password is nobody's failure; being
        cancelled is one, or hanging up early would make guesses free.
        """
        await self._count(counts)
        counted_at = time.time()
        try:
            yield
        except RetryLaterError:
            await self._take_back(counts, counted_at)
            raise
        await self._take_back(counts, counted_at)

    async def _count(self, counts: Sequence[Count]) -> None:
        """Count in every window, or in none of them if one is full."""
        if not self._enabled:
            return
        counted_at = time.time()
        for number, count in enumerate(counts, start=1):
            hits = [await self._hit(count, window) for window in count.windows]
            if not all(hits):
                wait = await self._wait(counts)
                logger.warning(
                    "limits.refused", extra={"kind": count.kind, "wait_seconds": wait}
                )
                await self._take_back(counts[:number], counted_at)
                raise TooManyRequestsError(wait)

    async def _take_back(self, counts: Sequence[Count], counted_at: float) -> None:
        if not self._enabled:
            return
        for count in counts:
            for window in count.windows:
                end = (await self._stats(count, window)).reset_time
                # Taken from a later window, it would be a free guess there.
                if time.time() < end <= counted_at + window.get_expiry():
                    await self._hit(count, window, cost=-1)

    async def _hit(self, count: Count, window: RateLimitItem, cost: int = 1) -> bool:
        return await self._counter.hit(window, count.kind, count.subject, cost=cost)

    async def _wait(self, counts: Sequence[Count]) -> int:
        """Return the seconds until every window that is full has ended."""
        ends = [time.time()]
        for count in counts:
            for window in count.windows:
                stats = await self._stats(count, window)
                if stats.remaining == 0:
                    ends.append(stats.reset_time)
        return math.ceil(max(ends) - ends[0])

    async def _stats(self, count: Count, window: RateLimitItem) -> WindowStats:
        return await self._counter.get_window_stats(window, count.kind, count.subject)
