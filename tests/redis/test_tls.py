"""Redis behind TLS: `rediss://`."""

import time
from pathlib import Path

from app.services.redis_counters import POLICY
from tests.support.servers.tls_redis import TlsRedis
from tests.support.shared_limits import PATIENT_POLICY, new_peer


class TestCertificate:
    """Whom we talk to."""

    async def test_trusted(self, tmp_path: Path) -> None:
        """With the certificate of its authority a server is believed; one that then
        falls silent does not keep the service from stopping."""
        with TlsRedis(tmp_path) as server:
            url = f"{server.url}?ssl_ca_certs={server.certificate}"
            peer = new_peer(url, POLICY)
            await peer.guard.limits.look_for_redis()
            assert peer.storage == "redis"
            began = time.monotonic()
            await peer.counters.aclose()
            assert time.monotonic() - began < POLICY.deadline_seconds + 1

    async def test_unknown(self, tmp_path: Path) -> None:
        """A server that nobody vouches for is told nothing."""
        with TlsRedis(tmp_path) as server:
            peer = new_peer(server.url, PATIENT_POLICY)
            await peer.guard.limits.look_for_redis()
            assert peer.storage == "memory"
            await peer.counters.aclose()
