"""Bytes on the wire that are hardly HTTP, or not at all."""

import socket
from collections.abc import Iterator

import httpx2
import pytest

from tests.support.databases import Databases
from tests.support.server import Server, serve


@pytest.fixture(scope="module")
def server(databases: Databases) -> Iterator[Server]:
    """The service behind its real HTTP parser."""
    with serve(databases.migrated()) as running:
        yield running


class TestOnTheWire:
    """Bytes that a real server gets."""

    @pytest.mark.parametrize(
        "start",
        [
            b"GET // HTTP/1.1",
            b"GET /%00 HTTP/1.1",
            b"GET /\xff\xfe HTTP/1.1",
            b"GET /\x00 HTTP/1.1",
            b"OPTIONS * HTTP/1.1",
            b"CONNECT evil.example:443 HTTP/1.1",
            b"GET /" + b"a" * 70_000 + b" HTTP/1.1",
            b"GET /../../etc/passwd HTTP/1.1",
            b"get / HTTP/1.1",
            b"GET / HTTP/9.9",
            b"GET /api/v1/users/me HTTP/1.1\r\nContent-Length: -5",
            b"GET /api/v1/users/me HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2",
            b"GET /api/v1/users/me HTTP/1.1\r\nX: " + b"h" * 100_000,
            b"GET /api/v1/users/me HTTP/1.1\r\nBad Header: 1",
            b"GET /api/v1/users/me HTTP/1.1\r\nAuthorization: Bearer \x00\xff",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        ],
        ids=range(16),
    )
    def test_never_a_server_error(self, server: Server, start: bytes) -> None:
        """The answer is a 4xx, or the connection is closed."""
        with socket.create_connection(("127.0.0.1", server.port), timeout=10) as wire:
            wire.sendall(
                start
                + f"\r\nHost: {server.url[7:]}\r\nConnection: close\r\n\r\n".encode()
            )
            answer = _everything(wire)
        assert answer[:9] in (b"", b"HTTP/1.1 ")
        assert answer[9:10] in (b"", b"4"), answer[:200]

    def test_still_serves_afterwards(self, server: Server) -> None:
        """None of it has hurt the server."""
        assert httpx2.get(f"{server.url}/health/ready").json()["status"] == "ready"


def _everything(wire: socket.socket) -> bytes:
    answer = b""
    try:
        while received := wire.recv(65_536):
            answer += received
    except ConnectionResetError:
        pass
    return answer
