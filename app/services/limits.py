"""Limits: who must wait, counted before the work is done.

Each kind of attempt is counted in several windows at once: short ones that refuse soon,
long ones that make the wait grow. Every window ends by itself; nothing locks for good.
"""

import logging
import math
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal
from uuid import UUID

from app.core.client import Client
from app.core.exceptions import (
    AppError,
    ChallengeFailedError,
    RetryLaterError,
    TooManyRequestsError,
)
from app.core.metrics import LIMITS_REFUSED
from app.services.limit_counters import (
    Count,
    Counter,
    FullError,
    MemoryCounters,
    Window,
)

if TYPE_CHECKING:
    from app.services.redis_counters import RedisCounters

logger = logging.getLogger(__name__)

MINUTE, HOUR, DAY = 60, 3600, 86_400

ACCOUNT = (Window(10, 5 * MINUTE), Window(30, HOUR))
"""Wrong passwords for one account from strangers, or from one known device."""

DEVICES = (Window(50, 5 * MINUTE), Window(200, HOUR))
"""Wrong passwords for one account from all devices it knows together."""

NETWORK = (Window(50, 5 * MINUTE), Window(200, HOUR))
"""Wrong passwords from one network, whatever the accounts."""

OVERALL = (Window(300, MINUTE),)
"""Wrong passwords from all strangers together."""

SIGN_UP = (Window(20, HOUR), Window(50, DAY))
"""New accounts from one network."""

SIGN_UP_OVERALL = (Window(100, MINUTE),)
"""New accounts altogether."""

REFRESH = (Window(120, MINUTE),)
"""Refreshes of one session; fifty tabs may ask at once."""

REFRESH_NETWORK = (Window(3000, MINUTE),)
"""Refreshes from one network, genuine or not."""

CODE_NETWORK = (Window(20, 5 * MINUTE), Window(100, DAY))
"""Wrong codes from one network, whomever they were sent to."""

CODE_OVERALL = (Window(300, HOUR),)
"""Wrong codes altogether: of a million that a code can be."""

MAIL_RECIPIENT = (Window(1, MINUTE), Window(10, DAY))
"""Mail that is asked for to one address by strangers, or by devices it knows."""

MAIL_NETWORK = (Window(30, HOUR), Window(100, DAY))
"""Mail that one network asks for."""

MAIL_OVERALL = (Window(200, MINUTE),)
"""Mail that all together ask for."""


@dataclass(frozen=True, slots=True)
class Counted:
    """An attempt that was counted, and where, so that it can be taken back.

    `ends` says when its windows in Redis end; None if it was not counted there.
    """

    counts: Sequence[Count]
    counters: Sequence[Counter]
    ends: Sequence[float] | None


