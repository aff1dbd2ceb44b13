"""What a request costs beside a bare route: a guard against what makes all slower.

It counts processor time, for that is nearly the same on a machine where others are at
work; and ratios within one run, for machines differ. `python -m bench` measures more.
"""

import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

import pytest

from bench.asking import Caller, calling
from bench.contenders.bare import BareRoute, BareUpdate
from bench.contenders.cardea import Cardea
from bench.contenders.contender import Contender, Seeded
from bench.servers import Server
from tests.support.processes import NOBODY_LISTENS

pytestmark = pytest.mark.skipif(
    shutil.which("taskset") is None, reason="servers are pinned to their cores with it"
)

USERS = 100
TURNS = 5
CHECKS = 1000
REFRESHES = 150

AT_MOST = 2.2
"""Times the processor time of the bare route; both are at about 1.4."""


@dataclass
class Running:
    """A server with a database of a few people, and a connection to it."""

    contender: Contender
    seeded: Seeded
    server: Server
    caller: Caller

    def cost_of(self, work: Callable[["Running"], None]) -> float:
        """Return the processor time that some work takes the server, in seconds."""
        began = self.server.cpu_seconds
        work(self)
        return self.server.cpu_seconds - began


@contextmanager
def running(contender: Contender, folder: Path) -> Iterator[Running]:
    """Fill a database in a new folder, and serve it on whatever cores there are."""
    folder.mkdir()
    seeded = contender.seed(folder, USERS, USERS)
    cores = sorted(os.sched_getaffinity(0))
    with contender.serving(seeded, cores) as server, calling(server.url) as caller:
        yield Running(contender, seeded, server, caller)


def check_tokens(who: Running) -> None:
    """Ask again and again who the caller is."""
    asked = who.contender.token_check(who.seeded.access_tokens[0])
    assert asked is not None
    for _ in range(CHECKS):
        who.caller.ask(asked)


def refresh(who: Running) -> None:
    """Exchange tokens of many sessions, each for the next."""
    tokens = list(who.seeded.refresh_tokens[:USERS])
    for number in range(REFRESHES):
        session = number % USERS
        asked = who.contender.refresh(tokens[session])
        assert asked is not None
        answer = json.loads(who.caller.ask(asked.coming_from(session)))
        tokens[session] = answer.get("refresh_token") or answer["token"]
    who.seeded = replace(who.seeded, refresh_tokens=tokens)


def times_as_costly(
    one: Running, bare: Running, work: Callable[[Running], None]
) -> float:
    """Have both do the work in turns; return how many times as much the first takes."""
    for who in (one, bare):
        work(who)  # What is done once is done.
    pairs = [(one.cost_of(work), bare.cost_of(work)) for _ in range(TURNS)]
    return median(mine / bares for mine, bares in pairs)


@pytest.fixture(scope="module")
def cardea(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Cardea as it is shipped, in production's settings."""
    folder = tmp_path_factory.mktemp("performance") / "cardea"
    with running(Cardea(NOBODY_LISTENS), folder) as one:
        yield one


class TestProcessorTime:
    """Microseconds of processor time, as a multiple of what cannot be saved."""

    def test_token_check(self, cardea: Running, tmp_path: Path) -> None:
        """A token check costs little more than a route that answers a constant."""
        with running(BareRoute(), tmp_path / "bare") as bare:
            times = times_as_costly(cardea, bare, check_tokens)
        assert times < AT_MOST

    def test_refresh(self, cardea: Running, tmp_path: Path) -> None:
        """A refresh costs little more than one UPDATE and its commit."""
        with running(BareUpdate(), tmp_path / "bare") as bare:
            times = times_as_costly(cardea, bare, refresh)
        assert times < AT_MOST
