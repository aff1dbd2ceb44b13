"""The report: figures, the verdict, and that silence alone does not pass."""

import json
import time
from pathlib import Path

import pytest

from tests.faults.figures import Latencies, Series, Window, bound
from tests.faults.records import (
    FaultRecord,
    Finding,
    FindingKind,
    Operation,
    Outcome,
)
from tests.faults.report import Least, Recorder
from tests.faults.tables import table


def operation(
    kind: str = "rename",
    outcome: Outcome = Outcome.OK,
    ended: float | None = None,
    seconds: float = 0.01,
) -> Operation:
    """Return one request."""
    ended = time.monotonic() if ended is None else ended
    is_write = kind != "token_check"
    return Operation(kind, is_write, ended - seconds, ended, outcome, "http://here")


@pytest.fixture
def recorder() -> Recorder:
    """A recorder of a run that did a little of everything."""
    made = Recorder(database="sqlite", seed=1)
    for outcome in Outcome:
        made.operation(operation(outcome=outcome))
    made.operation(operation("sign_in"))
    made.operation(operation("token_check"))
    made.intrusions({"ended_access": {"refused": 5, "limited": 1, "unanswered": 2}})
    now = time.monotonic()
    details = {"errors": 3, "how": "kill"}
    made.fault(FaultRecord("kill", now, now + 1, now + 2, 1, details))
    made.fault(FaultRecord("kill", now, now + 1, now + 5, 1, details))
    return made


def broken(recorder: Recorder, kind: FindingKind = FindingKind.LOST) -> None:
    """Have something found."""
    recorder.finding(Finding(kind, "something", time.monotonic(), {"history": []}))


class TestVerdict:
    """Whether a run has passed."""

    def test_passed(self, recorder: Recorder) -> None:
        """Nothing was found, and something was done."""
        assert recorder.failures() == []
        assert recorder.exit_status() == 0

    @pytest.mark.parametrize("kind", FindingKind)
    def test_finding(self, recorder: Recorder, kind: FindingKind) -> None:
        """One finding of any kind fails the run."""
        broken(recorder, kind)
        assert recorder.failures() == [f"1 {kind}"]
        assert recorder.exit_status() == 1

    def test_told_twice(self, recorder: Recorder) -> None:
        """Who hears of the same finding twice counts it once."""
        finding = Finding(FindingKind.LOST, "something", 0.0)
        recorder.finding(finding)
        recorder.finding(finding)
        assert recorder.failures() == ["1 lost"]

    def test_not_recovered(self, recorder: Recorder) -> None:
        """A fault that the service did not recover from fails the run."""
        recorder.fault(FaultRecord("disk_full", 0.0, 1.0))
        assert recorder.failures() == ["no recovery from disk_full"]

    def test_nothing_done(self) -> None:
        """A run that did nothing has shown nothing."""
        failures = Recorder().failures()
        assert failures == ["only 0 writes, 1 wanted", "only 0 attempts, 1 wanted"]

    def test_too_little_done(self, recorder: Recorder) -> None:
        """More can be asked for."""
        least = Least(writes=3, attempts=6, kills=2)
        assert recorder.failures(least) == ["only 2 writes, 3 wanted"]

    def test_incomplete(self, recorder: Recorder) -> None:
        """A run whose last comparison was cut off has failed."""
        recorder.incomplete("the last comparison was not finished")
        assert recorder.exit_status() == 1


