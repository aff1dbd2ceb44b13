"""One fault after the other, and what is looked at after each."""

import asyncio
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from tests.faults.cluster import Cluster
from tests.faults.injections import FAULTS, Fault
from tests.faults.records import FaultRecord, Finding, FindingKind
from tests.faults.schedule import Schedule, Step

INJECT_SECONDS = 180
COMPARE_SECONDS = 120
"""Bounds of what ought to end by itself much sooner."""


@dataclass(frozen=True)
class Options:
    """What the command line asks for."""

    database: str
    processes: int
    minutes: float
    seed: int
    report: Path
    faults: frozenset[str] | None = None
    defect: str | None = None
    short: bool = False

    def chosen(self) -> list[Fault]:
        """Return the faults to inject, of those there are for this database."""
        return [
            fault
            for fault in FAULTS
            if self.database in fault.databases and self._is_wanted(fault)
        ]

    def _is_wanted(self, fault: Fault) -> bool:
        if self.faults is not None:
            return fault.name in self.faults
        return not (self.short and fault.is_long)


class Pausable(Protocol):
    """The load, as far as faults have to do with it."""

    async def settle(self) -> None:
        """Finish what is under way, and pause."""

    async def compare(self) -> list[Finding]:
        """Compare everything with the ledger; record and return what is found."""

    async def resume(self) -> None:
        """Go on."""

    def trust_clocks(self, are_right: bool) -> None:
        """Say whether every server's clock is ours."""


class Records(Protocol):
    """Who keeps faults and findings: the `Recorder`."""

    def fault(self, fault: FaultRecord) -> None:
        """Keep what was injected."""

    def finding(self, finding: Finding) -> None:
        """Keep a broken promise."""


@dataclass
class Injecting:
    """Injects what the schedule says, until its end.

    Attributes:
        done: The faults so far.
    """

    options: Options
    cluster: Cluster
    load: Pausable
    recorder: Records
    done: list[FaultRecord] = field(default_factory=list)
    _found: int = 0
    _ends: int = 0

    async def go(self) -> None:
        """Inject one fault after the other, and compare in between."""
        options = self.options
        schedule = Schedule(
            options.seed, options.chosen(), options.minutes, short=options.short
        )
        began = time.monotonic()
        while step := schedule.next(time.monotonic() - began, self.kills):
            record = await self._inject(step)
            self._say(time.monotonic() - began, record)
            if step.compare:
                await self._compare()
        await self._compare()

    @property
    def kills(self) -> int:
        """How many server processes were killed."""
        return sum(record.kills for record in self.done)

    @property
    def missing(self) -> list[str]:
        """What was to be injected, and was not shown to have taken place."""
        shown = {record.name for record in self.done if record.shown}
        families = {fault.family for fault in FAULTS if fault.name in shown}
        return [
            fault.name
            for fault in self.options.chosen()
            if fault.name not in shown
            and not (self.options.short and fault.family in families)
        ]

    async def _compare(self) -> None:
        """Have the load settle and compare."""
        try:
            async with asyncio.timeout(COMPARE_SECONDS):
                await self.load.settle()
                for finding in await self.load.compare():
                    self._tell(finding)  # It has been recorded already.
                await self.load.resume()
        except TimeoutError:
            self._broken("the load could not settle and compare")

    async def _inject(self, step: Step) -> FaultRecord:
        are_wrong = time.monotonic() < self.cluster.clocks_wrong_until
        self.load.trust_clocks(not (are_wrong or step.fault.bends_time))
        record = await self._attempt(step)
        record.recovered = await self.cluster.recovered()
        if record.recovered is None:
            self._broken("the service did not recover", fault=record.name)
        self._collect(record)
        self.done.append(record)
        self.recorder.fault(record)
        return record

    async def _attempt(self, step: Step) -> FaultRecord:
        """Inject a fault; the harness's own trouble makes it one that was not shown."""
        began = time.monotonic()
        try:
            async with asyncio.timeout(INJECT_SECONDS):
                return await step.fault.inject(self.cluster, step.rng)
        except Exception as error:
            details = {"error": repr(error)}
            healed = time.monotonic()
            name = step.fault.name
            return FaultRecord(name, began, healed, details=details, shown=False)

    def _collect(self, record: FaultRecord) -> None:
        """Take over what the fault noticed, and what ended by itself meanwhile."""
        for finding in self.cluster.findings:
            self._note(finding)
        self.cluster.findings.clear()
        ends = [
            {"process": process.name, "status": end.status}
            for process in self.cluster.processes
            for end in process.unmeant
        ]
        for end in ends[self._ends :]:
            self._broken("a process ended by itself", fault=record.name, **end)
        self._ends = len(ends)

    def _broken(self, what: str, **details: object) -> None:
        moment = time.monotonic()
        self._note(Finding(FindingKind.BROKEN, what, moment, dict(details)))

    def _note(self, finding: Finding) -> None:
        self.recorder.finding(finding)
        self._tell(finding)

    def _tell(self, finding: Finding) -> None:
        self._found += 1
        progress(f"!! {finding.kind}: {finding.what} {finding.details}")

    def _say(self, elapsed: float, record: FaultRecord) -> None:
        """Tell whoever waits what has just been done."""
        recovered = "never"
        if record.recovered is not None:
            recovered = f"{record.recovered - record.healed:.1f} s"
        progress(
            f"{elapsed:5.0f} s  {record.name:<21}"
            f" held {record.healed - record.began:4.1f} s"
            f"  recovered in {recovered:<6}"
            f"  kills {self.kills:>3}  findings {self._found}"
            f"{'' if record.shown else '  NOT SHOWN'}  {record.details}"
        )


def progress(line: str) -> None:
    """Tell whoever waits."""
    print(line, file=sys.stderr, flush=True)
