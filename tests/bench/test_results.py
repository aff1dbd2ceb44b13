"""What was measured, and how it compares."""

from pathlib import Path

import pytest

from bench.results import Results, times_as_good
from tests.bench.figures import measured, results


class TestRatios:
    """How many times as good as its baseline an entrant is."""

    @pytest.mark.parametrize(
        ("what", "ratio"),
        [("per_second", 2), ("cpu_us", 0.5), ("seconds", 0.5), ("mib", 0.5)],
    )
    def test_more_is_better(self, what: str, ratio: float) -> None:
        """Twice the answers are twice as good, twice the costs half as good."""
        one = measured("c", "Cardea", "bare", **{what: [20.0, 30.0, 10.0]})
        other = measured("c", "bare", "bare", **{what: [9.0, 10.0, 1000.0]})
        assert times_as_good(one, other, what) == ratio

    def test_latency_is_not_compared(self) -> None:
        """It follows from the throughput."""
        one = measured("c", "Cardea", "bare", p99_ms=[1.0])
        assert times_as_good(one, one, "p99_ms") is None

    def test_own_case_only(self) -> None:
        """The baseline is that of the same case; without one there is no ratio."""
        one = measured("a", "Cardea", "bare", per_second=[1.0])
        other = measured("b", "bare", "bare", per_second=[2.0])
        found = results(one, other)
        assert found.ratio(one, "per_second") is None
        assert found.ratio(other, "per_second") == 1

    def test_pages(self) -> None:
        """A last page costs so many times the first, for each entrant and round."""
        first = measured("first-page", "Cardea", "", per_second=[100.0, 90.0])
        last = measured("last-page", "Cardea", "", per_second=[50.0, 90.0])
        (pages,) = results(first, last).pages()
        assert pages.values == {"times_first": [2, 1]}


class TestKeeping:
    """One JSON file for a comparison."""

    def test_read_back(self, tmp_path: Path) -> None:
        """What was written is what is read."""
        written = results(measured("c", "Cardea", "bare", per_second=[1.0, 2.0]))
        written.write(tmp_path / "new")
        assert Results.read(tmp_path / "new" / "rivals.json") == written
