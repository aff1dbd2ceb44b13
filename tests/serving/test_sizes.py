"""How much a client may send before it is refused."""

import re

import pytest

from app.serving.limits import (
    MAXIMUM_FRAMING_BYTES,
    MAXIMUM_HEAD_BYTES,
    MAXIMUM_HEADERS,
    MAXIMUM_PIPELINED,
)
from tests.serving.wire import LIVE, Wire, is_served
from tests.support.people import API
from tests.support.server import Server

LOGIN = f"{API}/auth/login"
LOTS = 16 * 1024 * 1024


def head_of(size: int, wire: Wire, pieces: int = 1) -> str:
    """Return a head with so many bytes in so many headers."""
    start = f"GET {LIVE} HTTP/1.1\r\n{wire.host}"
    each = (size - len(start) - 2) // pieces
    headers = "".join(f"{f'X-{n}: ':x<{each - 2}}\r\n" for n in range(pieces - 1))
    last = size - len(start) - len(headers) - 2
    return f"{start}{headers}{'Y: ':y<{last - 2}}\r\n\r\n"


class TestHead:
    """The head of a request."""

    @pytest.mark.parametrize("pieces", [1, 30])
    def test_largest(self, patient: Server, pieces: int) -> None:
        """One of 32 KiB is read."""
        with Wire(patient) as wire:
            head = head_of(MAXIMUM_HEAD_BYTES, wire, pieces)
            assert len(head) == MAXIMUM_HEAD_BYTES
            wire.send(head)
            assert wire.answer().status == 200

    @pytest.mark.parametrize("pieces", [1, 30])
    def test_too_large(self, patient: Server, pieces: int) -> None:
        """One of a byte more is refused with 431, and the connection closed."""
        with Wire(patient) as wire:
            wire.send(head_of(MAXIMUM_HEAD_BYTES + 1, wire, pieces))
            answer = wire.answer()
            assert (answer.status, answer.code) == (431, "head_too_large")
            assert answer.headers["connection"] == "close"
            assert wire.rest() == b""

    @pytest.mark.parametrize(
        "start", [f"GET {LIVE}?", f"GET {LIVE} HTTP/1.1\r\nX: "], ids=["url", "header"]
    )
    def test_without_end(self, patient: Server, start: str) -> None:
        """The refusal reaches even a client that sends megabytes before it reads."""
        with Wire(patient) as wire:
            wire.send(start.encode() + b"x" * LOTS)
            assert wire.answer().code == "head_too_large"

    @pytest.mark.parametrize(
        ("more", "status"), [(0, 200), (1, 431)], ids=["as many", "one more"]
    )
    def test_number_of_headers(self, patient: Server, more: int, status: int) -> None:
        """There may be a hundred headers."""
        with Wire(patient) as wire:
            wire.ask(headers="X: y\r\n" * (MAXIMUM_HEADERS - 1 + more))
            assert wire.answer().status == status

    def test_next_request(self, patient: Server) -> None:
        """Each request of a connection is counted anew."""
        with Wire(patient) as wire:
            for _ in range(3):
                wire.send(head_of(MAXIMUM_HEAD_BYTES, wire))
                assert wire.answer().status == 200
            wire.send(head_of(MAXIMUM_HEAD_BYTES + 1, wire))
            assert wire.answer().code == "head_too_large"


class TestMalformed:
    """What is no request."""

    @pytest.mark.parametrize(
        "sent",
        [
            "\x16\x03\x01\x02",
            "HELO there\r\n\r\n",
            f"GET {LIVE} HTTP/1.1\r\nBad Header: 1\r\n\r\n",
            f"POST {LIVE} HTTP/1.1\r\nContent-Length: 3\r\n"
            "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            f"POST {LIVE} HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n",
        ],
        ids=["TLS", "SMTP", "header", "two lengths", "two numbers"],
    )
    def test_refused(self, patient: Server, sent: str) -> None:
        """It is refused with 400 in the shape of all errors."""
        with Wire(patient) as wire:
            wire.send(sent)
            answer = wire.answer()
            assert (answer.status, answer.code) == (400, "malformed_request")
            assert answer.headers["connection"] == "close"
            assert answer.headers["cache-control"] == "no-store"
            assert answer.headers["date"]

    def test_logged(self, patient: Server) -> None:
        """The log has the code, the client and the id, and not what was sent."""
        with Wire(patient) as wire:
            wire.send("EHLO unheard-of\r\n\r\n")
            request_id = wire.answer().json["request_id"]
        [line] = [
            line
            for line in patient.events("request.refused")
            if line["request_id"] == request_id
        ]
        assert (line["code"], line["client"]) == ("malformed_request", "127.0.0.1")
        assert "unheard-of" not in patient.log.read_text()

    def test_behind_a_good_one(self, patient: Server) -> None:
        """The answer to the request before it comes first, whole and once."""
        with Wire(patient) as wire:
            wire.ask("/openapi.json")
            wire.send("what?\r\n\r\n")
            first, *others = wire.answers()
            assert first.status == 200 and first.json["openapi"]
            assert [answer.status for answer in others] in ([], [400])

    def test_in_the_body(self, patient: Server) -> None:
        """A broken chunk is refused by way of the app, which waits for the body."""
        with Wire(patient) as wire:
            wire.send(
                f"POST {LOGIN} HTTP/1.1\r\n{wire.host}"
                "Content-Type: application/json\r\n"
                "Transfer-Encoding: chunked\r\n\r\nnothing\r\n"
            )
            assert wire.answer().code == "malformed_request"
            assert wire.rest() == b""


