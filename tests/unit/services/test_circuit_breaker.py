"""Tests of `app.services.circuit_breaker`."""

import asyncio
import gc
import logging
import pickle
import time
import weakref
from collections.abc import Awaitable, Coroutine
from typing import Any

import pytest
from circuitbreaker import CircuitBreakerMonitor  # type: ignore[import-untyped]
from hypothesis import given, settings
from hypothesis import strategies as st

from app.services.circuit_breaker import (
    Breaker,
    BreakerCounters,
    BreakerPolicy,
    BreakerRegistry,
    BreakerStatus,
    DependencyUnavailableError,
)

POLICY = BreakerPolicy(
    deadline_seconds=60.0,
    failure_threshold=3,
    failure_rate=0.6,
    window=10,
    minimum_calls=5,
    recovery_seconds=30.0,
)
NO_TIME = BreakerPolicy(deadline_seconds=1e-9)
"""A deadline that has passed as soon as the call waits for anything."""


class FakeClock:
    """A monotonic clock that moves when told."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Gate:
    """A dependency whose answers the test gives, one future per call."""

    def __init__(self) -> None:
        self.waiting: list[asyncio.Future[str]] = []

    async def ask(self) -> str:
        self.waiting.append(asyncio.get_running_loop().create_future())
        return await self.waiting[-1]


async def succeed() -> str:
    return "answer"


async def fail() -> str:
    raise ConnectionError("a secret of the dependency")


async def stumble() -> str:
    raise LookupError("not on the list of failures")


async def hang() -> None:
    await asyncio.Event().wait()


async def begin(call: Coroutine[Any, Any, str]) -> "asyncio.Task[str]":
    """Start a call and let it run until it waits."""
    task = asyncio.create_task(call)
    await asyncio.sleep(0)
    return task


async def refusal(breaker: Breaker) -> DependencyUnavailableError:
    """Make a call that must fail and return the error."""
    with pytest.raises(DependencyUnavailableError) as caught:
        await breaker.call(fail)
    return caught.value


async def open_up(breaker: Breaker) -> None:
    """Fail until the breaker opens."""
    while breaker.status.state != "open":
        await refusal(breaker)


def changes(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str, str]]:
    """Return the logged state changes: level, from, to."""
    lines = [r for r in caplog.records if r.getMessage() == "breaker.state_changed"]
    assert all(line.__dict__["breaker"] == "mail" for line in lines)
    return [(r.levelname, r.__dict__["from"], r.__dict__["to"]) for r in lines]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def breakers(clock: FakeClock) -> BreakerRegistry:
    return BreakerRegistry(clock)


@pytest.fixture
def breaker(breakers: BreakerRegistry) -> Breaker:
    return breakers.create("mail", POLICY, failures=(ConnectionError,))


@pytest.fixture
def gate() -> Gate:
    return Gate()


class TestCalling:
    """Breaker.call, while the dependency answers."""

    async def test_returns(self, breaker: Breaker) -> None:
        """The call gets its arguments, and its value comes back."""

        async def add(left: int, right: int) -> int:
            return left + right

        assert await breaker.call(add, 1, right=2) == 3
        assert breaker.counters == BreakerCounters(calls=1)

    async def test_counters_are_a_copy(self, breaker: Breaker) -> None:
        """Counters once read stay as they were."""
        before = breaker.counters
        await breaker.call(succeed)
        assert (before.calls, breaker.counters.calls) == (0, 1)

    async def test_plain_function(self, breaker: Breaker) -> None:
        """A function that merely returns a coroutine is watched as well."""

        def indirectly() -> Awaitable[str]:
            return fail()

        for _ in range(POLICY.failure_threshold):
            with pytest.raises(DependencyUnavailableError):
                await breaker.call(indirectly)
        assert breaker.status.state == "open"

    async def test_not_awaitable(self, breaker: Breaker) -> None:
        """A function whose value cannot be awaited is the caller's mistake."""
        with pytest.raises(TypeError):
            await breaker.call(len, "value")  # type: ignore[arg-type]
        assert breaker.status.failures == 0


