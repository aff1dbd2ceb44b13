"""What was measured, as tables: medians, spread, and ratios to the baseline."""

from collections.abc import Iterator, Sequence

from bench.results import COMPARED, Measured, Results

HEADINGS = {
    "per_second": "answers a second",
    "cpu_us": "processor time an answer, µs",
    "p50_ms": "p50, ms",
    "p99_ms": "p99, ms",
    "seconds": "to the first answer, s",
    "mib": "resident, MiB",
    "idle_per_second": "answers a second, in peace",
    "busy_per_second": "answers a second, beside sign-ins",
    "idle_p99_ms": "p99 in peace, ms",
    "busy_p99_ms": "p99 beside sign-ins, ms",
    "times_first": "times the first page",
    "times_p99": "times the p99 in peace",
}

WITHOUT_SPREAD = ("p50_ms", "p99_ms")


def page(results: Results) -> str:
    """Return all tables of a comparison, as Markdown."""
    kinds = dict.fromkeys(tuple(one.values) for one in results.measured)
    return "\n".join(_table(results, whats) for whats in kinds)


def table(headings: Sequence[str], rows: Sequence[Sequence[str]], texts: int) -> str:
    """Return a Markdown table; its first columns hold text, the others numbers."""
    ruler = ["---"] * texts + ["--:"] * (len(headings) - texts)
    return "".join(f"| {' | '.join(row)} |\n" for row in (headings, ruler, *rows))


def number(value: float) -> str:
    """Return a figure with as many digits as say something."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _table(results: Results, whats: Sequence[str]) -> str:
    """Return a table of what has these values."""
    rows = [
        ["" if at else one.title, one.entrant, *_cells(one, results)]
        for case in results.cases()
        for at, one in enumerate(case)
        if tuple(one.values) == tuple(whats)
    ]
    return table(["", "", *_columns(whats)], rows, texts=2)


def _columns(whats: Sequence[str]) -> Iterator[str]:
    for what in whats:
        yield HEADINGS[what]
        if what in COMPARED:
            yield "ratio"


def _cells(one: Measured, results: Results) -> Iterator[str]:
    for what, values in one.values.items():
        spread = f" ({number(min(values))} to {number(max(values))})"
        yield number(one.median(what)) + ("" if what in WITHOUT_SPREAD else spread)
        if what in COMPARED:
            ratio = results.ratio(one, what)
            yield "" if ratio is None else f"{ratio:.2f}"
