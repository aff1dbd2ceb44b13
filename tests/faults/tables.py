"""The report as text: Markdown that also reads well unrendered."""

from collections.abc import Iterable, Sequence
from typing import Any

FINDINGS_SHOWN = 10

_PROMISES = {
    "lost": "lost: acknowledged, and not there",
    "phantom": "phantom: refused, and there",
    "let_in": "let in: forbidden, and done",
    "broken": "broken: any other promise",
}
_WINDOWS = {"sign_in": "sign-in", "token_check": "token check"}


def as_text(report: dict[str, Any]) -> str:
    """Return the whole report."""
    parts = [
        _head(report),
        _promises(report),
        _work(report),
        _faults(report),
        _mail(report),
        _mail_times(report),
        _forbidden(report),
        _operations(report),
        _notes(report),
        _findings(report),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a Markdown table whose columns line up; numbers stand to the right."""
    texts = [[_text(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(heads, *texts, strict=True)]
    rules = ["-" * widths[0], *["-" * (width - 1) + ":" for width in widths[1:]]]
    lines = [heads, rules, *texts]
    return "\n".join(_line(line, widths) for line in lines)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    first, *others = cells
    padded = [first.ljust(widths[0])]
    padded += [cell.rjust(width) for cell, width in zip(others, widths[1:])]
    return f"| {' | '.join(padded)} |"


def _head(report: dict[str, Any]) -> str:
    verdict = "passed" if report["passed"] else "FAILED"
    facts = [
        f"- {name}: {_text(value)}"
        for name, value in report["run"].items()
        if name != "mail"
    ]
    reasons = [f"- {reason}" for reason in report["failures"]]
    return "\n".join([f"# Faults: {verdict}", "", *reasons, *facts])


def _promises(report: dict[str, Any]) -> str:
    rows = [
        (title, one["count"], one["of"], _rate(one["below"]))
        for kind, title in _PROMISES.items()
        for one in [report["promises"][kind]]
    ]
    return table(["promise broken", "times", "out of", "95 % sure: below"], rows)


def _work(report: dict[str, Any]) -> str:
    operations, forbidden = report["operations"], report["forbidden"]
    rows = [
        ("acknowledged operations", operations["acknowledged"]),
        ("acknowledged writes", operations["acknowledged_writes"]),
        ("acknowledged writes a second", operations["acknowledged_writes_per_second"]),
        ("outcome unknown", operations["unknown"]),
        ("forbidden attempts answered", forbidden["attempts"]),
        ("forbidden attempts a second", forbidden["attempts_per_second"]),
        ("kills", report["kills"]),
    ]
    for kind, title in _WINDOWS.items():
        window = report["longest_window_without"][kind]
        name = f"longest without a {title}, s (from {window['began']} s)"
        rows.append((name, window["seconds"]))
    return table(["what was done", "figure"], rows)


def _faults(report: dict[str, Any]) -> str:
    if not report["faults"]:
        return ""
    rows = [
        (
            name,
            fault["count"],
            fault["recovered"],
            fault["kills"],
            fault["recovery_seconds"]["median"],
            fault["recovery_seconds"]["longest"],
        )
        for name, fault in report["faults"].items()
    ]
    heads = ["fault", "times", "recovered", "kills", "median, s", "longest, s"]
    return table(heads, rows)


def _mail(report: dict[str, Any]) -> str:
    mail = report["run"].get("mail")
    if not mail:
        return ""
    rows = [(name.replace("_", " "), n) for name, n in mail.items() if name != "times"]
    return table(["mail", "figure"], rows)


def _mail_times(report: dict[str, Any]) -> str:
    times = report["run"].get("mail", {}).get("times")
    if not times:
        return ""
    rows = [
        (
            f"{one['fault']}: {one['request']}",
            one["calm"],
            round(one["calm_seconds"] * 1000, 1),
            one["held"],
            round(one["held_seconds"] * 1000, 1),
        )
        for one in times
    ]
    heads = ["asked for mail", "before", "median, ms", "under it", "median, ms"]
    return table(heads, rows)


def _forbidden(report: dict[str, Any]) -> str:
    kinds = report["forbidden"]["by_kind"]
    if not kinds:
        return ""
    names = ["refused", "limited", "unanswered", "let_in"]
    rows = [
        [kind, *[counts.get(n, 0) for n in names]] for kind, counts in kinds.items()
    ]
    return table(["forbidden", "refused", "429", "no answer", "let in"], rows)


def _operations(report: dict[str, Any]) -> str:
    names = ["ok", "refused", "later", "unknown", "p50_ms", "p99_ms"]
    kinds = report["operations"]["by_kind"]
    rows = [[kind, *[one[name] for name in names]] for kind, one in kinds.items()]
    heads = ["operation", "ok", "refused", "later", "unknown", "p50, ms", "p99, ms"]
    return table(heads, rows)


def _notes(report: dict[str, Any]) -> str:
    return "\n".join(f"- {note}" for note in report["notes"])


def _findings(report: dict[str, Any]) -> str:
    found = report["findings"]
    if not found:
        return ""
    lines = [f"## Findings ({len(found)} told in report.json)", ""]
    for finding in found[:FINDINGS_SHOWN]:
        details = {k: v for k, v in finding["details"].items() if k != "history"}
        lines.append(f"- **{finding['kind']}** {finding['what']}: {details}")
    return "\n".join(lines)


def _rate(below: float | None) -> str:
    return "-" if below is None else f"{below:.1e}"


def _text(cell: object) -> str:
    if cell is None:
        return "-"
    return (
        f"{cell:,}"
        if isinstance(cell, int) and not isinstance(cell, bool)
        else str(cell)
    )
