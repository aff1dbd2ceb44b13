"""Guesses at passwords, refused or not by limits at a time of the test's own."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

from hypothesis import settings

from app.core.client import Client
from app.core.exceptions import (
    BusyError,
    InvalidCredentialsError,
    TooManyRequestsError,
)
from app.services.limits import ACCOUNT, Limits

ADA = "ada@example.com"
STRANGER = Client("198.51.100.9")
FIVE_MINUTES, HOUR = 300, 3600
PER_FIVE_MINUTES, PER_HOUR = (window.amount for window in ACCOUNT)
PATIENT = settings(max_examples=50, deadline=None, database=None)

Outcome = str
RIGHT, WRONG, BUSY, CANCELLED = "right", "wrong", "busy", "cancelled"


@dataclass
class Guard:
    """Limits at a time of the test's own, and what they have let through.

    Attributes:
        evaluated: When each password was looked at and found wrong.
    """

    now: float = 1_800_000_000.25
    limits: Limits = field(default_factory=lambda: Limits(True))
    evaluated: list[float] = field(default_factory=list)

    async def attempt(
        self,
        outcome: Outcome = WRONG,
        account: str = ADA,
        device: str | None = None,
        client: Client = STRANGER,
        meanwhile: Callable[[], Awaitable[object]] | None = None,
    ) -> int | None:
        """Try to sign in; return the seconds to wait if it is refused."""
        try:
            async with self.limits.sign_in(account, device, client):
                if meanwhile is not None:
                    await meanwhile()
                self._look_at_password(outcome)
        except TooManyRequestsError as refusal:
            assert refusal.headers is not None
            return int(refusal.headers["Retry-After"])
        except (InvalidCredentialsError, BusyError, asyncio.CancelledError):
            pass
        return None

    def _look_at_password(self, outcome: Outcome) -> None:
        if outcome == BUSY:
            raise BusyError
        if outcome == RIGHT:
            return
        self.evaluated.append(self.now)
        raise (
            asyncio.CancelledError if outcome == CANCELLED else InvalidCredentialsError
        )


@contextmanager
def guarded() -> Iterator[Guard]:
    """Give limits whose library is told the time by the test."""
    guard = Guard()
    with patch.object(time, "time", lambda: guard.now):
        yield guard


def run(work: Coroutine[Any, Any, Any]) -> Any:
    """Run to the end in a loop of its own, as Hypothesis calls again and again."""
    return asyncio.run(work)


def most_within(moments: list[float], seconds: float) -> int:
    """Return the most moments that fall into any one window that begins with one."""
    return max(
        (sum(start <= m < start + seconds for m in moments) for start in moments),
        default=0,
    )
