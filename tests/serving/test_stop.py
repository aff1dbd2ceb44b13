"""Stopping: nothing acknowledged is lost, and nobody can hold it up."""

import signal
import sqlite3
import time
from contextlib import ExitStack

import httpx2
import pytest

from app.engines import sqlite_path
from app.serving.server import STOP_SECONDS
from tests.serving.conftest import Start
from tests.serving.processes import ends_well_within, wait_until_red
from tests.serving.registering import Crowd, addresses, changes_wait, sign_up
from tests.serving.wire import LIVE, PATIENCE, Wire
from tests.support.people import API

STUBBORN = """
import asyncio, sys
from contextlib import asynccontextmanager
from app.serving import command, server

server.CUT_SECONDS = server.CLOSE_SECONDS = 0.3
create_app = command.create_app

def create_stubborn_app(settings):
    app = create_app(settings)
    start = app.router.lifespan_context

    @app.get("/stubborn")
    async def stubborn():
        await asyncio.sleep(600)

    @asynccontextmanager
    async def never_close(app):
        async with start(app):
            yield
            await asyncio.sleep(600)

    app.router.lifespan_context = never_close
    return app

command.create_app = create_stubborn_app
from app.cli import main
main(["serve", *sys.argv[1:]])
"""
"""Serves an app that neither answers nor closes, with short patience for that."""


class TestDrain:
    """The first SIGTERM."""

    def test_readiness_goes_first(self, start: Start) -> None:
        """All is served as before but for the readiness, until the time is over or
        somebody hurries; whoever is answered is told to come back elsewhere."""
        with start(SERVE_DRAIN_SECONDS="60") as server, Wire(server) as kept:
            kept.ask()
            assert "connection" not in kept.answer().headers
            server.process.send_signal(signal.SIGTERM)
            wait_until_red(server)
            kept.ask()
            answer = kept.answer()
            assert (answer.status, answer.headers["connection"]) == (200, "close")
            assert kept.rest() == b""
            assert httpx2.get(f"{server.url}{LIVE}").status_code == 200
            server.process.send_signal(signal.SIGTERM)
            assert ends_well_within(server, STOP_SECONDS)
            assert server.events("server.stopping")[0]["stage"] == "draining"

    @pytest.mark.parametrize("seconds", [0.0, 1.0])
    def test_under_load(self, start: Start, seconds: float) -> None:
        """Everything that was acknowledged is there, no answer is cut, none is an
        error, and new callers are served until the time is over."""
        with start(SERVE_DRAIN_SECONDS=str(seconds)) as server:
            crowd = Crowd(server)
            with crowd.calling():
                crowd.wait_for(50)
                began = time.monotonic()
                server.process.send_signal(signal.SIGTERM)
                if seconds:
                    wait_until_red(server)
                    crowd.wait_for(20)
                assert ends_well_within(server, seconds + STOP_SECONDS)
                assert time.monotonic() - began >= seconds
            assert crowd.other == []
            assert len(crowd.acknowledged) >= 50
            assert set(crowd.acknowledged) <= addresses(server)
            assert "Traceback" not in server.log.read_text()


class TestFinish:
    """What is under way when the service stops."""

    async def test_is_finished(self, start: Start) -> None:
        """A request that was taken is answered and saved, although nobody new is let
        in and idle connections are closed at once."""
        with start() as server, Wire(server) as wire, Wire(server) as idle:
            idle.ask()
            idle.answer()
            async with changes_wait(server):
                sign_up(wire, "ada@example.com")
                assert not wire.is_heard(0.3)
                server.process.send_signal(signal.SIGTERM)
                assert idle.rest() == b""
                assert not wire.is_heard(0.3)
                with pytest.raises(httpx2.ConnectError):
                    httpx2.get(f"{server.url}{LIVE}")
            answer = wire.answer()
            assert (answer.status, answer.headers["connection"]) == (201, "close")
            assert ends_well_within(server, STOP_SECONDS)

    def test_clients_that_hang(self, start: Start) -> None:
        """Silent, slow and deaf clients hold nothing up; Ctrl-C does not drain."""
        with (
            start(SERVE_DRAIN_SECONDS="60", SERVE_GRACEFUL_SECONDS="0.5") as server,
            ExitStack() as stack,
        ):
            silent, head, body = (stack.enter_context(Wire(server)) for _ in range(3))
            deaf = stack.enter_context(Wire(server, receive_buffer=2048))
            head.send("GET /")
            body.begin_post(f"{API}/auth/login", 1000)
            deaf.ask("/assets/swagger-ui-bundle.js")
            assert deaf.is_heard(PATIENCE) and not silent.is_heard(0.2)
            began = time.monotonic()
            server.process.send_signal(signal.SIGINT)
            assert ends_well_within(server, 0.5 + STOP_SECONDS)
            assert time.monotonic() - began >= 0.5
            assert [wire.rest() for wire in (silent, head, body)] == [b"", b"", b""]
            assert "Traceback" not in server.log.read_text()

    @pytest.mark.parametrize(
        ("graceful", "signals"), [("0.3", 1), ("60", 3)], ids=["in time", "hurried"]
    )
    async def test_is_cut_off(self, start: Start, graceful: str, signals: int) -> None:
        """A request that does not end is cut off at its deadline, or by the third
        signal. It was not acknowledged, and the database is whole."""
        with (
            start(
                SERVE_GRACEFUL_SECONDS=graceful, DATABASE_TIMEOUT_SECONDS="1"
            ) as server,
            Wire(server) as wire,
        ):
            async with changes_wait(server):
                sign_up(wire, "ada@example.com")
                for _ in range(signals):
                    assert not wire.is_heard(0.2)
                    server.process.send_signal(signal.SIGTERM)
                assert ends_well_within(server, 0.3 + STOP_SECONDS)
            answer = wire.try_answer()
            assert answer is None or answer.status == 503
            assert "Traceback" not in server.log.read_text()
        if server.database_url.startswith("sqlite"):
            with sqlite3.connect(sqlite_path(server.database_url)) as file:
                check = file.execute("PRAGMA integrity_check").fetchone()
            assert check == ("ok",)

    def test_app_that_never_ends(self, start: Start) -> None:
        """What ignores that its client is gone is cancelled, quietly; what does not
        close is left behind."""
        settings = {"SERVE_GRACEFUL_SECONDS": "0", "ALLOWED_HOSTS": "127.0.0.1"}
        with start(("-c", STUBBORN), **settings) as server, Wire(server) as wire:
            wire.ask("/stubborn")
            wire.ask()  # It waits behind, so that two are under way.
            assert not wire.is_heard(0.3)
            server.process.send_signal(signal.SIGTERM)
            assert ends_well_within(server, STOP_SECONDS)
            assert wire.rest() == b""
            assert server.events("server.close_overdue")
            assert "Traceback" not in server.log.read_text()
