"""More connections than there is room for."""

import resource
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import psutil  # type: ignore[import-untyped]
import pytest

from tests.serving.conftest import PLACES, Start
from tests.serving.registering import changes_wait, sign_up
from tests.serving.wire import PATIENCE, Wire, is_served, wires
from tests.support.people import API
from tests.support.server import Server

UNDER_LIMIT = """
import resource, sys
resource.setrlimit(resource.RLIMIT_NOFILE, ({soft}, {hard}))
from app.cli import main
main(["serve", *sys.argv[1:]])
"""


@pytest.fixture(scope="module", autouse=True)
def many_files() -> Iterator[None]:
    """Let this process open as many connections as the tests need."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def say_nothing(_: Wire) -> None:
    """Connect, and no more."""


def begin_a_head(wire: Wire) -> None:
    """Send a part of a request."""
    wire.send("GET /")


def become_idle(wire: Wire) -> None:
    """Get an answer, and stay."""
    wire.ask()
    wire.answer()


def read_nothing(wire: Wire) -> None:
    """Ask for more than is on its way at once."""
    wire.ask("/assets/swagger-ui-bundle.js")
    assert wire.is_heard(PATIENCE)


def still_open(crowd: list[Wire]) -> list[bool]:
    """Tell of each connection whether the server has left it open."""
    return [not wire.is_closed() for wire in crowd]


class TestCrowd:
    """Connections that wait for their clients."""

    @pytest.mark.parametrize("act", [say_nothing, begin_a_head, become_idle])
    def test_makes_room(self, crowded: Server, act: Callable[[Wire], None]) -> None:
        """Whoever has kept the server waiting longest goes, when one more comes."""
        with wires(crowded, PLACES) as crowd:
            for wire in crowd:
                act(wire)
            assert is_served(crowded)
            assert still_open(crowd) == [False] + (PLACES - 1) * [True]
        assert crowded.events("connections.full")

    def test_who_does_not_read(self, crowded: Server) -> None:
        """A client that does not read its answer makes room too."""
        with ExitStack() as stack:
            for _ in range(PLACES):
                read_nothing(stack.enter_context(Wire(crowded, receive_buffer=2048)))
            assert is_served(crowded)

    def test_of_thousands(self, crowded: Server) -> None:
        """Three thousand silent connections lock nobody out."""
        with wires(crowded, 3100) as crowd:
            assert is_served(crowded)
            assert still_open(crowd[-PLACES:]) == [False] + (PLACES - 1) * [True]

    def test_who_is_served_goes_last(self, crowded: Server) -> None:
        """Whoever was answered just now has the safest place."""
        with wires(crowded, PLACES) as crowd:
            for wire in [*crowd, crowd[0]]:
                become_idle(wire)
            assert is_served(crowded)
            assert still_open(crowd) == [True, False] + (PLACES - 2) * [True]

    def test_who_begins_goes_no_later(self, crowded: Server) -> None:
        """To begin a request wins no time over those who wait as long."""
        with wires(crowded, PLACES) as crowd:
            for wire in crowd:
                become_idle(wire)
            begin_a_head(crowd[0])
            become_idle(crowd[1])
            assert is_served(crowded)
            assert still_open(crowd) == [False] + (PLACES - 1) * [True]

    def test_who_has_left_is_forgotten(self, crowded: Server) -> None:
        """Who comes after somebody has left takes nobody's place."""
        with wires(crowded, PLACES - 1) as crowd:
            for _ in range(2 * PLACES):
                assert is_served(crowded)
            assert all(still_open(crowd))

    def test_slow_bodies(self, crowded: Server) -> None:
        """A request that is not there yet makes room too, and is told why."""
        with wires(crowded, PLACES) as crowd:
            for wire in crowd:
                wire.begin_post(f"{API}/auth/login", 50, "Expect: 100-continue\r\n")
                assert wire.answer().status == 100
            assert is_served(crowded)
            answer = crowd[0].answer()
            assert (answer.status, answer.code) == (503, "busy")
            assert int(answer.headers["retry-after"]) >= 1
            assert all(still_open(crowd[1:]))

    async def test_never_takes_an_answer_away(self, crowded: Server) -> None:
        """While every single one is being answered, a newcomer is refused with 503
        and told when to come again; nobody else is disturbed."""
        with wires(crowded, PLACES) as crowd:
            async with changes_wait(crowded):
                for number, wire in enumerate(crowd):
                    sign_up(wire, f"ada{number}@example.com")
                # A request behind another makes no difference to that one.
                crowd[0].send("GET /unfinished")
                assert not crowd[-1].is_heard(0.3)
                for _ in range(3):
                    with Wire(crowded) as newcomer:
                        answer = newcomer.answer()
                        assert (answer.status, answer.code) == (503, "busy")
                        assert int(answer.headers["retry-after"]) >= 1
                        assert newcomer.rest() == b""
            assert [wire.answer().status for wire in crowd] == PLACES * [201]
        assert is_served(crowded)


class TestOpenFiles:
    """The system's limit of open files."""

    def test_limit(self, start: Start) -> None:
        """The server opens as many as it may, whatever the shell's default is, and
        keeps fewer connections than asked for where that is not enough."""
        command = ("-c", UNDER_LIMIT.format(soft=120, hard=600))
        with start(command) as server, wires(server, 900) as crowd:
            assert is_served(server)
            assert 300 < sum(still_open(crowd)) < 600
            assert all(still_open(crowd[-300:]))
            assert server.events("connections.full")

    def test_exhaustion(self, patient: Server) -> None:
        """Without any file left newcomers are turned away, those within go on, the
        processor is not kept busy, and afterwards all is as before."""
        process = psutil.Process(patient.process.pid)
        with Wire(patient) as within:
            become_idle(within)
            before = process.rlimit(psutil.RLIMIT_NOFILE)
            process.rlimit(psutil.RLIMIT_NOFILE, (process.num_fds() + 5, before[1]))
            busy = sum(process.cpu_times()[:2])
            with wires(patient, 50) as crowd:
                assert all(wire.is_heard(1.0) for wire in crowd[-20:])
                assert crowd[-1].is_closed()
                become_idle(within)
                assert not within.is_heard(1.0)
                assert sum(process.cpu_times()[:2]) - busy < 0.5
                process.rlimit(psutil.RLIMIT_NOFILE, before)
            assert is_served(patient)
            become_idle(within)