class TestFailing:
    """Breaker.call, when the dependency fails."""

    async def test_error(self, breaker: Breaker) -> None:
        """The caller gets our error; the cause is chained and its text is not."""
        error = await refusal(breaker)
        assert (error.dependency, error.reason) == ("mail", "failed")
        assert str(error) == "mail is unavailable (failed)"
        assert "secret" not in repr(error)
        assert isinstance(error.__cause__, ConnectionError)

    async def test_error_when_open(self, breaker: Breaker) -> None:
        """A refusal says nothing about the failures that led to it."""
        await open_up(breaker)
        error = await refusal(breaker)
        assert (error.reason, error.__cause__) == ("open", None)

    def test_error_pickles(self) -> None:
        """The error survives the way between processes."""
        error = pickle.loads(pickle.dumps(DependencyUnavailableError("mail", "open")))
        assert (error.dependency, error.reason) == ("mail", "open")

    async def test_consecutive(self, breaker: Breaker) -> None:
        """As many failures in a row as the threshold open the breaker."""
        for _ in range(POLICY.failure_threshold - 1):
            await refusal(breaker)
        assert breaker.status == BreakerStatus("closed", 2, 0)
        await refusal(breaker)
        assert breaker.status == BreakerStatus("open", 3, 30)

    async def test_success_ends_a_row(self, breaker: Breaker) -> None:
        """A success sets the number of failures in a row back to 0."""
        await refusal(breaker)
        await refusal(breaker)
        await breaker.call(succeed)
        assert breaker.status.failures == 0
        await refusal(breaker)
        assert breaker.status.state == "closed"

    async def test_rate(self, breaker: Breaker) -> None:
        """Failures that are not in a row open the breaker by their share."""
        for call in (fail, fail, succeed, fail):
            await asyncio.gather(breaker.call(call), return_exceptions=True)
        assert breaker.status.state == "closed", "below the minimum of calls"
        await refusal(breaker)
        assert breaker.status.state == "open"

    async def test_rate_looks_back_on_the_window(self, breaker: Breaker) -> None:
        """Calls that have left the window no longer count."""
        for _ in range(100):
            await breaker.call(succeed)
        for call in (fail, fail, succeed) * 2 + (fail, fail):
            assert breaker.status.state == "closed"
            await asyncio.gather(breaker.call(call), return_exceptions=True)
        assert breaker.status.state == "open", "6 of the last 10 calls failed"

    async def test_rate_starts_afresh(self, breaker: Breaker, clock: FakeClock) -> None:
        """Failures from before it opened do not open the breaker again."""
        for call in (fail, succeed, fail, fail, succeed, fail):
            await asyncio.gather(breaker.call(call), return_exceptions=True)
        assert breaker.status.state == "open"
        clock.now += POLICY.recovery_seconds
        for call in (succeed, succeed, fail, succeed, fail, fail):
            await asyncio.gather(breaker.call(call), return_exceptions=True)
            assert breaker.status.state == "closed" or call is fail
        assert breaker.status == BreakerStatus("closed", 2, 0)

    async def test_unlisted(self, breaker: Breaker) -> None:
        """An unlisted exception passes unchanged and is no failure."""
        for _ in range(20):
            with pytest.raises(LookupError):
                await breaker.call(stumble)
        assert breaker.status == BreakerStatus("closed", 0, 0)
        assert breaker.counters == BreakerCounters(calls=20)

    async def test_unlisted_ends_no_row(self, breaker: Breaker) -> None:
        """An unlisted exception is no success either."""
        for call in (fail, fail, stumble, fail):
            await asyncio.gather(breaker.call(call), return_exceptions=True)
        assert breaker.status.state == "open"

    async def test_keeps_no_exception(self, breaker: Breaker) -> None:
        """The breaker does not hold the failure, nor what its traceback holds."""

        class Secret:
            pass

        async def fail_with(secret: Secret) -> None:
            raise ConnectionError

        secret = Secret()
        watcher = weakref.ref(secret)
        with pytest.raises(DependencyUnavailableError) as caught:
            await breaker.call(fail_with, secret)
        del secret, caught
        gc.collect()
        assert watcher() is None


class TestDeadline:
    """Breaker.call, when the dependency hangs."""

    async def test_deadline(self, breakers: BreakerRegistry) -> None:
        """A call that takes too long is abandoned and counts as a failure."""
        breaker = breakers.create("mail", NO_TIME, failures=())
        with pytest.raises(DependencyUnavailableError) as caught:
            await breaker.call(hang)
        assert caught.value.reason == "deadline"
        assert isinstance(caught.value.__cause__, TimeoutError)
        assert breaker.status.failures == 1

    async def test_late_value(self, breakers: BreakerRegistry) -> None:
        """A value that comes after the deadline is no answer."""
        breaker = breakers.create("mail", NO_TIME, failures=())

        async def ignore_the_deadline() -> str:
            try:
                await hang()
            except asyncio.CancelledError:
                await asyncio.sleep(0)
            return "late"

        with pytest.raises(DependencyUnavailableError, match="deadline"):
            await breaker.call(ignore_the_deadline)
        assert breaker.status.failures == 1

    async def test_error_while_giving_up(self, breakers: BreakerRegistry) -> None:
        """An unlisted exception after the deadline is a missed deadline."""
        breaker = breakers.create("mail", NO_TIME, failures=())

        async def stumble_at_the_deadline() -> None:
            try:
                await hang()
            finally:
                raise LookupError

        with pytest.raises(DependencyUnavailableError, match="deadline"):
            await breaker.call(stumble_at_the_deadline)
        assert breaker.status.failures == 1

    async def test_timeout_of_its_own(self, breaker: Breaker) -> None:
        """A timeout within the call is a failure, listed or not."""

        async def time_out() -> None:
            raise TimeoutError

        with pytest.raises(DependencyUnavailableError, match="failed"):
            await breaker.call(time_out)

    async def test_timeout_of_the_caller(self, breaker: Breaker) -> None:
        """A caller who will not wait says nothing about the dependency."""
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):
                await breaker.call(hang)
        assert breaker.counters == BreakerCounters(calls=1)


