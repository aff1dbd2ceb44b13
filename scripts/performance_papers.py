"""What is made from saved measurements: tables of docs/performance.md, and pictures.

`python -m bench --report docs/performance` saves them.
"""

import re
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from bench import picture, report
from bench.comparisons import COMPARISONS, RIVALS
from bench.goals import goals_table
from bench.results import Results
from tests.support.operations import STATEMENTS

DOCS = Path(__file__).parents[1] / "docs"
_TABLE = re.compile(r"(<!-- table: (\w+) -->\n)(.*?)(<!-- end -->)", re.DOTALL)


def pictures() -> dict[str, Callable[[], str]]:
    """Return what draws each picture, by its file."""
    return {
        f"docs/images/performance-{name}.svg": partial(_picture, name)
        for name in COMPARISONS
    }


def performance() -> str:
    """Return docs/performance.md: its text as it is, with fresh tables."""
    page = (DOCS / "performance.md").read_text(encoding="utf-8")
    return filled(page, _tables({name: _saved(name) for name in COMPARISONS}))


def filled(page: str, tables: Mapping[str, str]) -> str:
    """Return a page with these tables between their markers.

    Raises:
        KeyError: If there is no table of a marker's name.
    """
    return _TABLE.sub(lambda found: found[1] + tables[found[2]] + found[4], page)


def _tables(results: Mapping[str, Results]) -> dict[str, str]:
    made = {name: report.page(one) for name, one in results.items()}
    return made | {
        "goals": goals_table(results),
        "machine": _facts(results[RIVALS].facts),
        "statements": _statements(),
    }


def _facts(facts: Mapping[str, str]) -> str:
    return report.table(["", ""], [list(pair) for pair in facts.items()], texts=2)


def _statements() -> str:
    rows = [
        [operation, str(len(asked)), ", ".join(f"`{one}`" for one in asked)]
        for operation, asked in STATEMENTS.items()
    ]
    return report.table(["operation", "statements", ""], rows, texts=3)


def _picture(name: str) -> str:
    return picture.svg(_saved(name))


def _saved(name: str) -> Results:
    return Results.read(DOCS / "performance" / f"{name}.json")
