"""Requests as bytes, and connections that need not behave."""

import asyncio
import json
import socket
import struct

from tests.faults.probes import some_address
from tests.support.people import API

Address = tuple[str, int]


def request(path: str, body: dict[str, str]) -> bytes:
    """Return a whole request with a JSON body."""
    content = json.dumps(body).encode()
    return head(path, len(content)) + content


def head(path: str, length: int) -> bytes:
    """Return the head of a request whose body has so many bytes."""
    return (
        f"POST {API}{path} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        f"X-Forwarded-For: {some_address()}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
    ).encode()


async def connect(address: Address) -> socket.socket:
    """Open a connection that costs little, so that there can be thousands."""
    connection = socket.socket()
    connection.setblocking(False)
    try:
        await asyncio.get_running_loop().sock_connect(connection, address)
    except BaseException:
        connection.close()
        raise
    return connection


def is_cut(connection: socket.socket) -> bool:
    """Tell whether the other end has closed a connection."""
    try:
        while connection.recv(65536):
            continue  # A refusal comes first.
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


def hang_up(connection: socket.socket, *, rudely: bool) -> None:
    """Close a connection; rudely so that the other end gets a reset."""
    if rudely:
        linger = struct.pack("ii", 1, 0)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    connection.close()
