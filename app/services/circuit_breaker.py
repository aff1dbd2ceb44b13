"""Circuit breakers: calling a dependency that can die without dying with it.

A `Breaker` stands around every call to one dependency. While the dependency
answers, the breaker is closed and calls pass. When it fails too often, the
breaker opens and refuses calls at once, so that nobody waits for the dead. After
a while it is half-open: one call, the probe, may try, and its outcome closes or
opens the breaker.

What a call counts as:

- success: it returned a value within the deadline;
- failure: it missed the deadline, or raised one of the breaker's `failures`;
- neither: it was cancelled, or raised anything else. Such a call says nothing
  certain about the dependency. It leaves every count as it was, its exception
  reaches the caller unchanged, and a probe that ends so makes room for the next.

The state machine is the `circuitbreaker` library's. Breakers belong to one event
loop and are not thread-safe.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from math import ceil, inf
from typing import Literal, ParamSpec, TypeVar

from circuitbreaker import (  # type: ignore[import-untyped]
    STATE_CLOSED,
    STATE_HALF_OPEN,
    STATE_OPEN,
    CircuitBreaker,
)

logger = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")
Reason = Literal["open", "deadline", "failed"]


class DependencyUnavailableError(Exception):
    """A dependency did not do what it was asked, or was not even asked (`open`).

    The text never repeats what the dependency said; that is in `__cause__`.
    """

    def __init__(self, dependency: str, reason: Reason) -> None:
        super().__init__(dependency, reason)
        self.dependency = dependency
        self.reason: Reason = reason

    def __str__(self) -> str:
        return f"{self.dependency} is unavailable ({self.reason})"


@dataclass(frozen=True, slots=True)
class BreakerPolicy:
    """When a breaker opens, and for how long; senseless numbers are refused."""

    deadline_seconds: float = 5.0
    """A call that takes longer is abandoned and counts as a failure."""

    failure_threshold: int = 5
    """This many failures in a row open the breaker."""

    failure_rate: float = 0.5
    """So does this share of failures among the last calls, above 0 and up to 1."""

    window: int = 20
    """How many of the last calls the failure rate looks back on."""

    minimum_calls: int = 10
    """The failure rate says nothing before this many calls."""

    recovery_seconds: float = 30.0
    """How long an open breaker refuses before it lets a probe through."""

    def __post_init__(self) -> None:
        if not (0 < self.deadline_seconds < inf and 0 < self.recovery_seconds < inf):
            raise ValueError("deadline_seconds and recovery_seconds must be above 0")
        if not (self.failure_threshold >= 1 and 0 < self.failure_rate <= 1):
            raise ValueError("failure_threshold or failure_rate is out of range")
        if not 1 <= self.minimum_calls <= self.window:
            raise ValueError("minimum_calls must be between 1 and window")


@dataclass(slots=True)
class BreakerCounters:
    """What a breaker has seen since the start."""

    calls: int = 0
    """Calls let through; refused ones are not among them."""

    failures: int = 0
    """How many of these failed, whatever state they began and ended in."""

    refused: int = 0
    state_changes: int = 0


@dataclass(frozen=True, slots=True)
class BreakerStatus:
    """How a breaker stands now, for `/health/ready`."""

    state: str
    """`closed`, `open` or `half_open`."""

    failures: int
    """Failures since the last success."""

    retry_in_seconds: int
    """How long an open breaker still refuses, rounded up; otherwise 0."""

    since_start: BreakerCounters = field(default_factory=BreakerCounters, compare=False)


class _StateMachine(CircuitBreaker):  # type: ignore[misc]
    """The library's states, on our clock and with a failure rate."""

    _state: str

    def __init__(
        self,
        policy: BreakerPolicy,
        failures: tuple[type[Exception], ...],
        clock: Callable[[], float],
    ) -> None:
        self._policy = policy
        self._clock = clock
        self._outcomes: deque[bool] = deque(maxlen=policy.window)
        super().__init__(
            failure_threshold=policy.failure_threshold,
            recovery_timeout=policy.recovery_seconds,
            expected_exception=(*failures, TimeoutError),
        )

    @property
    def open_remaining(self) -> float:
        """Seconds until half-open; the library reads `time.monotonic` and rounds."""
        return float(self._opened + self._recovery_timeout - self._clock())

    def succeed(self) -> None:
        """Count a success: it ends a row of failures, or closes after a probe."""
        self._outcomes.append(False)
        self.reset()

    def fail(self) -> None:
        """Count a failure, which may open or, after a probe, open again.

        The library gets a type instead of the exception, because it would keep
        the exception, and with its traceback every local variable of the call.
        """
        self._outcomes.append(True)
        self.__exit__(TimeoutError, None, None)
        if self._state == STATE_OPEN or self._fails_too_often():
            self._state = STATE_OPEN
            self._opened = self._clock()
            self._outcomes.clear()

    def _fails_too_often(self) -> bool:
        calls = len(self._outcomes)
        enough = calls >= self._policy.minimum_calls
        return enough and sum(self._outcomes) / calls >= self._policy.failure_rate


