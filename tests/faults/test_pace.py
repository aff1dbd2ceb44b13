"""So many a second, whoever asks and however long nobody could."""

import time

import pytest

from tests.faults.pace import Pace


def waits(pace: Pace, turns: int, idle_seconds: float) -> list[float]:
    """Return the waits for turns that are asked for at once, after an idle time."""
    now = time.monotonic() + idle_seconds
    return [round(pace.book(now), 3) for _ in range(turns)]


class TestBook:
    """When the next turn is."""

    def test_even(self) -> None:
        """One after the other, whatever was missed before."""
        assert waits(Pace(100), 4, idle_seconds=60) == [0.0, 0.01, 0.02, 0.03]

    def test_catching_up(self) -> None:
        """Twice as fast until what was missed is made up for, and not faster."""
        booked = waits(Pace(100, catch_up=2), 12, idle_seconds=0.04)
        steps = [later - earlier for earlier, later in zip(booked, booked[1:])]
        assert steps[:6] == pytest.approx([0.005] * 6, abs=0.002)
        assert steps[-2:] == pytest.approx([0.01] * 2, abs=0.002)


class TestIsDue:
    """Whether there is a turn now."""

    def test_once(self) -> None:
        """The first comes at once, the second later."""
        pace = Pace(0.01)
        assert [pace.is_due(), pace.is_due()] == [True, False]
