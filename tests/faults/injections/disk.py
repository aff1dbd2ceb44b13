"""A disk that is full, broken or slow.

strace makes the kernel answer the calls with which data is written as such a disk
would, in whoever writes it: the server processes on SQLite, all of PostgreSQL's own.
"""

import asyncio
import signal
from asyncio import FIRST_COMPLETED
from collections.abc import Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import ClassVar

import psutil  # type: ignore[import-untyped]

from tests.faults.cluster import Cluster
from tests.faults.injections.fault import Fault, Injection, Moments
from tests.faults.postgresql import Postgresql
from tests.faults.tracing import DELAYED, INJECTED, NotTracedError, count, traced

PAUSE_SECONDS = 0.05
BACK_SECONDS = 20


class DiskFault(Fault):
    """What a disk may do, as strace is told to."""

    family = "disk"
    seconds = (3, 5)
    mark: ClassVar[str] = INJECTED

    @asynccontextmanager
    async def injected(self, under_way: Injection) -> Moments:
        """Trace whoever writes, and count what was injected."""
        cluster = under_way.cluster
        log = cluster.folder / "strace.log"
        log.unlink(missing_ok=True)
        injections = self.injections(under_way)
        under_way.evidence["injected"] = injections
        with _database_may_end(cluster):
            healed = asyncio.Event()
            tracing = asyncio.create_task(_trace(cluster, log, injections, healed))
            try:
                yield
            finally:
                healed.set()
                await tracing
            if cluster.postgresql is not None:
                await _bring_back(cluster.postgresql, under_way)
        under_way.evidence["errors"] = count(log, self.mark)
        under_way.shown = under_way.evidence["errors"] > 0

    def injections(self, under_way: Injection) -> list[str]:
        """Return what to inject, as strace takes it."""
        raise NotImplementedError


class DiskFull(DiskFault):
    """No write finds any space."""

    name = "disk_full"

    def injections(self, under_way: Injection) -> list[str]:
        """Fail everything that may need space."""
        return [
            f"{call}:error=ENOSPC"
            for call in ("pwrite64", "pwritev", "fallocate", "ftruncate")
        ]


class IoError(DiskFault):
    """Writes and syncs fail now and then."""

    name = "io_error"

    def injections(self, under_way: Injection) -> list[str]:
        """Fail one in a few, from somewhere on."""
        when = f"{under_way.rng.randint(1, 5)}+{under_way.rng.randint(2, 5)}"
        return [f"{call}:error=EIO:when={when}" for call in ("pwrite64", "fdatasync")]


class SlowFsync(DiskFault):
    """Every sync takes its time."""

    name = "slow_fsync"
    mark = DELAYED

    def injections(self, under_way: Injection) -> list[str]:
        """Delay each sync by up to half a second."""
        microseconds = under_way.rng.randint(100, 500) * 1000
        calls = ("fdatasync", "fsync")
        return [f"{call}:delay_enter={microseconds}" for call in calls]


async def _trace(
    cluster: Cluster, log: Path, injections: list[str], healed: asyncio.Event
) -> None:
    """Trace for a while; anew when PostgreSQL has given up and is started again."""
    waiting = asyncio.create_task(healed.wait())
    while not healed.is_set():
        try:
            async with traced(_writers(cluster), log, *injections) as tracer:
                ended = asyncio.create_task(tracer.wait())
                await asyncio.wait([ended, waiting], return_when=FIRST_COMPLETED)
        except (NotTracedError, ProcessLookupError, psutil.NoSuchProcess):
            await asyncio.sleep(PAUSE_SECONDS)


async def _bring_back(postgresql: Postgresql, under_way: Injection) -> None:
    """Wait for PostgreSQL's own recovery.

    One that met an error can wait for ever for a checkpoint that will not come: then
    it is restarted, as an operator would.
    """
    try:
        await postgresql.wait_until_it_answers(seconds=BACK_SECONDS)
    except TimeoutError:
        under_way.evidence["restarted_by_hand"] = 1
        await postgresql.stop(signal.SIGQUIT)
        await postgresql.start()


def _writers(cluster: Cluster) -> list[int]:
    if cluster.postgresql is None:
        return [server.process.pid for server in cluster.servers]
    return [process.pid for process in cluster.postgresql.tree()]


@contextmanager
def _database_may_end(cluster: Cluster) -> Iterator[None]:
    """PostgreSQL gives up when it can't write its log, and is started again."""
    process = cluster.postgresql.process if cluster.postgresql else None
    if process is not None:
        process.allow_ends(True)
    try:
        yield
    finally:
        if process is not None:
            process.allow_ends(False)
