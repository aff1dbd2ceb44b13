"""What was measured, as JSON and as a table with ratios."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import median

from bench.measuring import Measured

RATIOS_OF = ("per_second", "seconds", "mib")
"""What is compared with the baseline; latencies follow from throughput here."""


def write(folder: Path, facts: Mapping[str, str], measured: Sequence[Measured]) -> None:
    """Write results.json and results.md."""
    folder.mkdir(parents=True, exist_ok=True)
    told = {"machine": dict(facts), "measured": [asdict(one) for one in measured]}
    (folder / "results.json").write_text(json.dumps(told, indent=1), encoding="utf-8")
    (folder / "results.md").write_text(table(measured), encoding="utf-8")


def table(measured: Sequence[Measured]) -> str:
    """Return a Markdown table: median, spread, and ratio to the baseline."""
    lines = [
        "| case | contender | users | what | median | spread | of the baseline |",
        "|---|---|--:|---|--:|--:|--:|",
    ]
    for one in measured:
        lines.extend(_rows(one, measured))
    return "\n".join(lines) + "\n"


def ratio(one: Measured, what: str, measured: Sequence[Measured]) -> float | None:
    """Return how a contender's median compares with that of the case's baseline."""
    for other in measured:
        same = (other.case, other.users, other.contender)
        if same == (one.case, one.users, one.baseline) and what in other.values:
            return median(one.values[what]) / median(other.values[what])
    return None


def _rows(one: Measured, measured: Sequence[Measured]) -> Iterator[str]:
    for what, values in one.values.items():
        compared = ratio(one, what, measured) if what in RATIOS_OF else None
        yield (
            f"| {one.title} | {one.contender} | {one.users:,} "
            f"| {what.replace('_', ' ')} | {median(values):,.2f} "
            f"| {min(values):,.2f} to {max(values):,.2f} "
            f"| {'' if compared is None else f'{compared:.2f}'} |"
        )