class TestOpen:
    """Breaker.call, while the breaker is open."""

    async def test_refuses(self, breaker: Breaker, clock: FakeClock) -> None:
        """Calls are refused untried until the recovery time is over."""
        await open_up(breaker)
        clock.now += POLICY.recovery_seconds - 0.5
        with pytest.raises(DependencyUnavailableError, match="open"):
            await breaker.call(succeed)
        assert breaker.status.retry_in_seconds == 1
        assert breaker.counters == BreakerCounters(3, 3, 1, 1)

    async def test_late_success(self, breaker: Breaker, gate: Gate) -> None:
        """A call begun before the breaker opened does not close it."""
        call = await begin(breaker.call(gate.ask))
        await open_up(breaker)
        gate.waiting[0].set_result("answer")
        assert await call == "answer"
        assert breaker.status.state == "open"

    async def test_late_failure(
        self, breaker: Breaker, gate: Gate, clock: FakeClock
    ) -> None:
        """A call begun before the breaker opened does not prolong it."""
        call = await begin(breaker.call(gate.ask))
        await open_up(breaker)
        clock.now += 10
        gate.waiting[0].set_exception(ConnectionError())
        with pytest.raises(DependencyUnavailableError):
            await call
        assert breaker.status == BreakerStatus("open", 3, 20)
        assert breaker.counters.failures == 4


