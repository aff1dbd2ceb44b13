"""Tests of `app.services.limit_counters`: what memory keeps, and what that costs."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from unittest.mock import patch

import pytest

from app.services.limit_counters import (
    CAPACITY,
    Count,
    Counter,
    FullError,
    MemoryCounters,
    Window,
)
from app.services.limits import OVERALL

MINUTE = [Window(2, 60)]
HOUR = [Window(3, 3600)]


@dataclass
class Time:
    """The time as the counters see it."""

    now: float = 1_800_000_000.0


@pytest.fixture
def clock() -> Iterator[Time]:
    """Time that passes only when a test says so."""
    clock = Time()
    with patch.object(time, "time", lambda: clock.now):
        yield clock


def fill(counters: MemoryCounters, kind: str, number: int) -> None:
    """Count so many different subjects of a kind."""
    for subject in range(number):
        counters.hit([Count(kind, str(subject), HOUR)])


def kept(counters: MemoryCounters) -> int:
    """Return how many windows are in memory."""
    return sum(len(store) for store in counters._stores.values())


class TestHit:
    """MemoryCounters.hit."""

    def test_all_or_none(self) -> None:
        """An attempt that one window refuses is counted in none of the others."""
        counters = MemoryCounters()
        wide, narrow = Count("wide", "x", HOUR), Count("narrow", "x", MINUTE)
        for _ in range(2):
            counters.hit([wide, narrow])
        for _ in range(5):
            with pytest.raises(FullError):
                counters.hit([wide, narrow])
        counters.hit([wide])

    def test_names_the_longest_wait(self, clock: Time) -> None:
        """The wait is until every full window has ended; the kind is the first's."""
        counters = MemoryCounters()
        one, other = Count("one", "x", MINUTE), Count("other", "x", [Window(2, 600)])
        for _ in range(2):
            counters.hit([one, other])
        clock.now += 10
        with pytest.raises(FullError) as caught:
            counters.hit([one, other])
        assert (caught.value.kind, caught.value.seconds) == ("one", 590)

    def test_begins_again(self, clock: Time) -> None:
        """When a window has ended there is room for all again."""
        counters = MemoryCounters()
        for _ in range(3):
            for _ in range(2):
                counters.hit([Count("kind", "x", MINUTE)])
            with pytest.raises(FullError):
                counters.hit([Count("kind", "x", MINUTE)])
            clock.now += 60


class TestTakeBack:
    """MemoryCounters.take_back."""

    def test_leaves_nothing(self) -> None:
        """What was taken back takes no memory."""
        counters = MemoryCounters()
        counts = [Count("kind", "x", [*MINUTE, *HOUR])]
        counters.take_back(counts, counters.hit(counts))
        assert kept(counters) == 0

    def test_from_its_own_window(self, clock: Time) -> None:
        """A later window of the same name is left as it is."""
        counters, counts = MemoryCounters(), [Count("kind", "x", MINUTE)]
        early: list[Counter] = counters.hit(counts)
        clock.now += 60
        for _ in range(2):
            counters.hit(counts)
        counters.take_back(counts, early)
        with pytest.raises(FullError):
            counters.hit(counts)


class TestBounds:
    """How much is kept."""

    def test_capacity(self) -> None:
        """Of one kind no more than there is room for; the oldest window makes room."""
        counters = MemoryCounters(capacity=100)
        fill(counters, "network", 1000)
        assert kept(counters) == 100
        for _ in range(3):
            counters.hit([Count("network", "0", HOUR)])
        with pytest.raises(FullError):
            counters.hit([Count("network", "0", HOUR)])

    def test_kinds_do_not_displace_each_other(self) -> None:
        """Whoever comes from ever new networks does not wipe out the failures of the
        account they guess at."""
        counters = MemoryCounters(capacity=100)
        for _ in range(3):
            counters.hit([Count("account", "ada", HOUR)])
        fill(counters, "network", 1000)
        with pytest.raises(FullError):
            counters.hit([Count("account", "ada", HOUR)])

    def test_strangers_can_not_fill_it(self) -> None:
        """All strangers together may not fail so often in the longest window that
        accounts would displace each other."""
        (overall,) = OVERALL
        assert overall.amount * 3600 / overall.seconds < CAPACITY

    def test_what_has_ended_is_dropped(self, clock: Time) -> None:
        """Nothing that has ended stays while the kind is in use."""
        counters = MemoryCounters()
        fill(counters, "network", 1000)
        clock.now += 3600
        counters.hit([Count("network", "one more", HOUR)])
        assert kept(counters) == 1

    def test_what_begins_again_is_new(self, clock: Time) -> None:
        """A window that begins again does not keep its old place in the order, where it
        would be dropped too early, and keep what has ended behind it."""
        counters = MemoryCounters()
        for subject in ("x", "y"):
            counters.hit([Count("kind", subject, MINUTE)])
            clock.now += 1
        clock.now += 58.5
        counters.hit([Count("kind", "x", MINUTE)])
        clock.now += 1
        counters.hit([Count("kind", "z", MINUTE)])
        assert kept(counters) == 2

    def test_time_does_not_grow(self) -> None:
        """An attempt takes about as long with 100,000 others in memory as with none."""

        def seconds_for_1000(counters: MemoryCounters) -> float:
            began = time.perf_counter()
            for number in range(1000):
                counters.hit([Count("network", f"new {number}", [Window(99, 3600)])])
            return time.perf_counter() - began

        full = MemoryCounters()
        fill(full, "network", CAPACITY)
        with_none = min(seconds_for_1000(MemoryCounters()) for _ in range(5))
        with_many = min(seconds_for_1000(full) for _ in range(5))
        assert with_many < 20 * with_none
