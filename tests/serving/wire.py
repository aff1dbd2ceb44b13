"""Clients that send and read as they please, byte by byte if they like."""

import json
import select
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, Self

import httpx2

from tests.support.server import Server

LIVE = "/health/live"
PATIENCE = 20
"""How long anything may take on a busy machine before a test fails."""


@dataclass
class Answer:
    """One answer, taken apart."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, read as JSON."""
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """Which problem it is."""
        assert self.headers["content-type"] == "application/problem+json"
        document = self.json
        assert document["status"] == self.status
        assert document["request_id"] == self.headers["x-request-id"]
        assert document["type"].endswith(f"/errors/{document['code']}")
        return str(document["code"])


class Wire:
    """One connection to a server.

    Args:
        server: The server to connect to.
        receive_buffer: How much of what the server sends the system keeps for us.
    """

    def __init__(self, server: Server, receive_buffer: int | None = None) -> None:
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(PATIENCE)
        try:
            self.socket.connect(("127.0.0.1", server.port))
        except OSError:
            self.socket.close()
            raise
        self.host = f"Host: 127.0.0.1:{server.port}\r\n"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, text: str | bytes) -> None:
        """Send this, and nothing else."""
        self.socket.sendall(text if isinstance(text, bytes) else text.encode())

    def ask(self, path: str = LIVE, headers: str = "") -> None:
        """Send a whole GET request."""
        self.send(f"GET {path} HTTP/1.1\r\n{self.host}{headers}\r\n")

    def post(self, path: str, **body: str) -> None:
        """Send a whole POST request."""
        text = json.dumps(body)
        self.begin_post(path, len(text))
        self.send(text)

    def begin_post(self, path: str, length: int, headers: str = "") -> None:
        """Send the head of a POST request whose body is JSON."""
        self.send(
            f"POST {path} HTTP/1.1\r\n{self.host}Content-Type: application/json\r\n"
            f"Content-Length: {length}\r\n{headers}\r\n"
        )

    def answer(self) -> Answer:
        """Read one answer; the connection may stay open."""
        [answer] = self.answers(1)
        return answer

    def answers(self, count: int = 1_000_000) -> list[Answer]:
        """Read so many answers, or all until the server closes."""
        found: list[Answer] = []
        with self.socket.makefile("rb") as file:
            while len(found) < count and (line := file.readline()):
                headers = dict(_headers(file))
                body = file.read(int(headers.get("content-length", "0")))
                found.append(Answer(int(line.split()[1]), headers, body))
        return found

    def try_answer(self) -> Answer | None:
        """Read one answer, or nothing if the server closes before it begins one."""
        try:
            if not self.socket.recv(1, socket.MSG_PEEK):
                return None
        except ConnectionError:
            return None
        answer = self.answer()
        assert len(answer.body) == int(answer.headers["content-length"])
        return answer

    def rest(self) -> bytes:
        """Read until the server closes."""
        received = b""
        try:
            while piece := self.socket.recv(65_536):
                received += piece
        except ConnectionResetError:
            pass
        return received

    def is_closed(self) -> bool:
        """Tell whether the server has closed, without waiting; reads nothing."""
        if not self.is_heard():
            return False
        try:
            return not self.socket.recv(1, socket.MSG_PEEK)
        except ConnectionResetError:
            return True

    def is_heard(self, seconds: float = 0.0) -> bool:
        """Tell whether the server says something, or closes, within this time."""
        poll = select.poll()
        poll.register(self.socket, select.POLLIN)
        return bool(poll.poll(seconds * 1000))


def _headers(file: Any) -> Iterator[tuple[str, str]]:
    while (line := file.readline().decode().strip()) != "":
        name, _, value = line.partition(": ")
        yield name.lower(), value


@contextmanager
def wires(server: Server, count: int) -> Iterator[list[Wire]]:
    """Open so many connections, and close them at the end."""
    with ExitStack() as stack:
        yield [stack.enter_context(Wire(server)) for _ in range(count)]


def is_served(server: Server) -> bool:
    """Tell whether a newcomer gets a good answer at once."""
    began = time.monotonic()
    answer = httpx2.get(f"{server.url}{LIVE}", timeout=PATIENCE)
    return answer.status_code == 200 and time.monotonic() - began < PATIENCE / 4


def seconds_until_heard(wire: Wire, server: Server) -> float:
    """Return how long the server keeps silent; others are served meanwhile."""
    began = time.monotonic()
    while not wire.is_heard(0.05):
        assert time.monotonic() - began < PATIENCE
        assert is_served(server)
    return time.monotonic() - began
