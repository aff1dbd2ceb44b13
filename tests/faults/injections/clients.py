"""Clients that are slow, silent, idle by the thousand, or gone before the answer."""

import asyncio
import socket
from contextlib import asynccontextmanager
from typing import ClassVar

from tests.faults.injections.fault import Fault, Injection, Moments
from tests.faults.injections.raw import connect, hang_up, head, is_cut, request
from tests.faults.probes import some_address
from tests.faults.servers import Server
from tests.support.people import PASSWORD

AT_ONCE = 200
"""How many connections are opened at the same moment; the queue holds 512."""


class CrowdFault(Fault):
    """Many connections that are held."""

    family = "clients"
    seconds = (7, 9)
    connections: ClassVar[int]
    must_be_cut: ClassVar[bool] = True

    @asynccontextmanager
    async def injected(self, under_way: Injection) -> Moments:
        """Open them, keep them, and count those that the servers cut."""
        crowd = await _open(under_way.cluster.servers, self.connections)
        keeping = asyncio.create_task(self.keep(crowd))
        try:
            yield
        finally:
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)
            cut = sum(is_cut(connection) for connection in crowd)
            under_way.evidence |= {"opened": len(crowd), "cut_by_server": cut}
            under_way.shown = len(crowd) >= self.connections * 0.9
            if self.must_be_cut and cut < len(crowd):
                under_way.broken("clients kept a server waiting", left=len(crowd) - cut)
            for connection in crowd:
                connection.close()

    async def keep(self, crowd: list[socket.socket]) -> None:
        """Do what such clients do."""


class IdleConnections(CrowdFault):
    """Connections on which nothing was ever asked, by the thousand."""

    name = "idle_connections"
    connections = 5000
    must_be_cut = False  # They may wait for as long as a connection is kept alive.


class SilentClients(CrowdFault):
    """Clients that begin a request and fall silent."""

    name = "silent_clients"
    connections = 200

    async def keep(self, crowd: list[socket.socket]) -> None:
        """Say a word, and nothing more."""
        for connection in crowd:
            _say(connection, b"POST /api/v1/auth/login HTTP/1.1\r\nHost: ")


class SlowClients(CrowdFault):
    """Clients that send a byte a second, half of them in the body."""

    name = "slow_clients"
    connections = 200

    async def keep(self, crowd: list[socket.socket]) -> None:
        """Send byte after byte."""
        for connection in crowd[::2]:
            _say(connection, head("/auth/login", 1000))
        while True:
            for number, connection in enumerate(crowd):
                _say(connection, b"x" if number % 2 else b" ")
            await asyncio.sleep(1)


class VanishingClients(Fault):
    """Clients that hang up in the middle of a request, or before its answer."""

    name = "vanishing_clients"
    family = "clients"
    seconds = (0, 0)
    clients = 400

    @asynccontextmanager
    async def injected(self, under_way: Injection) -> Moments:
        """Send requests, whole and half, and hang up."""
        for _ in range(self.clients // 20):
            vanishing = [self._vanish(under_way) for _ in range(20)]
            gone = sum(await asyncio.gather(*vanishing))
            under_way.evidence["gone"] = under_way.evidence.get("gone", 0) + gone
        under_way.shown = under_way.evidence["gone"] > self.clients // 2
        yield

    async def _vanish(self, under_way: Injection) -> bool:
        rng = under_way.rng
        whole = _some_request(rng.randrange(4))
        sent = whole if rng.random() < 0.5 else whole[: rng.randrange(len(whole))]
        try:
            connection = await connect(rng.choice(under_way.cluster.servers).address)
        except OSError:
            return False
        _say(connection, sent)
        await asyncio.sleep(rng.uniform(0, 0.03))
        hang_up(connection, rudely=rng.random() < 0.5)
        return True


def _some_request(number: int) -> bytes:
    """Return a sign-in, a refresh or a registration."""
    body = {"email": f"nobody-{some_address()}@example.net", "password": PASSWORD}
    if number == 0:
        return request("/auth/register", body)
    if number == 1:
        return request("/auth/refresh", {"refresh_token": "cardea_rt_nonsense"})
    return request("/auth/login", body)


async def _open(servers: list[Server], connections: int) -> list[socket.socket]:
    """Open so many connections, spread over all servers; some may fail."""
    crowd: list[socket.socket] = []
    addresses = [
        servers[number % len(servers)].address for number in range(connections)
    ]
    for start in range(0, connections, AT_ONCE):
        opened = await asyncio.gather(
            *map(connect, addresses[start : start + AT_ONCE]), return_exceptions=True
        )
        crowd += [one for one in opened if isinstance(one, socket.socket)]
    return crowd


def _say(connection: socket.socket, words: bytes) -> None:
    try:
        connection.send(words)
    except OSError:
        return  # Cut by the server, as it may.
