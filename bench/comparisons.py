"""The comparisons that are made: who takes part in each, and in what."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bench.cases import CASES
from bench.contenders.bare import BareRoute, BareUpdate
from bench.contenders.better_auth import BetterAuth
from bench.contenders.cardea import Cardea
from bench.contenders.django import Django
from bench.contenders.fastapi_users import FastapiUsers
from bench.field import Entrant
from bench.measuring import Case
from bench.postgresql import Databases

RIVALS, SIZES, DATABASES = "rivals", "sizes", "databases"
COMPARISONS = (RIVALS, SIZES, DATABASES)

USERS = 10_000
USERS_BY_SIZE = (1_000, 100_000, 1_000_000)
FEWEST_USERS = 1_000
"""With fewer, somebody has more sessions than Cardea keeps in mind for one user."""

_ON_POSTGRESQL = "PostgreSQL"


@dataclass(frozen=True)
class Comparison:
    """Entrants that are measured in turns.

    Attributes:
        baseline: Whom all are compared with; None for each case's own baseline.
        without: Cases that would say nothing here.
        facts: What it depends on beyond the machine and the contenders.
    """

    name: str
    entrants: Sequence[Entrant]
    baseline: str | None = None
    without: Sequence[str] = ()
    facts: Mapping[str, str] = field(default_factory=dict)

    @property
    def cases(self) -> list[Case]:
        """What is measured."""
        return [case for case in CASES if case.key not in self.without]


def rivals(breached_url: str, users: int) -> Comparison:
    """Return all contenders, each in one process on SQLite."""
    contenders = (
        Cardea(breached_url),
        BareRoute(),
        BareUpdate(),
        FastapiUsers(),
        Django(),
        BetterAuth(),
    )
    return Comparison(RIVALS, [Entrant.of(one, users) for one in contenders])


def sizes(breached_url: str, sizes: Sequence[int]) -> Comparison:
    """Return Cardea with so many users, and more, and more."""
    entrants = [
        Entrant(Cardea(breached_url), users, size_name(users))
        for users in sorted(sizes)
    ]
    return Comparison(SIZES, entrants, entrants[0].name, without=["saturated"])


def databases(breached_url: str, users: int, on: Databases) -> Comparison:
    """Return Cardea on SQLite and PostgreSQL, and what each database does at best."""
    one = Cardea(breached_url, on.create("one_process"))
    two = Cardea(breached_url, on.create("two_processes"), processes=2)
    update = BareUpdate(on.create("bare_update"))
    entrants = [
        Entrant(Cardea(breached_url), users, "SQLite"),
        Entrant(one, users, _ON_POSTGRESQL),
        Entrant(two, users, f"{_ON_POSTGRESQL}, 2 processes"),
        Entrant(BareUpdate(), users, f"{BareUpdate.name}, SQLite"),
        Entrant(update, users, f"{BareUpdate.name}, {_ON_POSTGRESQL}"),
    ]
    without = ["one-token", "first-page", "start", "saturated"]
    facts = {_ON_POSTGRESQL: on.version}
    return Comparison(DATABASES, entrants, entrants[0].name, without, facts)


def size_name(users: int) -> str:
    """Return the name of Cardea with so many users."""
    return f"{users:,} users"
