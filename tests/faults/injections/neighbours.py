"""Redis and the breached-password server: gone, frozen, empty, slow."""

import signal
from contextlib import asynccontextmanager

import httpx2

from tests.faults.cluster import POSTGRESQL, Cluster
from tests.faults.injections.fault import Fault, Injection, Moments
from tests.faults.probes import a_client
from tests.faults.redis_server import Redis
from tests.support.servers.range_api import Mode

ASK_SECONDS = 1


class RedisFault(Fault):
    """A fault of Redis, which only clusters have."""

    family = "redis"
    databases = frozenset({POSTGRESQL})


class RedisStop(RedisFault):
    """Redis is gone, and comes back with an empty memory."""

    name = "redis_stop"

    @asynccontextmanager
    async def injected(self, under_way: Injection) -> Moments:
        """Kill it, see that it is gone, and start it again."""
        redis = server_of(under_way.cluster)
        await redis.process.stop(signal.SIGKILL)
        try:
            under_way.evidence["answer"] = await redis.ask("PING")
            under_way.shown = under_way.evidence["answer"] == "ConnectionRefusedError"
            yield
        finally:
            await redis.start()


class RedisFreeze(RedisFault):
    """Redis takes connections and says nothing."""

    name = "redis_freeze"

    @asynccontextmanager
    async def injected(self, under_way: Injection) -> Moments:
        """Stop it in its tracks."""
        redis = server_of(under_way.cluster)
        redis.process.send(signal.SIGSTOP, ends=False)
        try:
            under_way.evidence["answer"] = await redis.ask("PING")
            under_way.shown = under_way.evidence["answer"] == "TimeoutError"
            yield
        finally:
            redis.process.send(signal.SIGCONT, ends=False)


class RedisFlush(RedisFault):
    """Redis forgets everything at once."""

    name = "redis_flush"
    seconds = (0, 0.5)

    @asynccontextmanager
    async def injected(self, under_way: Injection) -> Moments:
        """Flush it."""
        redis = server_of(under_way.cluster)
        under_way.evidence["keys"] = await redis.ask("DBSIZE")
        under_way.evidence["answer"] = await redis.ask("FLUSHALL")
        under_way.shown = under_way.evidence["answer"] == "+OK"
        yield


class RedisFull(RedisFault):
    """Redis has no memory left, and refuses to count."""

    name = "redis_full"

    @asynccontextmanager
    async def injected(self, under_way: Injection) -> Moments:
        """Allow it a single byte."""
        redis = server_of(under_way.cluster)
        await redis.ask("CONFIG SET maxmemory 1")
        try:
            under_way.evidence["answer"] = await redis.ask("SET full 1")
            under_way.shown = "OOM" in under_way.evidence["answer"]
            yield
        finally:
            await redis.ask("CONFIG SET maxmemory 0")


class BreachedDown(Fault):
    """Nobody answers where breached passwords are asked for."""

    name = "breached_down"
    family = "neighbours"

    @asynccontextmanager
    async def injected(self, under_way: Injection) -> Moments:
        """Refuse connections."""
        server = under_way.cluster.range_api
        await server.refuse()
        try:
            under_way.evidence["answer"] = await _ask(server.url)
            under_way.shown = under_way.evidence["answer"] == "ConnectError"
            yield
        finally:
            await server.recover()


class BreachedSlow(Fault):
    """The breached-password server never gets round to an answer."""

    name = "breached_slow"
    family = "neighbours"
    seconds = (3, 6)

    @asynccontextmanager
    async def injected(self, under_way: Injection) -> Moments:
        """Let every request hang, or every answer stop half way."""
        server = under_way.cluster.range_api
        server.mode = under_way.rng.choice([Mode.HANG, Mode.STALL])
        before = len(server.requests)
        try:
            under_way.evidence["answer"] = await _ask(server.url)
            under_way.shown = under_way.evidence["answer"] == "ReadTimeout"
            yield
        finally:
            under_way.evidence["asked"] = len(server.requests) - before
            await server.refuse()
            await server.recover()


def server_of(cluster: Cluster) -> Redis:
    """Return the cluster's Redis, which it has if such a fault is injected."""
    assert cluster.redis is not None
    return cluster.redis


async def _ask(url: str) -> str:
    """Ask as the service does; return the answer's status, or what went wrong."""
    async with a_client(url) as client:
        try:
            answer = await client.get("/range/ABCDE", timeout=ASK_SECONDS)
            return str(answer.status_code)
        except httpx2.HTTPError as error:
            return type(error).__name__