class TestSummary:
    """The figures."""

    def test_promises(self, recorder: Recorder) -> None:
        """Each kind has its own number of trials; what was found has no bound."""
        broken(recorder)
        promises = recorder.summary()["promises"]
        assert promises["lost"] == {"count": 1, "of": 2, "below": None}
        assert promises["phantom"] == {"count": 0, "of": 2, "below": 1.5}
        assert promises["let_in"] == {"count": 0, "of": 6, "below": 0.5}
        assert promises["broken"] == {"count": 0, "of": 6, "below": 0.5}

    def test_recovery(self, recorder: Recorder) -> None:
        """From the moment the world was whole again to the next acknowledged write."""
        kill = recorder.summary()["faults"]["kill"]
        assert kill["count"] == kill["recovered"] == kill["kills"] == 2
        assert kill["recovery_seconds"] == {"median": 2.5, "longest": 4.0}
        assert kill["evidence"] == {"errors": 6}

    def test_intrusions_add_up(self, recorder: Recorder) -> None:
        """The intruder tells what is new; what had no answer is no refusal."""
        recorder.intrusions({"ended_access": {"refused": 4, "let_in": 1}})
        forbidden = recorder.summary()["forbidden"]
        assert forbidden["attempts"] == 11
        assert forbidden["let_in"] == 1
        assert forbidden["by_kind"]["ended_access"]["unanswered"] == 2

    def test_findings_are_bounded(self, recorder: Recorder) -> None:
        """All are counted, a hundred told."""
        for _ in range(300):
            broken(recorder)
        assert recorder.summary()["promises"]["lost"]["count"] == 300
        assert len(recorder.summary()["findings"]) == 100

    def test_windows(self) -> None:
        """The longest time without a sign-in counts until the load stopped."""
        recorder = Recorder()
        began = recorder.began
        for moment in (1.0, 2.0, 7.0):
            recorder.operation(operation("sign_in", ended=began + moment))
        window = Window(began)
        for moment in (1.0, 2.0, 7.0):
            window.saw(began + moment)
        assert window.longest(began + 8) == {"seconds": 5.0, "began": 2.0}
        assert window.longest(began + 20) == {"seconds": 13.0, "began": 7.0}


class TestWrite:
    """The files."""

    def test_files(self, recorder: Recorder, tmp_path: Path) -> None:
        """Figures for programs, tables for people, and a picture."""
        broken(recorder)
        recorder.note("A sentence.")
        recorder.note("A sentence.")
        recorder.write(tmp_path)
        report = json.loads((tmp_path / "report.json").read_text())
        assert report["run"]["database"] == "sqlite"
        assert report["notes"] == ["A sentence."]
        text = (tmp_path / "report.md").read_text()
        assert "# Faults: FAILED" in text
        assert "- 1 lost" in text
        assert (tmp_path / "timeline.png").read_bytes().startswith(b"\x89PNG")
        assert "</svg>" in (tmp_path / "timeline.svg").read_text()

    def test_nothing_happened(self, tmp_path: Path) -> None:
        """A run that was stopped at once has a report too."""
        Recorder().write(tmp_path)
        assert json.loads((tmp_path / "report.json").read_text())["passed"] is False

    def test_many_faults(self, recorder: Recorder, tmp_path: Path) -> None:
        """More kinds of fault than colours, and one that comes all the time."""
        for number in range(30):
            at = recorder.began + number
            recorder.fault(FaultRecord(f"fault_{number}", at, at + 0.5, at + 1))
            recorder.fault(FaultRecord("kill", at, at + 0.5, at + 1, kills=1))
        recorder.operation(operation(ended=recorder.began + 30))
        recorder.write(tmp_path)
        assert "fault_29" in (tmp_path / "report.md").read_text()


class TestFigures:
    """What is kept of many operations."""

    def test_quantiles(self) -> None:
        """Right to within nine per cent."""
        latencies = Latencies()
        for milliseconds in range(1, 1001):
            latencies.add(milliseconds / 1000)
        assert latencies.quantile(0.5) == pytest.approx(0.5, rel=0.09)
        assert latencies.quantile(0.99) == pytest.approx(0.99, rel=0.09)
        assert Latencies().quantile(0.5) is None

    def test_memory_is_bounded(self) -> None:
        """Ten thousand operations in a second take no more room than the first."""
        series = Series(0.0)
        for number in range(10_000):
            series.add(operation(ended=0.5, seconds=number / 1000))
        ((began, second),) = series.slices(1)
        assert (began, second.writes) == (0, 10_000)
        assert len(second.latencies._counts) < 150

    def test_slices(self) -> None:
        """Seconds without anything count as such."""
        series = Series(0.0)
        for moment in (0.5, 1.5, 9.5):
            series.add(operation(ended=moment))
        writes = [(began, second.writes) for began, second in series.slices(4)]
        assert writes == [(0, 2), (4, 0), (8, 1)]

    def test_bound(self) -> None:
        """The rule of three."""
        assert bound(20_000) == pytest.approx(1.5e-4)
        assert bound(0) is None

    def test_table(self) -> None:
        """Columns line up, numbers to the right, thousands apart."""
        lines = table(["a", "number"], [("x", 12345), ("long", None)]).splitlines()
        assert lines[2:] == ["| x    | 12,345 |", "| long |      - |"]
        assert len({len(line) for line in lines}) == 1
