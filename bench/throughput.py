"""The kind of case that most are: how many answers a second, and what each costs."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass, replace

from bench import hashing
from bench.asking import answer_to
from bench.field import Entrant, Field
from bench.load import Load, Outcome, put
from bench.machine import cores
from bench.measuring import SAMPLE, START_SECONDS, Case
from bench.questions import Asks
from bench.results import Measured
from bench.servers import Server


@dataclass(frozen=True)
class Throughput(Case):
    """How many answers a second, and what each costs.

    Attributes:
        asks: What is sent.
        is_good: Whether this is the right answer; one is looked at before each round.
        hashes: Whether passwords are hashed, on both cores; the load needs little then.
        fresh: Whether the server is started anew for each round, and not warmed up.
        seconds: How long a round takes.
        warm_up_seconds: How long it is asked before that.
    """

    asks: Asks
    is_good: Callable[[str], bool] | None = None
    hashes: bool = False
    fresh: bool = False
    seconds: int = 5
    warm_up_seconds: int = 3

    def can(self, one: Entrant) -> bool:
        """Tell whether there is something to send."""
        return self.asks(one.contender, SAMPLE, 0) is not None

    def measure(self, field: Field, rounds: int) -> list[Measured]:
        """Put load on all who can take it, in turns."""
        able = self.able(field)
        found = {one.name: self.begun(field, one.name, one.users) for one in able}
        with ExitStack() as stack:
            running = {} if self.fresh else self._start(field, stack)
            for turn in range(1, rounds + 1):
                for one in able:
                    with self._server(field, one, running) as server:
                        _add(found[one.name], self._put(field, one, server, turn))
                if self._against_bcrypt(field):
                    ceiling = self.begun(field, hashing.NAME, 0)
                    measured = found.setdefault(hashing.NAME, ceiling)
                    _add(measured, hashing.raw_bcrypt(self.seconds, cores()))
        return list(found.values())

    def seconds_for(self, field: Field, rounds: int) -> float:
        """Return how long that takes."""
        able, starts = len(self.able(field)), rounds if self.fresh else 1
        once = START_SECONDS + (0 if self.fresh else self.warm_up_seconds)
        taking_turns = able + self._against_bcrypt(field)
        return able * starts * once + taking_turns * rounds * self.seconds

    def _start(self, field: Field, stack: ExitStack) -> Mapping[str, Server]:
        """Start everybody's server until the stack unwinds, and warm it up."""
        running = {}
        for one in self.able(field):
            server = stack.enter_context(field.serving(one, self.hashes))
            self._put(field, one, server, 0)
            running[one.name] = server
        return running

    def _server(
        self, field: Field, one: Entrant, running: Mapping[str, Server]
    ) -> AbstractContextManager[Server]:
        if one.name in running:
            return nullcontext(running[one.name])
        return field.serving(one, self.hashes)

    def _put(self, field: Field, one: Entrant, server: Server, turn: int) -> Outcome:
        load = self.asks(one.contender, field.seeded(one), turn)
        assert load is not None
        self._check(load, server)
        seconds = self.seconds if turn else self.warm_up_seconds
        began = server.cpu_seconds
        outcome = put(load, server.url, seconds, cores()[1:])
        return replace(outcome, cpu_seconds=server.cpu_seconds - began)

    def _check(self, load: Load, server: Server) -> None:
        """Look at one answer.

        Raises:
            RuntimeError: If it is not what was asked for, whatever its status says.
        """
        if self.is_good is None:
            return
        answer = answer_to(load.requests[0], server.url)
        if not self.is_good(answer):
            raise RuntimeError(f"{self.title}: {server.url} answers {answer[:500]}")

    def _against_bcrypt(self, field: Field) -> bool:
        return (field.baseline or self.baseline) == hashing.NAME


def _add(measured: Measured, outcome: Outcome) -> None:
    measured.add(
        per_second=outcome.per_second,
        cpu_us=outcome.cpu_us,
        p50_ms=outcome.p50_ms,
        p99_ms=outcome.p99_ms,
    )
