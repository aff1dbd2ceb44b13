"""Puts the cases to the contenders, in turns: A B A B."""

import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench import hashing
from bench.cases import BARE, MANY_TOKENS, Case, one_token, sign_in
from bench.contenders.contender import Contender, Seeded
from bench.load import Load, Outcome, loading, outcome_of, put
from bench.machine import cores
from bench.servers import Server

SATURATED_SECONDS = 10


@dataclass
class Measured:
    """What came of a case for one contender, round by round, by what was measured."""

    case: str
    title: str
    baseline: str
    contender: str
    users: int
    values: dict[str, list[float]] = field(default_factory=dict)

    def add(self, **values: float) -> None:
        """Take in a round, and say so."""
        for name, value in values.items():
            self.values.setdefault(name, []).append(value)
        said = ", ".join(f"{name} {value:,.2f}" for name, value in values.items())
        print(
            f"{self.title:48} {self.contender:16} {said}", file=sys.stderr, flush=True
        )


class Field:
    """The contenders, each with a database of so many users, in a folder that goes."""

    def __init__(self, contenders: Sequence[Contender], users: int) -> None:
        self._contenders = contenders
        self._users = users
        self._folder = tempfile.TemporaryDirectory(prefix="bench-")
        self._seeded: dict[str, Seeded] = {}

    def __enter__(self) -> "Field":
        """Fill the databases."""
        for one in self._contenders:
            folder = Path(self._folder.name, one.name.replace(" ", "-"))
            folder.mkdir()
            tokens = min(self._users, MANY_TOKENS)
            self._seeded[one.name] = one.seed(folder, self._users, tokens)
        return self

    def __exit__(self, *_: object) -> None:
        """Remove them."""
        self._folder.cleanup()

    def measure(self, case: Case, rounds: int) -> list[Measured]:
        """Put a case to all who can answer it, in turns."""
        able = [one for one in self._contenders if self._load(case, one, 0)]
        found = {one.name: self._measured(case, one.name) for one in able}
        if case.hashes:
            found[hashing.NAME] = self._measured(case, hashing.NAME)
        with ExitStack() as stack:
            servers = {}
            for one in able if not case.fresh else ():
                servers[one.name] = stack.enter_context(self._served(one, case.hashes))
                self._put(case, one, servers[one.name], 0)
            for turn in range(1, rounds + 1):
                for one in able:
                    with ExitStack() as once:
                        server = servers.get(one.name) or once.enter_context(
                            self._served(one, case.hashes)
                        )
                        _add(found[one.name], self._put(case, one, server, turn))
                if case.hashes:
                    outcome = hashing.raw_bcrypt(case.seconds, cores())
                    _add(found[hashing.NAME], outcome)
        return list(found.values())

    def measure_start(self, rounds: int) -> list[Measured]:
        """Start everybody in turn, and see how long it takes and what it needs."""
        able = [one for one in self._contenders if one.token_check("")]
        found = [
            Measured("start", "Start", BARE, one.name, self._users) for one in able
        ]
        for _ in range(rounds):
            for one, measured in zip(able, found, strict=True):
                with self._served(one) as server:
                    measured.add(
                        seconds=server.seconds_to_start, mib=server.resident_mib
                    )
        return found

    def measure_saturated(self, rounds: int) -> list[Measured]:
        """Check a token in peace, and while sign-ins take all the time there is."""
        key, title = "saturated", "Token check while sign-ins saturate"
        found = []
        for one in self._contenders:
            seeded = self._seeded[one.name]
            asked, signing_in = one_token(one, seeded, 0), sign_in(one, seeded, 0)
            if asked is None or signing_in is None:
                continue
            measured = Measured(key, title, one.name, one.name, self._users)
            found.append(measured)
            with self._served(one) as server:
                put(asked, server.url, 2, cores()[1:])
                for _ in range(rounds):
                    idle = put(asked, server.url, SATURATED_SECONDS, cores()[1:])
                    longer = SATURATED_SECONDS + 2
                    with loading(signing_in, server.url, longer, cores()[1:]) as load:
                        busy = put(asked, server.url, SATURATED_SECONDS, cores()[1:])
                        outcome_of(load, longer)
                    measured.add(
                        idle_p99_ms=idle.p99_ms,
                        busy_p99_ms=busy.p99_ms,
                        idle_per_second=idle.per_second,
                        busy_per_second=busy.per_second,
                    )
        return found

    def _measured(self, case: Case, name: str) -> Measured:
        return Measured(case.key, case.title, case.baseline, name, self._users)

    def _load(self, case: Case, one: Contender, turn: int) -> Load | None:
        return case.asks(one, self._seeded[one.name], turn)

    @contextmanager
    def _served(self, one: Contender, on_both: bool = False) -> Iterator[Server]:
        both = cores()
        usable = both if on_both else both[:1]
        with one.serving(self._seeded[one.name], usable) as server:
            yield server

    def _put(self, case: Case, one: Contender, server: Server, turn: int) -> Outcome:
        load = self._load(case, one, turn)
        assert load is not None
        seconds = case.seconds if turn else case.warm_up_seconds
        return put(load, server.url, seconds, cores()[1:])


def _add(measured: Measured, outcome: Outcome) -> None:
    measured.add(
        per_second=outcome.per_second, p50_ms=outcome.p50_ms, p99_ms=outcome.p99_ms
    )