class TestBody:
    """What comes after the head."""

    def begin(self, wire: Wire) -> None:
        """Send the head of a request with a body in chunks."""
        wire.send(
            f"POST {LOGIN} HTTP/1.1\r\n{wire.host}Content-Type: application/json\r\n"
            "Transfer-Encoding: chunked\r\n\r\n"
        )

    @pytest.mark.parametrize(
        "framing", [b"1;x=", b"0\r\nX: "], ids=["chunk extension", "trailer"]
    )
    def test_framing_without_end(self, patient: Server, framing: bytes) -> None:
        """What stands around a body is limited like a body."""
        with Wire(patient) as wire:
            self.begin(wire)
            wire.send(framing + b"x" * (MAXIMUM_HEAD_BYTES + MAXIMUM_FRAMING_BYTES))
            wire.send(b"x" * 8192)
            assert wire.answer().code == "body_too_large"
            assert wire.rest() == b""

    def test_small_chunks(self, patient: Server) -> None:
        """A body of the greatest length may come in chunks of 16 bytes."""
        with Wire(patient) as wire:
            self.begin(wire)
            wire.send(b"10\r\n                \r\n" * 4096 + b"0\r\n\r\n")
            assert wire.answer().code == "validation_failed"

    def test_trailers_are_no_headers(self, patient: Server) -> None:
        """What comes after the body does not join the headers."""
        with Wire(patient) as wire:
            head = f"POST {LOGIN} HTTP/1.1\r\n{wire.host}"
            chunked = "Transfer-Encoding: chunked\r\n\r\n0\r\n"
            wire.send(f"{head}{chunked}X-Request-ID: from-the-trailer\r\n\r\n")
            assert wire.answer().headers["x-request-id"] != "from-the-trailer"


class TestPipeline:
    """Several requests at once on one connection."""

    def test_few(self, patient: Server) -> None:
        """They are answered in order, and the connection stays."""
        with Wire(patient) as wire:
            paths = ["/nowhere", LIVE] * (MAXIMUM_PIPELINED // 2)
            head = "GET {} HTTP/1.1\r\n" + wire.host + "\r\n"
            wire.send("".join(head.format(path) for path in paths))
            answers = wire.answers(len(paths))
            assert [answer.status for answer in answers] == [404, 200] * (
                MAXIMUM_PIPELINED // 2
            )
            wire.ask()
            assert wire.answer().status == 200

    def test_many(self, patient: Server) -> None:
        """Of too many the first are answered, and the last of those says so."""
        with Wire(patient) as wire:
            wire.send(f"GET {LIVE} HTTP/1.1\r\n{wire.host}\r\n" * 5000)
            answers = wire.answers(MAXIMUM_PIPELINED + 1)
            assert [answer.status for answer in answers] == [200] * len(answers)
            assert "connection" not in answers[-2].headers
            assert answers[-1].headers["connection"] == "close"
        assert is_served(patient)


class TestUpgrade:
    """Requests to speak something else."""

    def test_what_follows_is_no_request(self, patient: Server) -> None:
        """Bytes behind an upgrade never become a request of their own."""
        with Wire(patient) as wire:
            wire.begin_post(LIVE, 100, "Connection: upgrade\r\nUpgrade: h2c\r\n")
            wire.send(f"GET {LIVE} HTTP/1.1\r\n{wire.host}\r\n")
            answer = wire.answer()
            assert answer.headers["connection"] == "close"
            assert not re.search(b"HTTP/1.1 200", wire.rest())

    def test_is_answered_as_usual(self, patient: Server) -> None:
        """A client that offers HTTP/2 is answered in HTTP/1.1."""
        with Wire(patient) as wire:
            wire.ask(headers="Connection: Upgrade\r\nUpgrade: h2c\r\n")
            assert wire.answer().status == 200
