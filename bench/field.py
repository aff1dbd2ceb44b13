"""Who takes part in a comparison, each with a database filled and a server to start."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.contenders.contender import Contender, Seeded
from bench.machine import cores
from bench.servers import Server

TOKENS = 10_000
"""Sessions that there are in every database, however many users."""


@dataclass(frozen=True)
class Entrant:
    """A contender as it takes part: with so many users, under a name."""

    contender: Contender
    users: int
    name: str

    @classmethod
    def of(cls, contender: Contender, users: int) -> "Entrant":
        """Return a contender under its own name."""
        return cls(contender, users, contender.name)


class Field:
    """The entrants, each with a database in a folder that goes.

    Args:
        baseline: Whom all are compared with; None for each case's own baseline.
    """

    def __init__(self, entrants: Sequence[Entrant], baseline: str | None) -> None:
        self.entrants = entrants
        self.baseline = baseline
        self._stack = ExitStack()
        self._seeded: dict[str, Seeded] = {}

    def __enter__(self) -> "Field":
        """Fill the databases."""
        made = tempfile.TemporaryDirectory(prefix="bench-")
        parent = self._stack.enter_context(made)
        for one in self.entrants:
            folder = Path(parent, one.name.replace(" ", "-"))
            folder.mkdir()
            self._seeded[one.name] = one.contender.seed(folder, one.users, TOKENS)
        return self

    def __exit__(self, *_: object) -> None:
        """Remove them."""
        self._stack.close()

    def seeded(self, one: Entrant) -> Seeded:
        """Return what is in an entrant's database."""
        return self._seeded[one.name]

    @contextmanager
    def serving(self, one: Entrant, on_both: bool = False) -> Iterator[Server]:
        """Run an entrant's server: a core for each process, or both for hashing."""
        usable = cores() if on_both else cores()[: one.contender.processes]
        with one.contender.serving(self.seeded(one), usable) as server:
            yield server
