"""Clients that take their time: cut at the deadline, while others are served."""

import time

import psutil  # type: ignore[import-untyped]
import pytest

from tests.serving.conftest import DEADLINE, Start
from tests.serving.processes import wait_until
from tests.serving.wire import LIVE, PATIENCE, Wire, is_served, seconds_until_heard
from tests.support.people import API
from tests.support.server import Server

LOGIN = f"{API}/auth/login"
BIG = "/assets/swagger-ui-bundle.js"


def is_connected(server: Server, wire: Wire) -> bool:
    """Tell whether the server still holds this connection."""
    ours = wire.socket.getsockname()
    held = psutil.Process(server.process.pid).net_connections(kind="tcp")
    return any(tuple(connection.raddr or ()) == ours for connection in held)


class TestHead:
    """The deadline for the head of a request."""

    def test_silent_client(self, impatient: Server) -> None:
        """Who connects and says nothing is left without a word."""
        with Wire(impatient) as wire:
            assert seconds_until_heard(wire, impatient) >= DEADLINE * 0.9
            assert wire.rest() == b""

    @pytest.mark.parametrize("before", [0, 1], ids=["at first", "kept alive"])
    def test_byte_by_byte(self, impatient: Server, before: int) -> None:
        """A head that trickles in is refused with 408, however steadily it comes."""
        with Wire(impatient) as wire:
            for _ in range(before):
                wire.ask()
                assert wire.answer().status == 200
            began = time.monotonic()
            sent = iter(f"GET {LIVE} HTTP/1.1\r\nX: {'x' * 10_000}".encode())
            while not wire.is_heard(0.02):
                wire.send(bytes([next(sent)]))
                assert is_served(impatient)
            assert DEADLINE * 0.9 <= time.monotonic() - began < PATIENCE
            answer = wire.answer()
            assert (answer.status, answer.code) == (408, "request_timeout")
            assert answer.headers["connection"] == "close"
            assert wire.rest() == b""

    def test_sooner_than_the_next_request(self, start: Start) -> None:
        """The deadline of a head counts although an idle client has longer."""
        with start(SERVE_HEAD_SECONDS="1") as server, Wire(server) as wire:
            wire.ask()
            wire.answer()
            assert not wire.is_heard(1.3)
            wire.send("GET /never")
            began = time.monotonic()
            assert wire.answer().code == "request_timeout"
            assert 0.9 <= time.monotonic() - began < PATIENCE

    def test_empty_lines(self, impatient: Server) -> None:
        """Empty lines, which may stand before a request, do not win time."""
        with Wire(impatient) as wire:
            began = time.monotonic()
            while not wire.is_heard(0.02):
                wire.send("\r\n")
                assert time.monotonic() - began < PATIENCE
            assert wire.answer().code == "request_timeout"

    def test_empty_lines_between_requests(self, impatient: Server) -> None:
        """Nor do they keep an idle connection alive."""
        with Wire(impatient) as wire:
            wire.ask()
            wire.answer()
            began = time.monotonic()
            while not wire.is_heard(0.02):
                wire.send("\r\n")
                assert time.monotonic() - began < PATIENCE
            assert wire.rest() == b""

    def test_next_head_behind_an_answer(self, impatient: Server) -> None:
        """An unfinished head behind a good request does not spoil its answer."""
        with Wire(impatient) as wire:
            wire.send(f"GET {LIVE} HTTP/1.1\r\n{wire.host}\r\nGET /never")
            first, second = wire.answers()
            assert first.status == 200
            assert second.code == "request_timeout"

    def test_idle(self, impatient: Server) -> None:
        """A kept-alive connection that stays idle is closed without a word."""
        with Wire(impatient) as wire:
            wire.ask()
            wire.answer()
            assert seconds_until_heard(wire, impatient) >= DEADLINE * 0.9
            assert wire.rest() == b""

    def test_is_not_for_all_requests_together(self, impatient: Server) -> None:
        """A connection that is used may live longer than any deadline."""
        with Wire(impatient) as wire:
            began = time.monotonic()
            while time.monotonic() - began < 2 * DEADLINE:
                wire.ask()
                assert wire.answer().status == 200
                wire.is_heard(DEADLINE / 4)


