"""The service with REDIS_URL, over HTTP."""

import re

import httpx2
import pytest

from app.core.config import Settings
from tests.conftest import MakeSettings
from tests.support.apps import run_app
from tests.support.clock import FakeClock
from tests.support.guesses import PER_FIVE_MINUTES
from tests.support.logs import written_log
from tests.support.people import API, PASSWORD, register
from tests.support.problems import problem
from tests.support.servers.redis import PASSWORD as REDIS_PASSWORD
from tests.support.servers.redis import RedisServer

LOGIN = f"{API}/auth/login"
READY = "/health/ready"
METRICS_TOKEN = "a-token-for-prometheus"
ADA = {"email": "ada@example.com", "password": PASSWORD}


async def guess(client: httpx2.AsyncClient, times: int) -> None:
    """Try a wrong password so often; each one is looked at."""
    for _ in range(times):
        refused = await client.post(LOGIN, json=ADA | {"password": "not the one"})
        problem(refused, 401, "invalid_credentials")


async def limits_of(client: httpx2.AsyncClient) -> tuple[str, str]:
    """Return where attempts are counted, and the state of the breaker."""
    answer = await client.get(READY)
    assert answer.status_code == 200
    ready = answer.json()
    return ready["limits"]["storage"], ready["breakers"]["redis"]["state"]


class TestOutage:
    """Redis goes while the service runs."""

    @pytest.mark.one_process
    async def test_goes_on(
        self, client: httpx2.AsyncClient, server: RedisServer
    ) -> None:
        """Nobody gets an error, the eleventh guess waits, health says where it counts,
        and the service is ready all the while."""
        await register(client, "ada@example.com")
        await guess(client, 4)
        assert await limits_of(client) == ("redis", "closed")
        server.stop()
        await guess(client, PER_FIVE_MINUTES - 4)
        refused = await client.post(LOGIN, json=ADA)
        problem(refused, 429, "too_many_requests")
        assert 290 <= int(refused.headers["retry-after"]) <= 300
        assert await limits_of(client) == ("memory", "open")

    async def test_people_sign_in(
        self, client: httpx2.AsyncClient, server: RedisServer
    ) -> None:
        """With the right password nothing is different."""
        await register(client, "ada@example.com")
        server.stop()
        for _ in range(2 * PER_FIVE_MINUTES):
            assert (await client.post(LOGIN, json=ADA)).status_code == 200


class TestMetrics:
    """What /metrics says about Redis."""

    @pytest.fixture
    def settings(self, make: MakeSettings, server: RedisServer) -> Settings:
        """A service that counts in Redis and whose metrics may be read."""
        return make(redis_url=server.url, metrics_token=METRICS_TOKEN)

    @pytest.mark.one_process
    async def test_outage(
        self, client: httpx2.AsyncClient, server: RedisServer
    ) -> None:
        """Storage and breaker are those of the moment."""
        for storage, state in (("redis", "closed"), ("memory", "open")):
            await guess(client, 1)
            told = await client.get(
                "/metrics", headers={"Authorization": f"Bearer {METRICS_TOKEN}"}
            )
            (used,) = re.findall(r"^cardea_limits_storage.* 1.0$", told.text, re.M)
            assert f'storage="{storage}"' in used
            (now,) = re.findall(
                r'^cardea_breaker_state\{.*"redis".* 1.0$', told.text, re.M
            )
            assert f'state="{state}"' in now
            server.stop()


class TestStart:
    """The start, with Redis or without it."""

    @pytest.mark.one_process
    async def test_without_redis(
        self, settings: Settings, clock: FakeClock, server: RedisServer
    ) -> None:
        """The service starts, warns, and counts in memory."""
        server.stop()
        with written_log(settings) as log:
            async with run_app(settings, clock) as running:
                assert await limits_of(running.client) == ("memory", "open")
        (line,) = log.lines("limits.storage_changed")
        assert (line["level"], line["storage"]) == ("warning", "memory")
        assert line["error"] == "ConnectionError"

    async def test_with_redis(self, settings: Settings, clock: FakeClock) -> None:
        """With it there is nothing to say."""
        with written_log(settings) as log:
            async with run_app(settings, clock) as running:
                assert await limits_of(running.client) == ("redis", "closed")
        assert not log.lines("limits.storage_changed")

    @pytest.mark.parametrize(
        ("changes", "storage"),
        [({"redis_url": ""}, "memory"), ({"rate_limits": False}, "off")],
        ids=["none", "limits off"],
    )
    async def test_not_asked_for(
        self,
        make: MakeSettings,
        server: RedisServer,
        changes: dict[str, str],
        storage: str,
    ) -> None:
        """Without REDIS_URL, or without limits, there is no breaker for it."""
        settings = make(**{"redis_url": server.url} | changes)
        async with run_app(settings, FakeClock()) as running:
            ready = (await running.client.get(READY)).json()
        assert ready["limits"] == {"storage": storage}
        assert "redis" not in ready["breakers"]

    async def test_stop_with_a_frozen_redis(
        self, settings: Settings, clock: FakeClock, server: RedisServer
    ) -> None:
        """A Redis that is silent does not keep the service from stopping."""
        async with run_app(settings, clock) as running:
            await guess(running.client, 1)
            frozen = server.frozen()
            frozen.__enter__()
        frozen.__exit__(None, None, None)


class TestSecrecy:
    """What the log says about Redis."""

    @pytest.mark.one_process
    async def test_no_password(
        self, settings: Settings, clock: FakeClock, server: RedisServer
    ) -> None:
        """Neither Redis's password nor an address is in any line, whatever goes wrong;
        a wrong password is named by its kind of error."""
        wrong = settings.model_copy(
            update={
                "redis_url": settings.redis_url.replace(REDIS_PASSWORD, "a-wrong-one")
            }
        )
        with written_log(settings.model_copy(update={"log_level": "debug"})) as log:
            async with run_app(wrong, clock) as running:
                await guess(running.client, 2)
            async with run_app(settings, clock) as running:
                server.stop()
                await guess(running.client, 2)
        assert len(log.lines("limits.storage_changed")) == 2
        for secret in (REDIS_PASSWORD, "a-wrong-one", server.url, "ada@example.com"):
            assert secret not in log.text
