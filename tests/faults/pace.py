"""So many a second, whoever asks."""

import asyncio
import time


class Pace:
    """Gives turns evenly.

    Args:
        per_second: How many turns, on average.
        catch_up: How much faster it may go, to make up for turns that nobody took.
    """

    def __init__(self, per_second: float, catch_up: float = 1.0) -> None:
        self._interval = 1 / per_second
        self._shortest = self._interval / catch_up
        self._due = time.monotonic()
        self._last = 0.0

    def is_due(self) -> bool:
        """Take a turn if there is one now."""
        now = time.monotonic()
        if now < self._due:
            return False
        self._due = max(self._due, now - self._interval) + self._interval
        return True

    async def turn(self) -> None:
        """Wait for a turn."""
        await asyncio.sleep(self.book(time.monotonic()))

    def book(self, now: float) -> float:
        """Take the next turn; return in how many seconds it is."""
        if self._shortest == self._interval:
            self._due = max(self._due, now)
        mine = max(self._due, self._last + self._shortest, now)
        self._due += self._interval
        self._last = mine
        return mine - now
