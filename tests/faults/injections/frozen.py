"""A server process that stands still, and does not know what it has missed."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx2

from tests.faults.cluster import Cluster
from tests.faults.injections.fault import Fault, Injection, Moments
from tests.faults.probes import NotYetError, a_client, signed_in
from tests.faults.records import Finding, FindingKind
from tests.faults.servers import Server
from tests.support.people import API

SESSIONS = 4
ME = f"{API}/users/me"

Headers = dict[str, str]


class FreezeServer(Fault):
    """A server process stands still for seconds, and then goes on.

    Whoever it knew as signed in, and who was signed out through another one meanwhile,
    asks it something while it stands still. It must not answer them from memory.
    """

    name = "freeze_server"
    family = "stops"
    seconds = (2, 5)

    @asynccontextmanager
    async def injected(self, under_way: Injection) -> Moments:
        """Stop it in its tracks, and wake it with questions waiting for it."""
        server, cluster = under_way.server, under_way.cluster
        async with _known_callers(cluster, server) as callers:
            server.process.send(signal.SIGSTOP, ends=False)
            await asyncio.sleep(0.01)
            under_way.evidence["state"] = _state(server.process.pid)
            under_way.shown = under_way.evidence["state"] in ("T", "t")
            try:
                ended = await _sign_out(cluster, server, callers)
                yield
                asking = [asyncio.create_task(_ask(*caller)) for caller in ended]
                await asyncio.sleep(0.1)
            finally:
                server.process.send(signal.SIGCONT, ends=False)
            answers = await asyncio.gather(*asking)
            under_way.evidence["asked_after_sign_out"] = len(answers)
            if 200 in answers:
                what = "a server that had stood still trusted ended sessions"
                details = {"answers": answers}
                kind, moment = FindingKind.LET_IN, time.monotonic()
                cluster.findings.append(Finding(kind, what, moment, details))


@asynccontextmanager
async def _known_callers(
    cluster: Cluster, server: Server
) -> AsyncIterator[list[tuple[httpx2.AsyncClient, Headers]]]:
    """Give callers whom the server knows, each with a connection open to it."""
    others = [one for one in cluster.servers if one is not server]
    async with a_client(server.url) as client:
        callers = []
        for _ in range(SESSIONS if others else 0):
            try:
                tokens = await signed_in(server.url)
                headers = {"Authorization": f"Bearer {tokens['access_token']}"}
                await client.get(ME, headers=headers)
            except (NotYetError, httpx2.HTTPError):
                continue
            callers.append((client, headers))
        yield callers


async def _sign_out(
    cluster: Cluster,
    frozen: Server,
    callers: list[tuple[httpx2.AsyncClient, Headers]],
) -> list[tuple[httpx2.AsyncClient, Headers]]:
    """Sign callers out through another server; return those that it said were."""
    ended = []
    for server in [one for one in cluster.servers if one is not frozen][:1]:
        async with a_client(server.url) as client:
            for caller in callers:
                answer = await client.post(f"{API}/auth/logout", headers=caller[1])
                if answer.is_success:
                    ended.append(caller)
    return ended


async def _ask(client: httpx2.AsyncClient, headers: Headers) -> int:
    """Return the status of the answer, 0 if there is none."""
    try:
        return (await client.get(ME, headers=headers)).status_code
    except httpx2.HTTPError:
        return 0


def _state(pid: int) -> str:
    """Return the letter that the kernel gives the process's state."""
    with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as stat:
        return stat.read().rpartition(")")[2].split()[0]
