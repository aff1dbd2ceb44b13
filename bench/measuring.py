"""What a case is, and two kinds of it: a start, and a service that is busy."""

from abc import ABC, abstractmethod
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from bench.contenders.contender import Seeded
from bench.field import Entrant, Field
from bench.load import loading, outcome_of, put
from bench.machine import cores
from bench.questions import one_token, sign_in
from bench.results import Measured
from bench.servers import Server

START_SECONDS = 2.5
"""What starting and stopping a server takes, about; tells how long a run will take."""

SATURATED_SECONDS = 8
LONGER_SECONDS = 2
"""Sign-ins begin before the token checks, and end after them."""

SAMPLE = Seeded(Path(), ["access"], ["refresh"], "admin")
"""Enough to find out who has an answer to a question."""


@dataclass(frozen=True)
class Case(ABC):
    """Something that is measured of everybody who can do it, in turns: A B A B.

    Attributes:
        key: Its name in files and on the command line.
        title: What is measured.
        baseline: Whom the others are compared with, unless the field says whom.
    """

    key: str
    title: str
    baseline: str

    @abstractmethod
    def can(self, one: Entrant) -> bool:
        """Tell whether an entrant has an answer to this."""

    @abstractmethod
    def measure(self, field: Field, rounds: int) -> list[Measured]:
        """Measure all who can do it."""

    @abstractmethod
    def seconds_for(self, field: Field, rounds: int) -> float:
        """Return how long that takes."""

    def able(self, field: Field) -> list[Entrant]:
        """Return who can do it."""
        return [one for one in field.entrants if self.can(one)]

    def begun(self, field: Field, name: str, users: int) -> Measured:
        """Return a place for what comes of it for one entrant."""
        baseline = field.baseline or self.baseline
        return Measured(self.key, self.title, baseline, name, users)


@dataclass(frozen=True)
class Start(Case):
    """How long a start takes, up to the first answer, and what memory it needs."""

    def can(self, one: Entrant) -> bool:
        """Tell whether it checks tokens, and so is more than a ceiling of something."""
        return one.contender.token_check("") is not None

    def measure(self, field: Field, rounds: int) -> list[Measured]:
        """Start everybody in turn."""
        able = self.able(field)
        found = [self.begun(field, one.name, one.users) for one in able]
        for _ in range(rounds):
            for one, measured in zip(able, found, strict=True):
                with field.serving(one) as server:
                    measured.add(
                        seconds=server.seconds_to_start, mib=server.resident_mib
                    )
        return found

    def seconds_for(self, field: Field, rounds: int) -> float:
        """Return how long that takes."""
        return len(self.able(field)) * rounds * START_SECONDS


@dataclass(frozen=True)
class Saturated(Case):
    """A token check in peace, and while sign-ins take all the time there is."""

    def can(self, one: Entrant) -> bool:
        """Tell whether it does both."""
        asks = (one_token, sign_in)
        return all(ask(one.contender, SAMPLE, 0) for ask in asks)

    def measure(self, field: Field, rounds: int) -> list[Measured]:
        """Compare everybody with themselves."""
        able = self.able(field)
        found = [self.begun(field, one.name, one.users) for one in able]
        with ExitStack() as stack:
            servers = [stack.enter_context(field.serving(one)) for one in able]
            for turn in range(rounds):
                for one, server, measured in zip(able, servers, found, strict=True):
                    _compare(field, one, server, measured, warm_up=not turn)
        return found

    def seconds_for(self, field: Field, rounds: int) -> float:
        """Return how long that takes."""
        each = 2 * SATURATED_SECONDS + LONGER_SECONDS
        return len(self.able(field)) * (START_SECONDS + LONGER_SECONDS + rounds * each)


def _compare(
    field: Field, one: Entrant, server: Server, measured: Measured, *, warm_up: bool
) -> None:
    """Check tokens, without sign-ins and beside them."""
    seeded, load_core = field.seeded(one), cores()[1:]
    checks = one_token(one.contender, seeded, 0)
    sign_ins = sign_in(one.contender, seeded, 0)
    assert checks is not None and sign_ins is not None
    if warm_up:
        put(checks, server.url, LONGER_SECONDS, load_core)
    idle = put(checks, server.url, SATURATED_SECONDS, load_core)
    longer = SATURATED_SECONDS + LONGER_SECONDS
    with loading(sign_ins, server.url, longer, load_core) as process:
        busy = put(checks, server.url, SATURATED_SECONDS, load_core)
        outcome_of(process, longer)
    measured.add(
        idle_per_second=idle.per_second,
        busy_per_second=busy.per_second,
        idle_p99_ms=idle.p99_ms,
        busy_p99_ms=busy.p99_ms,
        times_p99=busy.p99_ms / idle.p99_ms,
    )
