"""Tests of `app.services.breached_passwords`."""

import logging
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio

from app.services.breached_passwords import (
    MAXIMUM_ANSWER_BYTES,
    POLICY,
    BreachedPasswords,
)
from app.services.circuit_breaker import BreakerRegistry
from tests.support.servers.range_api import Mode, RangeApi, sha1

BREACHED = "correct horse battery staple"
PADDING = "in the padding only"
UNKNOWN = "a password nobody ever used"
IMPATIENT = replace(POLICY, deadline_seconds=0.05)
PATIENT = replace(POLICY, deadline_seconds=30.0)
BAD_ANSWERS = {
    Mode.ERROR: "_BadAnswerError",
    Mode.GARBAGE: "_BadAnswerError",
    Mode.EMPTY: "_BadAnswerError",
    Mode.HUGE: "_BadAnswerError",
    Mode.REDIRECT: "_BadAnswerError",
    Mode.NO_HTTP: "RemoteProtocolError",
}
"""The kind of error each of these comes to."""


class FakeClock:
    """A monotonic clock that moves when told."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def breakers(clock: FakeClock) -> BreakerRegistry:
    return BreakerRegistry(clock)


@pytest_asyncio.fixture
async def server() -> AsyncIterator[RangeApi]:
    async with RangeApi(breached=[BREACHED, "pässwörd"], padding=[PADDING]) as server:
        yield server


@pytest_asyncio.fixture
async def breached(
    server: RangeApi, breakers: BreakerRegistry, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[BreachedPasswords]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    client = BreachedPasswords(server.url, breakers, PATIENT)
    yield client
    await client.aclose()


def skipped(caplog: pytest.LogCaptureFixture) -> list[tuple[str, int, str, str | None]]:
    """Return what the service logged: event, level, reason and error."""
    name = "app.services.breached_passwords"
    records = [record for record in caplog.records if record.name == name]
    return [
        (r.getMessage(), r.levelno, r.__dict__["reason"], r.__dict__["error"])
        for r in records
    ]


class TestContains:
    """BreachedPasswords.contains, while the service answers."""

    @pytest.mark.parametrize("password", [BREACHED, "pässwörd"])
    async def test_found(
        self,
        breached: BreachedPasswords,
        password: str,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        """A password in the answer is breached."""
        assert await breached.contains(password)
        assert skipped(caplog) == []

    async def test_not_found(self, breached: BreachedPasswords) -> None:
        """A password that is not in the answer is not breached."""
        assert not await breached.contains(UNKNOWN)

    async def test_lower_case(
        self,
        breached: BreachedPasswords,
        server: RangeApi,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """A mirror may write its digits in lower case."""
        lines = server.lines
        monkeypatch.setattr(server, "lines", lambda prefix: lines(prefix).lower())
        assert await breached.contains(BREACHED)

    async def test_padding(
        self,
        breached: BreachedPasswords,
        server: RangeApi,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        """A hash with count 0 is padding and says nothing."""
        assert sha1(PADDING)[5:].encode() in server.lines(sha1(PADDING)[:5])
        assert not await breached.contains(PADDING)
        assert skipped(caplog) == []

    async def test_request(self, breached: BreachedPasswords, server: RangeApi) -> None:
        """The service learns five digits of the hash, and is asked for padding."""
        await breached.contains(BREACHED)
        [(path, headers)] = server.requests
        assert path == f"/range/{sha1(BREACHED)[:5]}"
        assert headers["add-padding"] == "true"
        assert headers["accept-encoding"] == "identity"
        sent = path + str(headers)
        assert sha1(BREACHED)[5:] not in sent and BREACHED not in sent

    @pytest.mark.parametrize("base", ["/mirror", "/mirror/"])
    async def test_base_path(
        self, server: RangeApi, breakers: BreakerRegistry, base: str
    ) -> None:
        """The API may stand under a path, with or without a slash at its end."""
        client = BreachedPasswords(server.url + base, breakers, PATIENT)
        assert await client.contains(BREACHED)
        assert server.requests[0][0] == f"/mirror/range/{sha1(BREACHED)[:5]}"
        await client.aclose()


class TestSkipping:
    """BreachedPasswords.contains, while the service does not answer well."""

    @pytest.mark.parametrize("mode", BAD_ANSWERS, ids=lambda mode: mode.name)
    async def test_bad_answer(
        self,
        breached: BreachedPasswords,
        server: RangeApi,
        breakers: BreakerRegistry,
        caplog: pytest.LogCaptureFixture,
        mode: Mode,
    ) -> None:
        """A bad answer is a failure, even if it names the password."""
        server.mode = mode
        assert await breached.contains(BREACHED) is False
        [(event, level, reason, error)] = skipped(caplog)
        assert (event, level) == ("breached_passwords.skipped", logging.WARNING)
        assert (reason, error) == ("failed", BAD_ANSWERS[mode])
        assert breakers.snapshot()["breached_passwords"].failures == 1
        assert len(server.requests) == 1

    async def test_size(self, server: RangeApi) -> None:
        """The server's huge answer is over the bound, its good one far below."""
        server.mode = Mode.HUGE
        assert len(server.answer("/range/00000")) > MAXIMUM_ANSWER_BYTES
        server.mode = Mode.GOOD
        assert len(server.answer("/range/00000")) < MAXIMUM_ANSWER_BYTES / 100

    async def test_refused_connection(
        self,
        breached: BreachedPasswords,
        server: RangeApi,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        """A service that is gone is a failure."""
        await server.refuse()
        assert await breached.contains(BREACHED) is False
        assert [line[2:] for line in skipped(caplog)] == [("failed", "ConnectError")]

    @pytest.mark.parametrize("mode", [Mode.HANG, Mode.STALL], ids=lambda m: m.name)
    async def test_hanging(
        self,
        server: RangeApi,
        breakers: BreakerRegistry,
        caplog: pytest.LogCaptureFixture,
        mode: Mode,
    ) -> None:
        """A service that does not come to an end in time is a failure."""
        server.mode = mode
        client = BreachedPasswords(server.url, breakers, IMPATIENT)
        assert await client.contains(BREACHED) is False
        assert [line[2:] for line in skipped(caplog)] == [("deadline", "TimeoutError")]
        await client.aclose()

    def test_one_second(self) -> None:
        """Nobody waits longer than a second."""
        assert POLICY.deadline_seconds == 1.0

    async def test_open_and_recovered(
        self,
        breached: BreachedPasswords,
        server: RangeApi,
        clock: FakeClock,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        """A service that keeps failing is left alone, until it may have recovered."""
        server.mode = Mode.ERROR
        for _ in range(POLICY.failure_threshold + 3):
            assert await breached.contains(BREACHED) is False
        assert server.connections == POLICY.failure_threshold
        reasons = [reason for _, _, reason, _ in skipped(caplog)]
        assert reasons == ["failed"] * POLICY.failure_threshold + ["open"] * 3

        await server.refuse()
        await server.recover()
        clock.now += POLICY.recovery_seconds
        assert await breached.contains(BREACHED)


class TestOff:
    """BreachedPasswords without an address."""

    async def test_off(
        self, breakers: BreakerRegistry, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Without an address nothing is asked, logged or watched."""
        client = BreachedPasswords("", breakers)
        assert await client.contains(BREACHED) is False
        assert skipped(caplog) == []
        assert breakers.snapshot() == {}
        await client.aclose()


class TestSecrecy:
    """What the logs may not hold."""

    @pytest.mark.parametrize("mode", list(Mode), ids=lambda mode: mode.name)
    async def test_logs(
        self,
        server: RangeApi,
        breakers: BreakerRegistry,
        caplog: pytest.LogCaptureFixture,
        mode: Mode,
    ) -> None:
        """No log line, our own or a library's, holds password, hash or prefix."""
        caplog.set_level(logging.DEBUG)
        server.mode = mode
        client = BreachedPasswords(server.url, breakers, IMPATIENT)
        await client.contains(BREACHED)
        await client.aclose()
        assert any(record.name.startswith("httpcore2") for record in caplog.records)
        logged = caplog.text + str([record.__dict__ for record in caplog.records])
        assert BREACHED not in logged
        assert sha1(BREACHED)[:5] not in logged

    async def test_other_requests(
        self, breached: BreachedPasswords, caplog: pytest.LogCaptureFixture
    ) -> None:
        """What httpx2 logs about other requests is left alone."""
        caplog.set_level(logging.INFO)
        logging.getLogger("httpx2").info("HTTP Request: GET https://example.org/")
        assert len(caplog.records) == 1


class TestAclose:
    """BreachedPasswords.aclose."""

    async def test_closes(self, breached: BreachedPasswords) -> None:
        """A closed client is no longer usable; closing it again does no harm."""
        await breached.aclose()
        await breached.aclose()
        with pytest.raises(RuntimeError, match="closed"):
            await breached.contains(BREACHED)
