"""What is injected when: drawn from the seed alone, and paced by the clock."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from random import Random

from tests.faults.injections import KILL, Fault

KILLS_PER_MINUTE = 11.0
SHORT_KILLS_PER_MINUTE = 4.0
KILLS_AT_MOST_IN_A_ROW = 6
COMPARE_EVERY_KILLS = 4
OVERTIME = 1.2
"""How much longer than asked for a run may take to reach its number of kills."""


@dataclass(frozen=True)
class Step:
    """One fault of the plan.

    Attributes:
        rng: What the fault draws its details from; the same for the same seed.
        compare: Whether everything is compared afterwards.
    """

    fault: Fault
    rng: Random
    compare: bool


class Schedule:
    """Every fault once, and then again in other orders, with kills in between.

    Args:
        short: Whether one fault of each family is enough.
    """

    def __init__(
        self, seed: int, faults: Iterable[Fault], minutes: float, *, short: bool = False
    ) -> None:
        self._seed = seed
        self._seconds = minutes * 60
        self._pace = (SHORT_KILLS_PER_MINUTE if short else KILLS_PER_MINUTE) / 60
        chosen = list(faults)
        self._has_kills = KILL in chosen
        self._needed = self._first_round(chosen, short)
        self._more = self._later_rounds(chosen)
        self._steps = self._kills_in_a_row = self._kills_not_compared = 0

    @property
    def needed(self) -> list[str]:
        """The names of what must still come, whatever the time."""
        return [fault.name for fault in self._needed]

    def next(self, elapsed: float, kills: int) -> Step | None:
        """Return what comes next; None at the end.

        Args:
            elapsed: Seconds since the beginning.
            kills: How many server processes were killed so far.
        """
        if self._wants_kill(elapsed, kills):
            return self._kill()
        if self._needed:
            return self._other(self._needed.pop(0))
        if elapsed >= self._seconds:
            return None
        return self._other(next(self._more, KILL))

    def _wants_kill(self, elapsed: float, kills: int) -> bool:
        if not self._has_kills or elapsed >= self._seconds * OVERTIME:
            return False
        late = elapsed >= self._seconds and not self._needed
        if kills >= self._pace * min(elapsed, self._seconds):
            return False
        return late or self._kills_in_a_row < KILLS_AT_MOST_IN_A_ROW

    def _other(self, fault: Fault) -> Step:
        if fault is KILL:
            return self._kill()
        self._kills_in_a_row = 0
        return self._step(fault, compare=True)

    def _kill(self) -> Step:
        self._kills_in_a_row += 1
        self._kills_not_compared += 1
        compare = self._kills_not_compared == COMPARE_EVERY_KILLS
        if compare:
            self._kills_not_compared = 0
        return self._step(KILL, compare=compare)

    def _step(self, fault: Fault, *, compare: bool) -> Step:
        self._steps += 1
        return Step(fault, Random(f"{self._seed}/{self._steps}"), compare)

    def _first_round(self, chosen: list[Fault], short: bool) -> list[Fault]:
        """Return what must come, in some order."""
        order = Random(f"{self._seed}/first").sample(chosen, len(chosen))
        if short:
            order = list({fault.family: fault for fault in order}.values())
        return order

    def _later_rounds(self, chosen: list[Fault]) -> Iterator[Fault]:
        """Give the others over and over; kills come by their own pace."""
        others = [fault for fault in chosen if fault is not KILL]
        shuffle = Random(f"{self._seed}/later").sample
        while others:
            yield from shuffle(others, len(others))
