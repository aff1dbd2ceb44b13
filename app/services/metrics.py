"""What `/metrics` says: the counters of this process and the state of its services."""

import os
from collections.abc import Iterator
from contextlib import suppress
from itertools import chain

from prometheus_client import Metric, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from app.core.exceptions import DatabaseUnavailableError
from app.core.metrics import REGISTRY
from app.core.patience import LimitedPatience
from app.services.circuit_breaker import BreakerRegistry
from app.services.limits import Limits
from app.services.outbox import Outbox, Waiting

STATES = ("closed", "open", "half_open")
STORAGES = ("redis", "memory", "off")

PATIENCE_SECONDS = 1.0
"""How long the database may take: while it hangs, the other metrics matter most."""


class Metrics:
    """Everything there is to know, collected at the moment when somebody asks.

    Every sample says which process it is about. Where several answer behind one port,
    each speaks for itself, and without this their numbers would seem to jump.
    """

    def __init__(
        self, breakers: BreakerRegistry, limits: Limits, outbox: Outbox
    ) -> None:
        self._breakers = breakers
        self._limits = limits
        self._outbox = outbox

    async def render(self) -> bytes:
        """Return all metrics in Prometheus's text format."""
        return generate_latest(_Once(self._all(await self._waiting())))

    async def _waiting(self) -> Waiting | None:
        with suppress(DatabaseUnavailableError), LimitedPatience(PATIENCE_SECONDS):
            return await self._outbox.waiting()
        return None

    def _all(self, waiting: Waiting | None) -> Iterator[Metric]:
        process = str(os.getpid())
        system = ProcessCollector(registry=None)
        ours = chain(REGISTRY.collect(), self._state(), _outbox(waiting))
        for metric in chain(ours, system.collect()):
            metric.samples = [
                sample._replace(labels={**sample.labels, "process": process})
                for sample in metric.samples
                # When a series began says nothing that `process_start_time` does not.
                if not sample.name.endswith("_created")
            ]
            yield metric

    def _state(self) -> Iterator[Metric]:
        storage = GaugeMetricFamily(
            "cardea_limits_storage",
            "1 for where attempts are counted now: redis, memory or off.",
            labels=["storage"],
        )
        for name in STORAGES:
            storage.add_metric([name], name == self._limits.storage)
        yield storage
        yield self._breaker_states()
        for name in ("calls", "failures", "refused", "state_changes"):
            yield self._breaker_counter(name)

    def _breaker_states(self) -> Metric:
        family = GaugeMetricFamily(
            "cardea_breaker_state",
            "1 for the state that a breaker is in.",
            labels=["breaker", "state"],
        )
        for breaker, status in self._breakers.snapshot().items():
            for state in STATES:
                family.add_metric([breaker, state], state == status.state)
        return family

    def _breaker_counter(self, name: str) -> Metric:
        family = CounterMetricFamily(
            f"cardea_breaker_{name}",
            f"A breaker's {name.replace('_', ' ')} since the start.",
            labels=["breaker"],
        )
        for breaker, status in self._breakers.snapshot().items():
            family.add_metric([breaker], getattr(status.since_start, name))
        return family


class _Once(Collector):
    """What was collected for one answer."""

    def __init__(self, metrics: Iterator[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> Iterator[Metric]:
        """Give every metric with its samples."""
        return self._metrics


def _outbox(waiting: Waiting | None) -> Iterator[Metric]:
    """Give no number where none is known: 0 would say that all is well."""
    number = GaugeMetricFamily("cardea_outbox_waiting", "Messages to be delivered.")
    age = GaugeMetricFamily(
        "cardea_outbox_oldest_seconds", "For how long the oldest of these has waited."
    )
    if waiting is not None:
        number.add_metric([], waiting.number)
        age.add_metric([], waiting.oldest_seconds)
    yield number
    yield age