class TestBody:
    """The deadline for the body."""

    @pytest.mark.parametrize("path", [LOGIN, "/nowhere"], ids=["login", "unread"])
    def test_slow_body(self, impatient: Server, path: str) -> None:
        """A body that trickles in is refused with 408; one that nobody waits for any
        more is dropped with its connection."""
        with Wire(impatient) as wire:
            wire.begin_post(path, 1000)
            began = time.monotonic()
            while not wire.is_heard(0.02):
                wire.send("x")
                assert is_served(impatient)
            answer = wire.answer()
            if path == LOGIN:
                assert time.monotonic() - began >= DEADLINE * 0.9
                assert (answer.status, answer.code) == (408, "request_timeout")
                assert answer.headers["connection"] == "close"
            assert seconds_until_heard(wire, impatient) < PATIENCE
            assert wire.rest() == b""

    def test_is_logged(self, impatient: Server) -> None:
        """The log tells of the 408 as of any other answer, and of no crash."""
        with Wire(impatient) as wire:
            wire.begin_post(LOGIN, 1000)
            request_id = wire.answer().json["request_id"]

        def logged() -> list[int]:
            return [
                line["status"]
                for line in impatient.events("request.answered")
                if line["request_id"] == request_id
            ]

        assert wait_until(logged) == [408]
        impatient.check_log()

    def test_begins_with_the_head_s_end(self, impatient: Server) -> None:
        """A body that comes in time is read, however slowly its head came."""
        body = b'{"email": "nobody@example.com", "password": "x"}'
        with Wire(impatient) as wire:
            wire.send(f"POST {LOGIN} HTTP/1.1\r\n{wire.host}")
            assert not wire.is_heard(DEADLINE * 0.6)
            wire.send("Content-Type: application/json\r\n")
            wire.send(f"Content-Length: {len(body)}\r\n\r\n")
            assert not wire.is_heard(DEADLINE * 0.6)
            wire.send(body)
            assert wire.answer().code == "invalid_credentials"


class TestUnreadAnswers:
    """The deadline for clients that do not read."""

    def test_large(self, impatient: Server) -> None:
        """A client that does not read what it asked for is cut off."""
        with Wire(impatient, receive_buffer=2048) as wire:
            wire.ask(BIG)
            self.wait_until_cut_off(impatient, wire)

    @pytest.mark.parametrize("connection", ["keep-alive", "close"])
    def test_small(self, impatient: Server, connection: str) -> None:
        """So is one whose answers are small, and wait where the server would not be
        told to pause: else it would hold the connection for ever."""
        with Wire(impatient, receive_buffer=2048) as wire:
            for _ in range(5):
                wire.ask("/errors", "Accept: text/html\r\n")
            wire.ask("/errors", f"Accept: text/html\r\nConnection: {connection}\r\n")
            self.wait_until_cut_off(impatient, wire)

    def test_slow_reader(self, impatient: Server) -> None:
        """A client that reads slowly but steadily gets everything."""
        with Wire(impatient, receive_buffer=65_536) as wire:
            wire.ask(BIG, "Connection: close\r\n")
            began = time.monotonic()
            received = 0
            while piece := wire.socket.recv(65_536):
                received += len(piece)
                time.sleep(0.04)  # This is how slow it is.
        assert received > 1_500_000
        assert time.monotonic() - began > 1.5 * DEADLINE

    def wait_until_cut_off(self, server: Server, wire: Wire) -> None:
        """Expect the server to let go, while it serves others."""
        began = time.monotonic()
        while is_connected(server, wire):
            assert time.monotonic() - began < PATIENCE
            assert is_served(server)