class TestHalfOpen:
    """Breaker.call, when the recovery time is over."""

    @pytest.fixture(autouse=True)
    async def half_open(self, breaker: Breaker, clock: FakeClock) -> None:
        await open_up(breaker)
        clock.now += POLICY.recovery_seconds

    async def test_one_probe(self, breaker: Breaker, gate: Gate) -> None:
        """Of fifty calls at once, one goes through."""
        calls = [await begin(breaker.call(gate.ask)) for _ in range(50)]
        assert len(gate.waiting) == 1
        gate.waiting[0].set_result("answer")
        results = await asyncio.gather(*calls, return_exceptions=True)
        assert results[0] == "answer"
        assert {str(result) for result in results[1:]} == {"mail is unavailable (open)"}
        assert breaker.counters == BreakerCounters(4, 3, 49, 3)

    async def test_probe_succeeds(self, breaker: Breaker) -> None:
        """A probe that succeeds closes the breaker, for every call."""
        assert await breaker.call(succeed) == "answer"
        assert breaker.status == BreakerStatus("closed", 0, 0)
        await asyncio.gather(*(breaker.call(succeed) for _ in range(5)))

    async def test_probe_fails(self, breaker: Breaker, clock: FakeClock) -> None:
        """A probe that fails opens the breaker for the whole time again."""
        await refusal(breaker)
        assert breaker.status == BreakerStatus("open", 4, 30)
        clock.now += POLICY.recovery_seconds
        assert await breaker.call(succeed) == "answer"

    async def test_probe_fails_after_rate(
        self, breakers: BreakerRegistry, clock: FakeClock
    ) -> None:
        """One failed probe is enough, even when few failures were in a row."""
        breaker = breakers.create("rate", POLICY, failures=(ConnectionError,))
        for call in (fail, fail, succeed, fail, fail):
            await asyncio.gather(breaker.call(call), return_exceptions=True)
        clock.now += POLICY.recovery_seconds
        await breaker.call(succeed)
        for call in (fail, fail, succeed, fail):
            await asyncio.gather(breaker.call(call), return_exceptions=True)
        assert breaker.status == BreakerStatus("open", 1, 30)
        clock.now += POLICY.recovery_seconds
        await refusal(breaker)
        assert breaker.status == BreakerStatus("open", 2, 30)

    async def test_probe_cancelled(self, breaker: Breaker, gate: Gate) -> None:
        """A cancelled probe decides nothing; the next call is the probe."""
        probe = await begin(breaker.call(gate.ask))
        probe.cancel()
        await asyncio.wait([probe])
        assert probe.cancelled()
        assert breaker.status == BreakerStatus("half_open", 3, 0)
        assert await breaker.call(succeed) == "answer"

    async def test_probe_stumbles(self, breaker: Breaker) -> None:
        """Nor does one that ends with an unlisted exception."""
        with pytest.raises(LookupError):
            await breaker.call(stumble)
        assert breaker.status == BreakerStatus("half_open", 3, 0)
        assert await breaker.call(succeed) == "answer"

    async def test_old_call_frees_no_probe(
        self, breakers: BreakerRegistry, clock: FakeClock, gate: Gate
    ) -> None:
        """The end of an older call does not let a second probe through."""
        breaker = breakers.create("old", POLICY, failures=(ConnectionError,))
        old = await begin(breaker.call(gate.ask))
        await open_up(breaker)
        clock.now += POLICY.recovery_seconds
        probe = await begin(breaker.call(gate.ask))
        gate.waiting[0].set_result("late")
        assert await old == "late"
        assert breaker.status.state == "half_open"
        with pytest.raises(DependencyUnavailableError, match="open"):
            await breaker.call(succeed)
        gate.waiting[1].set_result("answer")
        assert await probe == "answer"
        assert breaker.status.state == "closed"

    async def test_reports(
        self, breaker: Breaker, gate: Gate, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Half-open is told once, however many probes are cancelled."""
        caplog.set_level(logging.INFO)
        for _ in range(3):
            probe = await begin(breaker.call(gate.ask))
            assert changes(caplog) == [("INFO", "open", "half_open")]
            probe.cancel()
            await asyncio.wait([probe])
        await breaker.call(succeed)
        assert changes(caplog)[1:] == [("INFO", "half_open", "closed")]


class TestReporting:
    """Log lines of a breaker."""

    async def test_state_changes(
        self, breaker: Breaker, clock: FakeClock, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Each change is one line: a warning when it opens, else information."""
        caplog.set_level(logging.INFO)
        await open_up(breaker)
        await refusal(breaker)
        clock.now += POLICY.recovery_seconds
        assert breaker.status.state == "half_open"
        await refusal(breaker)
        clock.now += POLICY.recovery_seconds
        await breaker.call(succeed)
        await breaker.call(succeed)
        assert changes(caplog) == [
            ("WARNING", "closed", "open"),
            ("INFO", "open", "half_open"),
            ("WARNING", "half_open", "open"),
            ("INFO", "open", "half_open"),
            ("INFO", "half_open", "closed"),
        ]
        assert breaker.counters == BreakerCounters(6, 4, 1, 5)
        assert "secret" not in caplog.text


class TestPolicy:
    """BreakerPolicy."""

    @pytest.mark.parametrize(
        "wrong",
        [
            {"deadline_seconds": 0.0},
            {"deadline_seconds": float("inf")},
            {"recovery_seconds": 0.0},
            {"recovery_seconds": float("nan")},
            {"failure_threshold": 0},
            {"failure_rate": 0.0},
            {"failure_rate": 1.1},
            {"minimum_calls": 0},
            {"minimum_calls": 21},
        ],
        ids=str,
    )
    def test_bounds(self, wrong: dict[str, Any]) -> None:
        """Numbers that would make a breaker useless are refused."""
        with pytest.raises(ValueError):
            BreakerPolicy(**wrong)

    def test_edges(self) -> None:
        """The edges of what makes sense are accepted."""
        BreakerPolicy(failure_threshold=1, failure_rate=1, window=1, minimum_calls=1)


class TestRegistry:
    """BreakerRegistry."""

    async def test_snapshot(self, breakers: BreakerRegistry, clock: FakeClock) -> None:
        """The snapshot tells how each breaker stands and what it has seen."""
        mail = breakers.create("mail", POLICY, failures=(ConnectionError,))
        breakers.create("redis", failures=(ConnectionError,))
        await open_up(mail)
        clock.now += 7.25
        assert breakers.snapshot() == {
            "mail": BreakerStatus("open", 3, 23),
            "redis": BreakerStatus("closed", 0, 0),
        }
        seen = {name: one.since_start for name, one in breakers.snapshot().items()}
        assert seen == {
            "mail": BreakerCounters(3, 3, 0, 1),
            "redis": BreakerCounters(),
        }

    def test_unique_names(self, breakers: BreakerRegistry, breaker: Breaker) -> None:
        """Two breakers cannot have one name."""
        with pytest.raises(ValueError, match="mail"):
            breakers.create(breaker.name, failures=(ConnectionError,))

    def test_nothing_global(self, breakers: BreakerRegistry, breaker: Breaker) -> None:
        """Two apps share no breaker, not even by the library's monitor."""
        BreakerRegistry().create(breaker.name, failures=(ConnectionError,))
        assert breaker.name not in CircuitBreakerMonitor.circuit_breakers

    def test_real_clock(self) -> None:
        """Without a clock of its own, a registry uses the monotonic one."""
        before = time.monotonic()
        now = BreakerRegistry()._clock()
        assert before <= now <= time.monotonic()


SMALL = BreakerPolicy(failure_threshold=3, failure_rate=0.6, window=6, minimum_calls=4)
"""Numbers so small that random steps reach every state often."""


class Model:
    """What a breaker should do, in the simplest words; compared step by step."""

    def __init__(self, breaker: Breaker, clock: FakeClock) -> None:
        self.breaker = breaker
        self.clock = clock
        self.state = "closed"
        self.history: list[bool] = []
        self.opened = 0.0
        self.calls: list[tuple[asyncio.Task[str], asyncio.Future[str], object]] = []
        self.era = object()
        self.probe: asyncio.Task[str] | None = None

    async def start(self) -> None:
        """Begin a call; it goes through if closed, or as the only probe."""
        gate = Gate()
        waited = self.clock.now - self.opened >= SMALL.recovery_seconds
        if self.state == "open" and waited:
            self.become("half_open")
        task = await begin(self.breaker.call(gate.ask))
        let_through = self.state == "closed" or (
            self.state == "half_open" and self.probe is None
        )
        assert let_through == bool(gate.waiting)
        if not gate.waiting:
            assert isinstance(task.exception(), DependencyUnavailableError)
            return
        self.calls.append((task, gate.waiting[0], self.era))
        if self.state == "half_open":
            self.probe = task

    async def end(self, index: int, outcome: str) -> None:
        """End one of the calls under way."""
        if not self.calls:
            return
        task, answer, era = self.calls.pop(index % len(self.calls))
        if outcome == "cancelled":
            task.cancel()
        elif outcome == "answer":
            answer.set_result(outcome)
        else:
            failed = ConnectionError() if outcome == "failed" else LookupError()
            answer.set_exception(failed)
        await asyncio.gather(task, return_exceptions=True)
        self.probe = None if task is self.probe else self.probe
        if era is self.era and outcome in ("answer", "failed"):
            self.count(outcome == "failed")

    def count(self, failed: bool) -> None:
        """Count a result of the present state."""
        self.history.append(failed)
        threshold, width = SMALL.failure_threshold, SMALL.window
        row, window = self.history[-threshold:], self.history[-width:]
        often = sum(window) / len(window) >= SMALL.failure_rate
        in_a_row = len(row) == threshold and all(row)
        rate = len(window) >= SMALL.minimum_calls and often
        if self.state == "half_open" and not failed:
            self.become("closed")
        elif failed and (self.state == "half_open" or in_a_row or rate):
            self.become("open")
            self.opened = self.clock.now

    def become(self, state: str) -> None:
        self.state = state
        self.era = object()
        # The probe's success is the first call of the new window.
        self.history = [False] if state == "closed" else []

    def check(self) -> None:
        waited = self.clock.now - self.opened >= SMALL.recovery_seconds
        due = self.state == "open" and waited
        assert self.breaker.status.state == ("half_open" if due else self.state)


STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            ["start", "start", "fail", "fail", "answer", "failed"]
            + ["stumble", "cancelled", "wait"]
        ),
        st.integers(0, 3),
    ),
    min_size=10,
    max_size=80,
)


class TestModel:
    """Any number of calls at once, ending in any order and any way."""

    @settings(deadline=None, max_examples=200)
    @given(steps=STEPS)
    def test_model(self, steps: list[tuple[str, int]]) -> None:
        """The breaker does what the model does, at every step."""
        asyncio.run(self.play(steps))

    async def play(self, steps: list[tuple[str, int]]) -> None:
        clock = FakeClock()
        breakers = BreakerRegistry(clock)
        breaker = breakers.create("mail", SMALL, failures=(ConnectionError,))
        model = Model(breaker, clock)
        for step, number in steps:
            if step == "start":
                await model.start()
            elif step == "fail":
                await model.start()
                await model.end(-1, "failed")
            elif step == "wait":
                clock.now += SMALL.recovery_seconds / 2 * number
            else:
                await model.end(number, step)
            model.check()
        while model.calls:
            await model.end(0, "cancelled")
