"""What was measured, as it is kept: one JSON file for each comparison."""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median

RATE = "per_second"
HIGHER_IS_BETTER = (RATE,)
LOWER_IS_BETTER = ("cpu_us", "seconds", "mib", "busy_p99_ms")
COMPARED = (*HIGHER_IS_BETTER, *LOWER_IS_BETTER)
"""What is compared with the baseline; latencies follow from throughput here."""


@dataclass
class Measured:
    """What came of a case for one entrant, round by round, by what was measured.

    Attributes:
        baseline: The name of the entrant that this one is compared with.
    """

    case: str
    title: str
    baseline: str
    entrant: str
    users: int
    values: dict[str, list[float]] = field(default_factory=dict)

    def add(self, **values: float) -> None:
        """Take in a round, and say so."""
        for name, value in values.items():
            self.values.setdefault(name, []).append(value)
        said = ", ".join(f"{name} {value:,.2f}" for name, value in values.items())
        print(f"{self.title:48} {self.entrant:25} {said}", file=sys.stderr, flush=True)

    def median(self, what: str) -> float:
        """Return the middle of the rounds."""
        return median(self.values[what])


@dataclass
class Results:
    """A comparison's outcome so far.

    Attributes:
        facts: What the figures depend on, and where they come from.
    """

    comparison: str
    facts: Mapping[str, str]
    measured: list[Measured] = field(default_factory=list)

    @classmethod
    def read(cls, path: Path) -> "Results":
        """Return what was kept."""
        told = json.loads(path.read_text(encoding="utf-8"))
        measured = [Measured(**one) for one in told.pop("measured")]
        return cls(**told, measured=measured)

    def write(self, folder: Path) -> None:
        """Keep it as `<comparison>.json`."""
        folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps(asdict(self), indent=1) + "\n"
        (folder / f"{self.comparison}.json").write_text(text, encoding="utf-8")

    def find(self, case: str, entrant: str) -> Measured | None:
        """Return what came of a case for one entrant, if it took part."""
        for one in self.measured:
            if (one.case, one.entrant) == (case, entrant):
                return one
        return None

    def ratio(self, one: Measured, what: str) -> float | None:
        """Return how many times as good as its baseline an entrant is."""
        other = self.find(one.case, one.baseline)
        return None if other is None else times_as_good(one, other, what)

    def cases(self) -> list[Sequence[Measured]]:
        """Return what was measured, case by case."""
        keys = dict.fromkeys(one.case for one in self.measured)
        return [[one for one in self.measured if one.case == key] for key in keys]

    def pages(self) -> Iterator[Measured]:
        """Yield how many times the cost of its first page an entrant's last one is."""
        for last in self.measured:
            first = self.find("first-page", last.entrant)
            if last.case == "last-page" and first is not None:
                rates = zip(first.values[RATE], last.values[RATE], strict=True)
                values = {"times_first": [one / other for one, other in rates]}
                title = f"{last.title} against the first"
                yield Measured("pages", title, "", last.entrant, last.users, values)


def times_as_good(one: Measured, other: Measured, what: str) -> float | None:
    """Return the ratio of two medians, so that more is better whatever they count."""
    if what not in COMPARED or what not in one.values or what not in other.values:
        return None
    mine, theirs = one.median(what), other.median(what)
    return mine / theirs if what in HIGHER_IS_BETTER else theirs / mine
