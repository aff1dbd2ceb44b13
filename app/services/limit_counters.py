"""Counters in this process's memory: fixed windows, counted in all or in none.

Nothing here awaits, so every operation is atomic. Each takes the same time however much
is remembered, and what is remembered is bounded.
"""

import time
from collections import OrderedDict, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

CAPACITY = 100_000
"""How many subjects of one kind are remembered in windows of one length.

Each kind has room of its own: whoever comes from ever new networks displaces networks,
not the accounts they guess at. Those of sign-in can't be displaced at all, because the
limit for all strangers together lets no more than 18,000 new ones in within an hour.
"""


@dataclass(frozen=True, slots=True)
class Window:
    """At most so many attempts within so many seconds of the first of them."""

    amount: int
    seconds: int


@dataclass(frozen=True, slots=True)
class Count:
    """One thing that is counted: a name, and the windows it is counted in."""

    kind: str
    subject: str
    windows: Sequence[Window]


@dataclass(slots=True)
class Counter:
    """A window that has begun: how often it was counted, when it ends."""

    count: int
    end: float


class FullError(Exception):
    """There is a window that has no room for another attempt.

    Attributes:
        kind: What is counted in it.
        seconds: Until every window that is full has ended.
    """

    def __init__(self, kind: str, seconds: float) -> None:
        super().__init__(kind, seconds)
        self.kind = kind
        self.seconds = seconds


def each_window(counts: Sequence[Count]) -> Iterator[tuple[Count, Window]]:
    """Give all windows of an attempt in one fixed order."""
    return ((count, window) for count in counts for window in count.windows)


class MemoryCounters:
    """Counts within this process.

    When a kind has no room left, its oldest window is dropped: it would end soonest.
    """

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._stores = defaultdict[tuple[str, int], OrderedDict[str, Counter]](
            OrderedDict
        )

    def hit(self, counts: Sequence[Count]) -> list[Counter]:
        """Count an attempt in every window, or in none of them if one is full.

        Returns:
            The counters, in the order of `each_window`, to take the attempt back from.

        Raises:
            FullError: If one is full.
        """
        now = time.time()
        self._refuse_if_full(counts, now)
        return [self._count(*name, now) for name in each_window(counts)]

    def take_back(self, counts: Sequence[Count], counters: Sequence[Counter]) -> None:
        """Undo a hit. A window that has ended meanwhile keeps nothing of it.

        Taken from a later window of the same name, it would be a free attempt there.
        """
        for (count, window), counter in zip(each_window(counts), counters, strict=True):
            counter.count -= 1
            store = self._stores[count.kind, window.seconds]
            if not counter.count and store.get(count.subject) is counter:
                del store[count.subject]

    def _refuse_if_full(self, counts: Sequence[Count], now: float) -> None:
        full = [
            (count.kind, counter.end)
            for count, window in each_window(counts)
            if (counter := self._find(count, window, now))
            and counter.count >= window.amount
        ]
        if full:
            raise FullError(full[0][0], max(end for _, end in full) - now)

    def _find(self, count: Count, window: Window, now: float) -> Counter | None:
        counter = self._stores[count.kind, window.seconds].get(count.subject)
        return counter if counter and counter.end > now else None

    def _count(self, count: Count, window: Window, now: float) -> Counter:
        counter = self._find(count, window, now)
        if counter is None:
            counter = Counter(0, now + window.seconds)
            store = self._stores[count.kind, window.seconds]
            # First out of its old place: the order of the store is that of the ends.
            store.pop(count.subject, None)
            store[count.subject] = counter
            self._tidy(store, now)
        counter.count += 1
        return counter

    def _tidy(self, store: OrderedDict[str, Counter], now: float) -> None:
        """Drop what has ended, and what there is no room for."""
        while len(store) > self._capacity or next(iter(store.values())).end <= now:
            store.popitem(last=False)
