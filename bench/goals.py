"""What is wanted of Cardea, as ratios within one run, and whether it is reached."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from bench.comparisons import RIVALS, SIZES, size_name
from bench.contenders.bare import BareRoute, BareUpdate
from bench.contenders.better_auth import BetterAuth
from bench.contenders.cardea import Cardea
from bench.contenders.django import Django
from bench.contenders.fastapi_users import FastapiUsers
from bench.hashing import NAME as RAW_BCRYPT
from bench.report import HEADINGS, table
from bench.results import Measured, Results, times_as_good

EVERY_CASE = "every case"
NOBODY = "itself"
HEADLINES = ("per_second", "seconds", "mib", "busy_p99_ms")
"""What counts of a case, unless a goal says it."""

FEW, MANY = size_name(1_000), size_name(1_000_000)


@dataclass(frozen=True)
class Goal:
    """A ratio that is wanted.

    Attributes:
        case: Where; or in every case that both take part in.
        wanted: How many times as good as the baseline the entrant is to be; with
            `at_most`, how many times as costly it may be.
        baseline: Whom it is compared with; nobody where what is measured is a ratio.
        what: The values that count, where a case has them.
    """

    case: str
    wanted: float
    baseline: str = NOBODY
    entrant: str = Cardea.name
    comparison: str = RIVALS
    at_most: bool = False
    what: Sequence[str] = HEADLINES

    def ratios(self, results: Results) -> list[tuple[float, str]]:
        """Return what was measured, and where, from the worst to the best."""
        found = (
            ratio
            for one in results.measured
            if one.entrant == self.entrant and self.case in (one.case, EVERY_CASE)
            for ratio in self._ratios(one, results)
        )
        return sorted(found, reverse=self.at_most)

    def missed_by(self, ratio: float) -> float:
        """Return by which share of what is wanted it is missed; 0 if it is met."""
        missed = ratio / self.wanted - 1 if self.at_most else 1 - ratio / self.wanted
        return max(0, missed)

    def _ratios(self, one: Measured, results: Results) -> Iterator[tuple[float, str]]:
        other = results.find(one.case, self.baseline)
        for what in self.what:
            if what not in one.values:
                continue
            where = one.title if what == "per_second" else _where(one, what)
            if self.baseline == NOBODY:
                yield one.median(what), where
            elif other and (ratio := times_as_good(one, other, what)):
                yield (1 / ratio if self.at_most else ratio), where


def goals_table(results: Mapping[str, Results]) -> str:
    """Return the goals and what came of them, as Markdown."""
    headings = ("case", "of", "against", "wanted", "measured", "")
    rows = [_row(goal, results.get(goal.comparison)) for goal in GOALS]
    return table(headings, rows, texts=3)


def _row(goal: Goal, results: Results | None) -> list[str]:
    bound = f"at {'most' if goal.at_most else 'least'} {goal.wanted:.2f}"
    ratios = goal.ratios(results) if results else []
    if not ratios:
        return [goal.case, goal.entrant, goal.baseline, bound, "", "not measured"]
    worst, where = ratios[0]
    missed = goal.missed_by(worst)
    verdict = f"**missed by {missed:.0%}**" if missed else "met"
    if goal.case == EVERY_CASE:
        met = sum(not goal.missed_by(ratio) for ratio, _ in ratios)
        where = f"every case: {met} of {len(ratios)} met; the worst: {where}"
    return [where, goal.entrant, goal.baseline, bound, f"{worst:.2f}", verdict]


def _where(one: Measured, what: str) -> str:
    return f"{one.title}: {HEADINGS[what]}"


GOALS = (
    Goal("one-token", 0.70, BareRoute.name),
    Goal("many-tokens", 0.50, BareRoute.name),
    Goal("refresh", 0.80, BareUpdate.name),
    Goal("sign-in", 0.95, RAW_BCRYPT),
    Goal("saturated", 3, at_most=True, what=["times_p99"]),
    Goal(EVERY_CASE, 1, FastapiUsers.name),
    Goal("one-token", 10, FastapiUsers.name),
    Goal("many-tokens", 10, FastapiUsers.name),
    Goal(EVERY_CASE, 1, Django.name),
    Goal(EVERY_CASE, 1, BetterAuth.name),
    Goal(EVERY_CASE, 1.2, FEW, MANY, SIZES, at_most=True),
    Goal(
        "pages", 1.2, entrant=MANY, comparison=SIZES, at_most=True, what=["times_first"]
    ),
    Goal("start", 1.3, BareRoute.name, at_most=True, what=["seconds"]),
    Goal("start", 1.3, BareRoute.name, at_most=True, what=["mib"]),
)
