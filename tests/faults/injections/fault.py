"""What every fault has in common: it is injected, held, healed, and leaves evidence."""

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from random import Random
from typing import Any, ClassVar

from tests.faults.cluster import POSTGRESQL, SQLITE, Cluster
from tests.faults.probes import watching
from tests.faults.records import FaultRecord, Finding, FindingKind
from tests.faults.servers import Server

BOTH = frozenset({SQLITE, POSTGRESQL})

Moments = AsyncIterator[None]
"""What the generator function behind a fault's `injected` returns."""


@dataclass
class Injection:
    """One fault under way.

    Attributes:
        evidence: What shows that it takes place; numbers are counts, to be added up.
        shown: Whether it does.
        kills: How many server processes were killed.
        healed: When the cluster outside the service was whole again.
    """

    cluster: Cluster
    rng: Random
    evidence: dict[str, Any] = field(default_factory=dict)
    shown: bool = False
    kills: int = 0
    healed: float | None = None
    _number: int = 0

    def __post_init__(self) -> None:
        self._number = self.rng.randrange(len(self.cluster.servers))

    @property
    def server(self) -> Server:
        """A server process, picked once."""
        server = self.cluster.servers[self._number]
        self.evidence["server"] = server.process.name
        return server

    def broken(self, what: str, **details: Any) -> None:
        """Report a promise that was seen broken."""
        finding = Finding(FindingKind.BROKEN, what, time.monotonic(), details)
        self.cluster.findings.append(finding)


class Fault(ABC):
    """A kind of fault.

    Attributes:
        family: What it belongs to; the short form injects one of each.
        databases: Where there is such a fault.
        seconds: How long it is held, at least and at most.
        bends_time: Whether the servers' clocks are not ours while it lasts.
        is_long: Whether it is too long for the short form.
    """

    name: ClassVar[str]
    family: ClassVar[str]
    databases: ClassVar[frozenset[str]] = BOTH
    seconds: ClassVar[tuple[float, float]] = (2, 4)
    bends_time: ClassVar[bool] = False
    is_long: ClassVar[bool] = False

    async def inject(self, cluster: Cluster, rng: Random) -> FaultRecord:
        """Inject, hold for a bounded time, and heal."""
        began = time.monotonic()
        under_way = Injection(cluster, rng)
        urls = [server.url for server in cluster.servers]
        async with watching(urls) as seen:
            async with self.injected(under_way):
                await self.hold(under_way)
            healed = under_way.healed or time.monotonic()
        return FaultRecord(
            name=self.name,
            began=began,
            healed=healed,
            kills=under_way.kills,
            details={**under_way.evidence, "readiness": dict(seen)},
            shown=under_way.shown,
        )

    @abstractmethod
    def injected(self, under_way: Injection) -> AbstractAsyncContextManager[None]:
        """Have the fault while the block lasts, and note what shows it."""

    async def hold(self, under_way: Injection) -> None:
        """Keep it up for a while."""
        await asyncio.sleep(under_way.rng.uniform(*self.seconds))
