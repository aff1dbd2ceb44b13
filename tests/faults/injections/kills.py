"""Server processes that die, at any moment and at the worst ones."""

import asyncio
import signal
from collections.abc import Sequence
from contextlib import asynccontextmanager

from tests.faults.cluster import POSTGRESQL, SQLITE
from tests.faults.injections.fault import Fault, Injection, Moments
from tests.faults.servers import Server
from tests.faults.tracing import NotTracedError, last_call, traced

AT_WRITE_SECONDS = 8
"""How long the load may take until it has made the write at which a server dies."""

WRITES = {
    SQLITE: ("pwrite64", "fdatasync"),
    # What goes to the database and what goes to the client, which can't be told apart.
    POSTGRESQL: ("write,writev,sendto,sendmsg",),
}
MOST_WRITES = {SQLITE: 40, POSTGRESQL: 120}


class Kill(Fault):
    """`kill -9` of one or several server processes, at a random instant."""

    name = "kill"
    family = "kills"
    seconds = (0.2, 1.2)

    @asynccontextmanager
    async def injected(self, under_way: Injection) -> Moments:
        """Wait for the instant, and kill."""
        yield
        servers = under_way.cluster.servers
        chosen = under_way.rng.sample(servers, under_way.rng.randint(1, len(servers)))
        under_way.kills = await kill(chosen)
        under_way.shown = under_way.kills > 0


async def kill(servers: Sequence[Server]) -> int:
    """End processes without their knowledge; return how many have ended so."""
    counts = [len(server.process.exits) + 1 for server in servers]
    for server in servers:
        if server.process.is_running:
            server.process.send(signal.SIGKILL)
    killed = 0
    for server, count in zip(servers, counts, strict=True):
        ended = await server.process.ended(count)
        killed += bool(ended and ended.status == -signal.SIGKILL)
    return killed


class KillAtWrite(Fault):
    """A server that dies in the middle of its n-th write or fsync."""

    name = "kill_at_write"
    family = "kills"

    @asynccontextmanager
    async def injected(self, under_way: Injection) -> Moments:
        """Have strace kill the server, and wait until it has."""
        cluster, process = under_way.cluster, under_way.server.process
        calls = under_way.rng.choice(WRITES[cluster.database])
        number = under_way.rng.randint(1, MOST_WRITES[cluster.database])
        log = cluster.folder / "strace.log"
        log.unlink(missing_ok=True)
        count = len(process.exits) + 1
        process.allow_ends(True)
        try:
            injection = f"{calls}:signal=SIGKILL:when={number}"
            async with traced([process.pid], log, injection):
                ended = await process.ended(count, AT_WRITE_SECONDS)
        except (NotTracedError, ProcessLookupError):
            ended = None
        process.allow_ends(False)
        killed = bool(ended and ended.status == -signal.SIGKILL)
        under_way.kills = int(killed)
        under_way.shown = killed
        under_way.evidence |= {"at": f"{last_call(log)} number {number}"}
        yield

    async def hold(self, under_way: Injection) -> None:
        """Nothing more: it has happened."""


class Sigterm(Fault):
    """A server that is told to stop under load, and is started again."""

    name = "sigterm"
    family = "stops"
    stop_seconds = 15

    @asynccontextmanager
    async def injected(self, under_way: Injection) -> Moments:
        """Stop it; it must end in time and as it should."""
        process = under_way.server.process
        count = len(process.exits) + 1
        began = asyncio.get_running_loop().time()
        process.send(signal.SIGTERM)
        ended = await process.ended(count, self.stop_seconds)
        seconds = asyncio.get_running_loop().time() - began
        under_way.evidence["ended_after"] = f"{seconds:.2f} s"
        if ended is None:
            under_way.broken("a server did not end after SIGTERM", seconds=seconds)
            process.send(signal.SIGKILL)
            await process.ended(count)
        else:
            under_way.evidence["status"] = str(ended.status)
            if ended.status not in (0, -signal.SIGTERM):
                under_way.broken("a server ended badly after SIGTERM", **vars(ended))
        under_way.shown = True
        yield

    async def hold(self, under_way: Injection) -> None:
        """Nothing more: it is being started again."""
