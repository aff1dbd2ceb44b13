"""Several processes: watched, replaced, and stopped together."""

import asyncio
import os
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack

import httpx2
import psutil  # type: ignore[import-untyped]
import pytest

from app.serving.server import STOP_SECONDS
from tests.serving.conftest import PATIENT, Start
from tests.serving.processes import (
    ends_well_within,
    processes,
    send_to_all,
    wait_until,
    wait_until_red,
    workers,
)
from tests.serving.registering import Crowd, addresses, changes_wait, sign_up
from tests.serving.wire import Wire, is_served, wires
from tests.support.databases import Databases, make_settings
from tests.support.outsiders import execute
from tests.support.processes import SERVE
from tests.support.server import Server, serve

pytestmark = pytest.mark.postgresql

COUNT = 2
HANG_SECONDS = 1.5
SEVERAL = {"SERVE_WORKERS": str(COUNT)}


@pytest.fixture(scope="module")
def server(databases: Databases) -> Iterator[Server]:
    """Two workers, who suffer."""
    settings = {**PATIENT, **SEVERAL, "SERVE_WORKER_HANG_SECONDS": str(HANG_SECONDS)}
    with serve(databases.migrated(), SERVE, **settings) as server:
        yield server


def wait_for_all(server: Server) -> set[int]:
    """Wait until all workers serve; return their numbers."""

    def all_of_them() -> set[int] | None:
        found = workers(server)
        return found if len(found) == COUNT else None

    found: set[int] = wait_until(all_of_them)
    return found


class TestWatching:
    """Workers that die, hang or can't start."""

    def test_says_where_once(self, server: Server) -> None:
        """One line says where the service is, when all workers serve."""
        wait_for_all(server)
        [line] = wait_until(lambda: server.events("server.listening"))
        assert (line["address"], line["workers"]) == (server.url, COUNT)

    def test_can_not_start_for_now(self, server: Server) -> None:
        """One that can't start is tried again after ever longer pauses, while the
        other goes on."""
        settings = make_settings(server.database_url)
        change = "UPDATE alembic_version SET version_num = version_num"
        asyncio.run(execute(settings, f"{change} || 'f'"))
        before, seen = wait_for_all(server), len(server.events("worker.died"))
        os.kill(min(before), signal.SIGKILL)
        wait_until(lambda: server.events("worker.died")[seen + 2 :])
        deaths = server.events("worker.died")[seen:]
        assert [death["status"] for death in deaths[:3]] == [-signal.SIGKILL, 3, 3]
        pauses = [death["replaced_in"] for death in deaths]
        assert pauses == sorted(set(pauses))
        assert is_served(server)
        fix = "UPDATE alembic_version SET version_num = trim(TRAILING 'f' FROM"
        asyncio.run(execute(settings, f"{fix} version_num)"))
        wait_for_all(server)

    def test_killed(self, server: Server) -> None:
        """One that is killed is replaced; meanwhile the other serves."""
        before = wait_for_all(server)
        os.kill(min(before), signal.SIGKILL)
        wait_until(lambda: is_served(server) and workers(server) - before)
        died = server.events("worker.died")[-1]
        assert (died["pid"], died["status"]) == (min(before), -signal.SIGKILL)

    def test_hangs(self, server: Server) -> None:
        """One that does not answer the supervisor is replaced."""
        before = wait_for_all(server)
        os.kill(min(before), signal.SIGSTOP)
        wait_until(lambda: is_served(server) and workers(server) - before)
        assert server.events("worker.killed")[-1]["pid"] == min(before)

    def test_suspended_with_its_supervisor(self, server: Server) -> None:
        """Nobody is replaced because all were suspended together."""
        before = wait_for_all(server)
        for pid in [server.process.pid, *before]:
            os.kill(pid, signal.SIGSTOP)
        time.sleep(2 * HANG_SECONDS)  # This is how long they are away.
        # The supervisor is back first, and finds that nobody answers.
        os.kill(server.process.pid, signal.SIGCONT)
        time.sleep(HANG_SECONDS / 2)
        for pid in before:
            os.kill(pid, signal.SIGCONT)
        with wires(server, 4) as crowd:
            assert not any(wire.is_heard(HANG_SECONDS / 4) for wire in crowd)
        assert workers(server) == before

    def test_everything_was_served(self, server: Server) -> None:
        """None of this was an error to anybody."""
        answers = server.events("request.answered")
        assert answers and all(answer["status"] == 200 for answer in answers)


class TestStop:
    """The end of all workers."""

    @pytest.mark.parametrize("to_all", [False, True], ids=["supervisor", "everybody"])
    def test_under_load(self, start: Start, to_all: bool) -> None:
        """Everything that was acknowledged is there, readiness goes first, and no
        process is left; whether the supervisor alone is told or all of them are."""
        with start(**SEVERAL, SERVE_DRAIN_SECONDS="0.5") as server:
            crowd, left = Crowd(server), wait_for_all(server)
            with crowd.calling():
                crowd.wait_for(50)
                if to_all:
                    send_to_all(server, signal.SIGTERM)
                else:
                    server.process.terminate()
                wait_until_red(server)
                assert ends_well_within(server, 0.5 + STOP_SECONDS)
            assert crowd.other == []
            assert set(crowd.acknowledged) <= addresses(server)
            assert not any(psutil.pid_exists(pid) for pid in left)
            assert not server.events("worker.died")
            assert "Traceback" not in server.log.read_text()

    async def test_ctrl_c(self, start: Start) -> None:
        """Ctrl-C, which reaches every process, does not drain, but what is under way
        is finished; nobody new waits for an answer that never comes."""
        settings = {**SEVERAL, "SERVE_DRAIN_SECONDS": "60"}
        with start(**settings) as server, ExitStack() as stack:
            before = wait_for_all(server)
            async with changes_wait(server):
                # Its successor is still importing when the signal comes.
                os.kill(min(before), signal.SIGKILL)
                wait_until(lambda: len(processes(server) - before) == 1)
                wire = stack.enter_context(Wire(server))
                sign_up(wire, "ada@example.com")
                assert not wire.is_heard(0.3)
                send_to_all(server, signal.SIGINT)
                assert not wire.is_heard(1.0)
                with pytest.raises(httpx2.ConnectError):
                    is_served(server)
            assert wire.answer().status == 201
            assert ends_well_within(server, STOP_SECONDS)
            assert "Traceback" not in server.log.read_text()

    def test_supervisor_is_killed(self, start: Start) -> None:
        """Without their supervisor the workers end by themselves and free the port."""
        with start(**SEVERAL) as server:
            left = wait_for_all(server)
            server.process.kill()
            server.process.wait()
            wait_until(lambda: not any(psutil.pid_exists(pid) for pid in left))
            with pytest.raises(httpx2.ConnectError):
                is_served(server)
            assert len(server.events("worker.orphaned")) == COUNT
