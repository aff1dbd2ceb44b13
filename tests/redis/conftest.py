"""A Redis for each test, and limits that count in it."""

from collections.abc import AsyncIterator, Callable

import pytest

from app.core.config import Settings
from app.services.circuit_breaker import BreakerPolicy
from tests.conftest import MakeSettings
from tests.support.servers.redis import RedisServer
from tests.support.shared_limits import PATIENT_POLICY, Peer, new_peer

NewPeer = Callable[..., Peer]


@pytest.fixture
def server(one_redis: RedisServer) -> RedisServer:
    """A Redis that is empty and well."""
    one_redis.start_again_if_stopped()
    one_redis.flush()
    return one_redis


@pytest.fixture
async def peer_of(server: RedisServer) -> AsyncIterator[NewPeer]:
    """Make limits as another process has them, on the same Redis."""
    made: list[Peer] = []

    def make(policy: BreakerPolicy = PATIENT_POLICY) -> Peer:
        made.append(new_peer(server.url, policy))
        return made[-1]

    yield make
    for peer in made:
        await peer.counters.aclose()


@pytest.fixture
def peer(peer_of: NewPeer) -> Peer:
    """The limits of one process."""
    return peer_of()


@pytest.fixture
def settings(make: MakeSettings, server: RedisServer) -> Settings:
    """A service that counts in this Redis."""
    return make(redis_url=server.url)
