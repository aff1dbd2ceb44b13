"""The report: what was done, what broke, and how sure that makes anybody."""

import json
import time
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

from tests.faults.figures import Latencies, Series, Window, bound
from tests.faults.picture import draw
from tests.faults.records import (
    FaultRecord,
    Finding,
    FindingKind,
    Operation,
    Outcome,
)
from tests.faults.tables import as_text

FINDINGS_TOLD = 100
"""All are counted; so many of each kind are told with everything about them."""

SIGN_IN = "sign_in"
TOKEN_CHECK = "token_check"
ANSWERED = ("refused", "limited", "let_in")


@dataclass(frozen=True)
class Least:
    """What a run must have done for its silence to say anything."""

    writes: int = 1
    attempts: int = 1
    kills: int = 0


class Recorder:
    """Takes in what happens and sums it up at once: its size does not grow with it."""

    def __init__(self, **run: object) -> None:
        self.began = time.monotonic()
        self._started = datetime.now(UTC)
        self._run = run
        self._outcomes: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self._latencies: defaultdict[str, Latencies] = defaultdict(Latencies)
        self._writes: Counter[str] = Counter()
        self._series = Series(self.began)
        self._windows = {kind: Window(self.began) for kind in (SIGN_IN, TOKEN_CHECK)}
        self._faults: list[FaultRecord] = []
        self._found: Counter[str] = Counter()
        self._findings: list[Finding] = []
        self._attempts: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self._notes: list[str] = []
        self._incomplete: list[str] = []
        self._until: float | None = None

    def start(self) -> None:
        """Say that the load begins: all times count from now."""
        self.began = time.monotonic()
        self._series = Series(self.began)
        self._windows = {kind: Window(self.began) for kind in (SIGN_IN, TOKEN_CHECK)}

    def operation(self, operation: Operation) -> None:
        """Take in one request of the load."""
        self._outcomes[operation.kind][operation.outcome] += 1
        self._latencies[operation.kind].add(operation.ended - operation.began)
        if operation.is_write:
            self._writes[operation.outcome] += 1
        self._series.add(operation)
        if operation.outcome is Outcome.OK and operation.kind in self._windows:
            self._windows[operation.kind].saw(operation.ended)

    def fault(self, fault: FaultRecord) -> None:
        """Take in one fault, once it is over."""
        self._faults.append(fault)

    def finding(self, finding: Finding) -> None:
        """Take in one broken promise, once, however many tell of it."""
        if any(known is finding for known in self._findings):
            return
        self._found[finding.kind] += 1
        if self._found[finding.kind] <= FINDINGS_TOLD:
            self._findings.append(finding)

    def intrusions(self, counts: Mapping[str, Mapping[str, int]]) -> None:
        """Add forbidden attempts: by kind, how many were refused, limited (429), not
        answered, or let in."""
        for kind, outcomes in counts.items():
            self._attempts[kind].update(outcomes)
            answered = sum(outcomes.get(name, 0) for name in ANSWERED)
            self._series.at(time.monotonic()).intrusions += answered

    def note(self, text: str) -> None:
        """Add a sentence that a reader of the figures must know, once."""
        if text not in self._notes:
            self._notes.append(text)

    def incomplete(self, why: str) -> None:
        """Say why the run has not shown what it was to show: it has failed."""
        self._incomplete.append(why)

    def describe(self, **run: object) -> None:
        """Add to what the report says about the run itself."""
        self._run.update(run)

    def stop(self) -> None:
        """Say that the load is over: what comes later is no outage."""
        self._until = self._until or time.monotonic()

    def failures(self, least: Least = Least()) -> list[str]:
        """Return why the run failed; nothing if it passed.

        A run that did too little has shown nothing, and fails as well.
        """
        found = [f"{count} {kind}" for kind, count in sorted(self._found.items())]
        names = [fault.name for fault in self._faults if fault.recovered is None]
        found += [f"no recovery from {name}" for name in names]
        found += self._incomplete
        done = asdict(Least(self._writes[Outcome.OK], self._answered(), self._kills()))
        return found + [
            f"only {done[name]} {name}, {wanted} wanted"
            for name, wanted in asdict(least).items()
            if done[name] < wanted
        ]

    def exit_status(self, least: Least = Least()) -> int:
        """Return what the program ends with: 0 only if every promise was kept."""
        return 1 if self.failures(least) else 0

    def write(self, folder: Path, least: Least = Least()) -> None:
        """Write report.json, report.md, and the picture as PNG and SVG."""
        folder.mkdir(parents=True, exist_ok=True)
        report = self.summary(least)
        text = json.dumps(report, indent=2, default=_plain)
        (folder / "report.json").write_text(text + "\n")
        (folder / "report.md").write_text(as_text(report))
        findings = [finding.at - self.began for finding in self._findings]
        draw(self._series, self._faults, findings, self.began, folder)

    def summary(self, least: Least = Least()) -> dict[str, Any]:
        """Return all figures."""
        failures = self.failures(least)
        seconds = (self._until or time.monotonic()) - self.began
        return {
            "run": {
                **self._run,
                "started": self._started.isoformat(timespec="seconds"),
                "seconds": round(seconds, 1),
            },
            "passed": not failures,
            "failures": failures,
            "promises": self._promises(),
            "operations": self._operations(seconds),
            "forbidden": self._forbidden(seconds),
            "kills": self._kills(),
            "faults": self._recoveries(),
            "longest_window_without": {
                kind: window.longest(self.began + seconds)
                for kind, window in self._windows.items()
            },
            "notes": self._notes,
            "findings": [vars(finding) for finding in self._findings],
        }

    def _promises(self) -> dict[str, Any]:
        """Return each kind of finding: how many, out of how many, and the bound."""
        operations = sum(outcomes.total() for outcomes in self._outcomes.values())
        out_of = {
            FindingKind.LOST: self._writes[Outcome.OK],
            FindingKind.PHANTOM: self._writes[Outcome.REFUSED]
            + self._writes[Outcome.LATER],
            FindingKind.LET_IN: self._answered(),
            FindingKind.BROKEN: operations,
        }
        return {
            kind: {
                "count": self._found[kind],
                "of": trials,
                "below": None if self._found[kind] else bound(trials),
            }
            for kind, trials in out_of.items()
        }

    def _operations(self, seconds: float) -> dict[str, Any]:
        everything: Counter[str] = Counter()
        for outcomes in self._outcomes.values():
            everything.update(outcomes)
        acknowledged = self._writes[Outcome.OK]
        return {
            "acknowledged": everything[Outcome.OK],
            "acknowledged_writes": acknowledged,
            "acknowledged_writes_per_second": round(acknowledged / seconds, 1),
            **{outcome: everything[outcome] for outcome in list(Outcome)[1:]},
            "by_kind": {kind: self._kind(kind) for kind in sorted(self._outcomes)},
        }

    def _kind(self, kind: str) -> dict[str, Any]:
        latencies = self._latencies[kind]
        return {
            **{outcome: self._outcomes[kind][outcome] for outcome in Outcome},
            "p50_ms": _milliseconds(latencies.quantile(0.5)),
            "p99_ms": _milliseconds(latencies.quantile(0.99)),
        }

    def _forbidden(self, seconds: float) -> dict[str, Any]:
        kinds = {kind: dict(counts) for kind, counts in sorted(self._attempts.items())}
        return {
            "attempts": self._answered(),
            "attempts_per_second": round(self._answered() / seconds, 1),
            "let_in": sum(counts["let_in"] for counts in self._attempts.values()),
            "by_kind": kinds,
        }

    def _recoveries(self) -> dict[str, Any]:
        by_name: defaultdict[str, list[FaultRecord]] = defaultdict(list)
        for fault in self._faults:
            by_name[fault.name].append(fault)
        return {name: _recovery(faults) for name, faults in sorted(by_name.items())}

    def _answered(self) -> int:
        return sum(
            counts[name] for counts in self._attempts.values() for name in ANSWERED
        )

    def _kills(self) -> int:
        return sum(fault.kills for fault in self._faults)


def _recovery(faults: list[FaultRecord]) -> dict[str, Any]:
    times = [f.recovered - f.healed for f in faults if f.recovered is not None]
    return {
        "count": len(faults),
        "recovered": len(times),
        "kills": sum(fault.kills for fault in faults),
        "recovery_seconds": {
            "median": round(median(times), 2) if times else None,
            "longest": round(max(times), 2) if times else None,
        },
        "evidence": _evidence(faults),
    }


def _evidence(faults: list[FaultRecord]) -> dict[str, int | float]:
    """Return the sums of what was counted while the faults lasted."""
    sums: Counter[str] = Counter()
    for fault in faults:
        for name, value in fault.details.items():
            if isinstance(value, int | float) and not isinstance(value, bool):
                sums[name] += value  # type: ignore[assignment]
    return dict(sums)


def _milliseconds(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 1)


def _plain(value: object) -> object:
    if isinstance(value, set | frozenset):
        return sorted(map(str, value))
    return str(value)
