"""Figures that stay small however long a run is: counts and times, second by second."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from tests.faults.records import Operation, Outcome

STEPS_PER_DOUBLING = 8
"""A latency is kept to within nine per cent."""

SHORTEST_SECONDS = 0.0001
CONFIDENCE_FACTOR = 3.0
"""The rule of three: of n trials without a hit, the rate is below 3/n with 95 %."""


class Latencies:
    """How long answers took, in steps of nine per cent."""

    def __init__(self) -> None:
        self._counts: Counter[int] = Counter()

    def add(self, seconds: float) -> None:
        """Take in one duration."""
        ratio = max(seconds, SHORTEST_SECONDS) / SHORTEST_SECONDS
        self._counts[round(math.log2(ratio) * STEPS_PER_DOUBLING)] += 1

    def merge(self, other: "Latencies") -> None:
        """Take in all that another has."""
        self._counts.update(other._counts)

    def quantile(self, share: float) -> float | None:
        """Return the duration, in seconds, that this share of answers kept below."""
        wanted = math.ceil(share * self._counts.total())
        for step, count in sorted(self._counts.items()):
            wanted -= count
            if wanted <= 0:
                return float(SHORTEST_SECONDS * 2 ** (step / STEPS_PER_DOUBLING))
        return None


@dataclass
class Second:
    """What happened in one second."""

    writes: int = 0
    reads: int = 0
    unknown: int = 0
    intrusions: int = 0
    latencies: Latencies = field(default_factory=Latencies)

    def merge(self, other: "Second") -> None:
        """Take in another second."""
        self.writes += other.writes
        self.reads += other.reads
        self.unknown += other.unknown
        self.intrusions += other.intrusions
        self.latencies.merge(other.latencies)


class Window:
    """The longest time without something that ought to happen all the time."""

    def __init__(self, since: float) -> None:
        self._since = since
        self._last = since
        self._longest = (0.0, since)

    def saw(self, at: float) -> None:
        """Note that it happened."""
        self._longest = max(self._longest, (at - self._last, self._last))
        self._last = max(at, self._last)

    def longest(self, until: float) -> dict[str, float]:
        """Return how long it was, and when it began after the start of the run."""
        length, began = max(self._longest, (until - self._last, self._last))
        return {"seconds": round(length, 2), "began": round(began - self._since, 1)}


class Series:
    """All seconds of a run."""

    def __init__(self, since: float) -> None:
        self._since = since
        self._seconds: defaultdict[int, Second] = defaultdict(Second)

    def add(self, operation: Operation) -> None:
        """Take in one operation, at the moment it ended."""
        second = self.at(operation.ended)
        if operation.outcome is Outcome.OK:
            second.writes += operation.is_write
            second.reads += not operation.is_write
        second.unknown += operation.outcome is Outcome.UNKNOWN
        second.latencies.add(operation.ended - operation.began)

    def at(self, moment: float) -> Second:
        """Return the second that a moment belongs to."""
        return self._seconds[max(0, int(moment - self._since))]

    def slices(self, width: int) -> Iterable[tuple[int, Second]]:
        """Return the run in slices of so many seconds, each with when it begins."""
        last = max(self._seconds, default=-1)
        for began in range(0, last + 1, width):
            together = Second()
            for number in range(began, began + width):
                if number in self._seconds:
                    together.merge(self._seconds[number])
            yield began, together


def bound(trials: int) -> float | None:
    """Return the rate that zero hits in so many trials stay below, with 95 %."""
    return CONFIDENCE_FACTOR / trials if trials else None
