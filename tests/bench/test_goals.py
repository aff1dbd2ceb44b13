"""Goals: which are met, and by how much others are missed."""

import pytest

from bench import goals
from bench.cases import CASES
from bench.goals import EVERY_CASE, GOALS, Goal, goals_table
from tests.bench.figures import measured, results

FOUND = results(
    measured("fast", "Cardea", "bare", per_second=[60.0]),
    measured("fast", "bare", "bare", per_second=[100.0]),
    measured("slow", "Cardea", "bare", per_second=[30.0]),
    measured("slow", "bare", "bare", per_second=[100.0]),
    measured("start", "Cardea", "bare", seconds=[3.0], mib=[100.0]),
    measured("start", "bare", "bare", seconds=[2.0], mib=[80.0]),
    measured("busy", "Cardea", "Cardea", times_p99=[2.0, 4.0, 3.0]),
)


class TestGoal:
    """What came of one."""

    @pytest.mark.parametrize(
        ("goal", "ratio", "missed"),
        [
            (Goal("fast", 0.6, "bare"), 0.6, 0),
            (Goal("fast", 0.8, "bare"), 0.6, 0.25),
            (Goal("start", 1.3, "bare", at_most=True, what=["mib"]), 1.25, 0),
            (Goal("start", 1.2, "bare", at_most=True, what=["seconds"]), 1.5, 0.25),
            (Goal("busy", 3, at_most=True, what=["times_p99"]), 3, 0),
            (Goal("busy", 2, at_most=True, what=["times_p99"]), 3, 0.5),
        ],
        ids=lambda value: str(value)[:60],
    )
    def test_ratio(self, goal: Goal, ratio: float, missed: float) -> None:
        """It is met, or missed by a share of what is wanted."""
        (found,) = goal.ratios(FOUND)
        assert found[0] == pytest.approx(ratio)
        assert goal.missed_by(found[0]) == pytest.approx(missed)

    def test_every_case(self) -> None:
        """All cases count, the worst first."""
        ratios = Goal(EVERY_CASE, 1, "bare").ratios(FOUND)
        assert [round(ratio, 2) for ratio, _ in ratios] == [0.3, 0.6, 0.67, 0.8]
        assert ratios[0][1] == "The slow"
        costs = Goal(EVERY_CASE, 1, "bare", at_most=True).ratios(FOUND)
        assert [where for _, where in costs] == [where for _, where in ratios]

    def test_not_measured(self) -> None:
        """What was not measured is neither met nor missed."""
        assert Goal("unheard-of", 1, "bare").ratios(FOUND) == []
        assert Goal("fast", 1, "nobody").ratios(FOUND) == []


class TestGoals:
    """Those of this project."""

    def test_cases_exist(self) -> None:
        """Each is about a case that is measured."""
        known = {case.key for case in CASES} | {EVERY_CASE, "pages"}
        assert {goal.case for goal in GOALS} <= known

    def test_table(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Each has a row that says how it stands."""
        some = (
            Goal("fast", 0.6, "bare"),
            Goal(EVERY_CASE, 0.6, "bare"),
            Goal("x", 1),
        )
        monkeypatch.setattr(goals, "GOALS", some)
        rows = goals_table({"rivals": FOUND}).splitlines()[2:]
        assert rows == [
            "| The fast | Cardea | bare | at least 0.60 | 0.60 | met |",
            "| every case: 3 of 4 met; the worst: The slow "
            "| Cardea | bare | at least 0.60 | 0.30 | **missed by 50%** |",
            "| x | Cardea | itself | at least 1.00 |  | not measured |",
        ]
