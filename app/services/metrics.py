"""What `/metrics` says: the counters of this process and the state of its services."""

import os
from collections.abc import Iterator
from itertools import chain

from prometheus_client import Metric, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from app.core.metrics import REGISTRY
from app.services.circuit_breaker import BreakerRegistry
from app.services.limits import Limits

STATES = ("closed", "open", "half_open")
STORAGES = ("redis", "memory", "off")


class Metrics(Collector):
    """Everything there is to know, collected at the moment when somebody asks.

    Every sample says which process it is about. Where several answer behind one port,
    each speaks for itself, and without this their numbers would seem to jump.
    """

    def __init__(self, breakers: BreakerRegistry, limits: Limits) -> None:
        self._breakers = breakers
        self._limits = limits

    def render(self) -> bytes:
        """Return all metrics in Prometheus's text format."""
        return generate_latest(self)

    def collect(self) -> Iterator[Metric]:
        """Give every metric with its samples."""
        process = str(os.getpid())
        system = ProcessCollector(registry=None)
        for metric in chain(REGISTRY.collect(), self._state(), system.collect()):
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