class Limits:
    """Counts attempts and refuses what is too much.

    Every process counts in its memory all that it lets through. What is well by that is
    counted in Redis too, where there is one, and Redis decides for all processes
    together. So there is nothing to switch to when Redis is gone, and nothing begins
    from zero.

    Args:
        enabled: Whether anything is counted at all.
        shared: Counters that other processes share, if there are any.
    """

    def __init__(self, enabled: bool, shared: "RedisCounters | None" = None) -> None:
        self._enabled = enabled
        self._memory = MemoryCounters()
        self._shared = shared

    @property
    def storage(self) -> Literal["redis", "memory", "off"]:
        """Where attempts are counted now; `memory` is each process for itself."""
        if not self._enabled:
            return "off"
        return self._shared.storage if self._shared else "memory"

    async def look_for_redis(self) -> None:
        """Have it logged, at the start, if there should be a Redis and is none."""
        if self._shared:
            await self._shared.look()

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

    def password_check(self, asked_by: UUID) -> AbstractAsyncContextManager[None]:
        """Count a check of an account's password beside signing in.

        Args:
            asked_by: The session, or the challenge, for which it is asked.

        Raises:
            TooManyRequestsError: On entering, if the caller must wait.
        """
        return self._attempt(Count("password-check", str(asked_by), ACCOUNT))

    def code_check(self, client: Client) -> AbstractAsyncContextManager[None]:
        """Count a code from a mail before it is looked at (ASVS 5.0, 6.6.3).

        Each code has five tries, but whoever asks for mail to many addresses has five
        at each. A code that was right is not counted, whatever else is not.

        Args:
            client: Who sends it.

        Raises:
            TooManyRequestsError: On entering, if the caller must wait; links go on.
        """
        return self._attempt(
            Count("code-network", client.network, CODE_NETWORK),
            Count("code-all", "", CODE_OVERALL),
            failure=ChallengeFailedError,
        )

    async def count_sign_up(self, client: Client) -> None:
        """Count a new account."""
        await self._count(
            [
                Count("sign-up-network", client.network, SIGN_UP),
                Count("sign-up-all", "", SIGN_UP_OVERALL),
            ]
        )

    async def count_mail(
        self, account: str, device: str | None, client: Client
    ) -> bool:
        """Count a mail that somebody asks for.

        Args:
            account: The e-mail key that was given, known or not.
            device: The device's name if it has signed in to this account before; then
                what strangers ask for does not count against it.
            client: Who asks.

        Returns:
            Whether it may be sent. That the address has had enough is not said to who
            asks: it would tell that others ask for it too.

        Raises:
            TooManyRequestsError: If this client asks too often.
        """
        await self._count(
            [
                Count("mail-network", client.network, MAIL_NETWORK),
                Count("mail-all", "", MAIL_OVERALL),
            ]
        )
        # Anybody can have any number of devices known, so all count together.
        lane = "mail-devices" if device else "mail-recipient"
        try:
            await self._count([Count(lane, account, MAIL_RECIPIENT)])
        except TooManyRequestsError:
            return False
        return True

    @asynccontextmanager
    async def mail_by_admin(self, account: str) -> AsyncIterator[None]:
        """Count a mail that an administrator has sent, unless it is refused.

        Args:
            account: The e-mail key of whom it is for.

        Raises:
            TooManyRequestsError: On entering, if they have been sent too many.
        """
        counted = await self._count([Count("mail-admin", account, MAIL_RECIPIENT)])
        try:
            yield
        except AppError:
            await self._take_back(counted)
            raise

    async def count_refresh_attempt(self, client: Client) -> None:
        """Count a refresh before the token is looked at."""
        await self._count([Count("refresh-network", client.network, REFRESH_NETWORK)])

    async def count_refresh(self, session_id: UUID) -> None:
        """Count a refresh with a genuine token of this session."""
        await self._count([Count("refresh", str(session_id), REFRESH)])

    @asynccontextmanager
    async def _attempt(
        self, *counts: Count, failure: type[AppError] = AppError
    ) -> AsyncIterator[None]:
        """Count an attempt, and take it back unless it fails.

        That the service could not look at the password is nobody's failure; being
        cancelled is one, or hanging up early would make guesses free.

        Args:
            counts: Where it is counted.
            failure: The errors that are failures of whoever tries.
        """
        counted = await self._count(counts)
        try:
            yield
        except AppError as error:
            if isinstance(error, RetryLaterError) or not isinstance(error, failure):
                await self._take_back(counted)
            raise
        await self._take_back(counted)

    async def _count(self, counts: Sequence[Count]) -> Counted:
        """Count in every window, or in none of them if one is full."""
        if not self._enabled:
            return Counted((), (), None)
        try:
            counters = self._memory.hit(counts)
            return Counted(counts, counters, await self._share(counts, counters))
        except FullError as full:
            wait = math.ceil(full.seconds)
            LIMITS_REFUSED.labels(full.kind).inc()
            logger.warning(
                "limits.refused", extra={"kind": full.kind, "wait_seconds": wait}
            )
            raise TooManyRequestsError(wait) from None

    async def _share(
        self, counts: Sequence[Count], counters: Sequence[Counter]
    ) -> Sequence[float] | None:
        """Count in Redis what memory has counted; return when the windows there end."""
        if self._shared is None:
            return None
        try:
            ends = await self._shared.hit(counts)
        except FullError:
            self._memory.take_back(counts, counters)
            raise
        for counter, end in zip(counters, ends or ()):
            # The window began earlier where another process counted in it first.
            counter.end = min(counter.end, end)
        return ends

    async def _take_back(self, counted: Counted) -> None:
        self._memory.take_back(counted.counts, counted.counters)
        if self._shared and counted.ends is not None:
            await self._shared.take_back(counted.counts, counted.ends)
