"""Figures that nobody measured, for tests."""

from bench.results import Measured, Results

FACTS = {"processor": "an abacus", "commit": "unknown"}


def measured(case: str, entrant: str, baseline: str, **values: list[float]) -> Measured:
    """Return what came of a case for one entrant."""
    return Measured(case, f"The {case}", baseline, entrant, 1000, values)


def results(*found: Measured, comparison: str = "rivals") -> Results:
    """Return a comparison's outcome."""
    return Results(comparison, FACTS, list(found))
