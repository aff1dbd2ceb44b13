"""Tables, pictures, and the page they are put into."""

import pytest

from bench import picture, report
from scripts.performance_papers import filled
from tests.bench.figures import measured, results

FOUND = results(
    measured("check", "Cardea", "bare", per_second=[40.0, 50.0, 45.0], p99_ms=[1.0]),
    measured("check", "bare", "bare", per_second=[100.0, 90.0, 90.0], p99_ms=[0.5]),
    measured("start", "Cardea", "bare", seconds=[1.5]),
)


class TestTables:
    """What was measured, as Markdown."""

    def test_throughput(self) -> None:
        """There are the median, the spread and the ratio, and each title once."""
        lines = report.page(FOUND).splitlines()
        assert lines[:4] == [
            "|  |  | answers a second | ratio | p99, ms |",
            "| --- | --- | --: | --: | --: |",
            "| The check | Cardea | 45.0 (40.0 to 50.0) | 0.50 | 1.00 |",
            "|  | bare | 90.0 (90.0 to 100) | 1.00 | 0.50 |",
        ]

    def test_other_values(self) -> None:
        """What has other values has a table of its own; no baseline, no ratio."""
        lines = report.page(FOUND).splitlines()
        assert "| The start | Cardea | 1.50 (1.50 to 1.50) |  |" in lines

    @pytest.mark.parametrize(
        ("value", "text"),
        [(12345.6, "12,346"), (99.94, "99.9"), (12.34, "12.3"), (0.126, "0.13")],
    )
    def test_number(self, value: float, text: str) -> None:
        """A figure has three digits or so."""
        assert report.number(value) == text


class TestPicture:
    """The bars of a comparison."""

    def test_same_again(self) -> None:
        """The same results give the same file, without the date."""
        drawn = picture.svg(FOUND)
        assert drawn == picture.svg(FOUND)
        assert "<svg" in drawn and "dc:date" not in drawn


class TestFilled:
    """A page with markers."""

    ONE = "<!-- table: one -->\nold\n<!-- end -->\n"
    TWO = "<!-- table: two -->\n<!-- end -->\n"
    PAGE = f"A\n{ONE}B\n{TWO}"

    def test_between_markers(self) -> None:
        """What stands between markers is replaced, and nothing else."""
        page = filled(self.PAGE, {"one": "1\n", "two": "2\n", "three": "3\n"})
        assert page == self.PAGE.replace("old\n", "1\n").replace(
            "two -->\n", "two -->\n2\n"
        )
        assert filled(page, {"one": "1\n", "two": "2\n"}) == page

    def test_unknown(self) -> None:
        """A marker that no table belongs to is an error, not an empty place."""
        with pytest.raises(KeyError):
            filled(self.PAGE, {"one": ""})