class Breaker:
    """Stands around the calls to one dependency; `BreakerRegistry` makes it."""

    def __init__(
        self,
        name: str,
        policy: BreakerPolicy,
        failures: tuple[type[Exception], ...],
        clock: Callable[[], float],
    ) -> None:
        self.name = name
        self._deadline_seconds = policy.deadline_seconds
        self._machine = _StateMachine(policy, failures, clock)
        self._counters = BreakerCounters()
        self._state: str = STATE_CLOSED
        # Counts state changes. A call remembers the epoch it began in; a result
        # from another epoch tells of a time that is over and is not counted.
        self._epoch = 0
        self._probe_epoch: int | None = None

    async def call(
        self, func: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Await `func(*args, **kwargs)` unless the dependency is known to be down.

        An answer after the deadline counts as none: it is thrown away.

        Raises:
            DependencyUnavailableError: If the breaker refused the call, or the
                call failed (then the failure is the cause).
        """
        epoch = self._admit()
        deadline = asyncio.timeout(self._deadline_seconds)
        try:
            async with deadline:
                result = await func(*args, **kwargs)
            if deadline.expired():
                raise TimeoutError
        except Exception as error:
            self._count_failure(epoch, error, late=deadline.expired())
            raise
        else:
            self._settle(epoch, self._machine.succeed)
            return result
        finally:
            if epoch == self._probe_epoch:
                self._probe_epoch = None

    @property
    def status(self) -> BreakerStatus:
        """How the breaker stands now."""
        machine = self._machine
        retry_in = ceil(machine.open_remaining) if machine.opened else 0
        return BreakerStatus(
            machine.state, machine.failure_count, retry_in, self.counters
        )

    @property
    def counters(self) -> BreakerCounters:
        """A copy of the counters."""
        return replace(self._counters)

    def _admit(self) -> int:
        """Let a call begin, as the probe if it is time for one; return its epoch."""
        if self._machine.opened or self._probe_epoch is not None:
            self._counters.refused += 1
            raise DependencyUnavailableError(self.name, "open")
        self._note_state()
        if self._state == STATE_HALF_OPEN:
            self._probe_epoch = self._epoch
        self._counters.calls += 1
        return self._epoch

    def _count_failure(self, epoch: int, error: Exception, late: bool) -> None:
        """Raise our error if this one is a failure; do nothing otherwise."""
        if not late and not self._machine.is_failure(type(error), error):
            return
        self._counters.failures += 1
        self._settle(epoch, self._machine.fail)
        reason: Reason = "deadline" if late else "failed"
        raise DependencyUnavailableError(self.name, reason) from error

    def _settle(self, epoch: int, count: Callable[[], None]) -> None:
        if epoch == self._epoch:
            count()
            self._note_state()

    def _note_state(self) -> None:
        """Begin a new epoch if the state has changed, and tell the operator."""
        before, now = self._state, self._machine.state
        if now == before:
            return
        self._state = now
        self._epoch += 1
        self._counters.state_changes += 1
        level = logging.WARNING if now == STATE_OPEN else logging.INFO
        change = {"breaker": self.name, "from": before, "to": now}
        logger.log(level, "breaker.state_changed", extra=change)


class BreakerRegistry:
    """The breakers of one app, by name."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._breakers: dict[str, Breaker] = {}

    def create(
        self,
        name: str,
        policy: BreakerPolicy | None = None,
        *,
        failures: tuple[type[Exception], ...],
    ) -> Breaker:
        """Make the breaker around a dependency.

        `failures` are the exceptions, with their subclasses, that mean that the
        dependency failed; `TimeoutError` always does.

        Raises:
            ValueError: If the name is taken.
        """
        if name in self._breakers:
            raise ValueError(f"there is a breaker named {name!r} already")
        breaker = Breaker(name, policy or BreakerPolicy(), failures, self._clock)
        self._breakers[name] = breaker
        return breaker

    def snapshot(self) -> dict[str, BreakerStatus]:
        """Return how each breaker stands now."""
        return {name: breaker.status for name, breaker in self._breakers.items()}
