"""A server process that may open no more files or connections."""

import asyncio
import os
import resource
import socket
from contextlib import asynccontextmanager

from tests.faults.injections.fault import Fault, Injection, Moments
from tests.faults.injections.raw import connect

ATTEMPTS = 10
PATIENCE_SECONDS = 1


class DescriptorExhaustion(Fault):
    """The limit of open files is just what a server has open."""

    name = "descriptor_exhaustion"
    family = "descriptors"

    @asynccontextmanager
    async def injected(self, under_way: Injection) -> Moments:
        """Lower the limit, see that nobody new is served, and restore it."""
        pid = under_way.server.process.pid
        soft, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        limit = max(map(int, os.listdir(f"/proc/{pid}/fd"))) + 1
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (limit, hard))
        crowd: list[socket.socket] = []
        try:
            asked = [_is_served(under_way, crowd) for _ in range(limit + ATTEMPTS)]
            served = sum(await asyncio.gather(*asked))
            under_way.evidence |= {"limit": str(limit), "served": served}
            under_way.evidence["not_served"] = len(asked) - served
            under_way.shown = served < len(asked)
            yield
        finally:
            for connection in crowd:
                connection.close()
            resource.prlimit(pid, resource.RLIMIT_NOFILE, (soft, hard))


async def _is_served(under_way: Injection, crowd: list[socket.socket]) -> bool:
    """Ask something over a new connection, which is kept."""
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            connection = await connect(under_way.server.address)
            crowd.append(connection)
            question = b"GET /health/live HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
            await loop.sock_sendall(connection, question)
            return (await loop.sock_recv(connection, 12)).endswith(b"200")
    except (OSError, TimeoutError):
        return False
