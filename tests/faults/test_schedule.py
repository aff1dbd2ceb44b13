"""What is injected when."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.faults.cluster import POSTGRESQL, SQLITE
from tests.faults.injecting import Options
from tests.faults.injections import FAULTS, KILL, Fault
from tests.faults.schedule import KILLS_AT_MOST_IN_A_ROW, Schedule, Step

STEP_SECONDS = 6.0
"""How long a step takes in these tests."""


def faults_of(database: str) -> list[Fault]:
    """Return all faults of a database."""
    return [fault for fault in FAULTS if database in fault.databases]


def carry_out(schedule: Schedule, step_seconds: float = STEP_SECONDS) -> list[Step]:
    """Return every step, as if each took so long."""
    steps: list[Step] = []
    while step := schedule.next(
        len(steps) * step_seconds, sum(one.fault is KILL for one in steps)
    ):
        steps.append(step)
    return steps


def described(steps: list[Step]) -> list[tuple[str, float]]:
    """Return the name of each fault, and what it would draw."""
    return [(step.fault.name, step.rng.random()) for step in steps]


@pytest.mark.parametrize("database", [SQLITE, POSTGRESQL])
class TestSchedule:
    """The order of faults."""

    def test_seed_decides(self, database: str) -> None:
        """The same seed gives the same faults with the same details."""
        faults = faults_of(database)
        first, second, other = (
            described(carry_out(Schedule(seed, faults, 5))) for seed in (1, 1, 2)
        )
        assert first == second
        assert first != other

    def test_every_fault_comes(self, database: str) -> None:
        """Each fault comes at least once, however short the time."""
        faults = faults_of(database)
        steps = carry_out(Schedule(1, faults, 0.1))
        assert {step.fault for step in steps} == set(faults)

    def test_short_form_has_every_family(self, database: str) -> None:
        """The short form has one fault of each family."""
        faults = faults_of(database)
        steps = carry_out(Schedule(1, faults, 0.1, short=True))
        others = [step.fault.family for step in steps if step.fault is not KILL]
        assert {step.fault.family for step in steps} == {one.family for one in faults}
        assert len(others) == len(set(others))

    def test_twenty_minutes_kill_two_hundred_times(self, database: str) -> None:
        """The number of kills is reached, if a kill takes three seconds."""
        steps = carry_out(Schedule(1, faults_of(database), 20), step_seconds=3)
        assert sum(step.fault is KILL for step in steps) >= 200

    def test_other_faults_come_between_kills(self, database: str) -> None:
        """A run that is late with its kills injects everything else all the same."""
        steps = carry_out(Schedule(1, faults_of(database), 20), step_seconds=10)
        assert {step.fault for step in steps} == set(faults_of(database))
        names = "".join("k" if step.fault is KILL else "." for step in steps)
        # At the end it makes up for what is missing.
        assert "k" * (KILLS_AT_MOST_IN_A_ROW + 2) not in names.rstrip("k")

    def test_everything_is_compared_after_every_fault_but_kills(
        self, database: str
    ) -> None:
        """Plain kills are compared every few."""
        steps = carry_out(Schedule(1, faults_of(database), 5))
        assert all(step.compare for step in steps if step.fault is not KILL)
        kills = [step.compare for step in steps if step.fault is KILL]
        assert kills[:8] == [False, False, False, True] * 2


class TestChoice:
    """`--faults`."""

    def test_only_what_is_asked_for(self) -> None:
        """Without kills there are none in between."""
        chosen = [fault for fault in FAULTS if fault.name == "disk_full"]
        steps = carry_out(Schedule(1, chosen, 1))
        assert {step.fault.name for step in steps} == {"disk_full"}

    def test_short(self) -> None:
        """The short form leaves out what takes long, unless that is asked for."""
        short = Options(SQLITE, 1, 1, 1, report=Path("unused"), short=True)
        assert not [fault for fault in short.chosen() if fault.is_long]
        assert "smtp" in {fault.family for fault in short.chosen()}
        named = replace(short, faults=frozenset({"smtp_hanging"}))
        assert [fault.name for fault in named.chosen()] == ["smtp_hanging"]

    def test_what_a_database_has_not(self) -> None:
        """A fault of the other database is left out."""
        names = frozenset({"redis_stop", "kill"})
        options = Options(SQLITE, 1, 1, 1, report=Path("unused"), faults=names)
        assert [fault.name for fault in options.chosen()] == ["kill"]


def test_names_are_unique() -> None:
    """A fault is asked for, and reported, by its name."""
    names = [fault.name for fault in FAULTS]
    assert len(names) == len(set(names))
