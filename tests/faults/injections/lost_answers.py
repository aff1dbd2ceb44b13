"""Clients that lose the answer to a refresh, and come back with the old token."""

import asyncio
from contextlib import asynccontextmanager

import httpx2

from tests.faults.injections.fault import Fault, Injection, Moments
from tests.faults.injections.raw import connect, hang_up, request
from tests.faults.probes import BUSY, a_client, signed_in
from tests.support.people import API

SESSIONS = 10
TIMES = 6
BACK_SECONDS = 20
PAUSE_SECONDS = 0.2


class LostAnswers(Fault):
    """Answers to refreshes are lost; nobody may be signed out by that."""

    name = "lost_answers"
    family = "clients"
    seconds = (0, 0)

    @asynccontextmanager
    async def injected(self, under_way: Injection) -> Moments:
        """Lose answer after answer, then come back with the token there is."""
        server = under_way.server
        # One after the other: who guesses passwords comes in parallel, and must wait.
        sessions = [await signed_in(server.url) for _ in range(SESSIONS)]
        tokens = [session["refresh_token"] for session in sessions]
        lost = [self._lose(under_way, token) for token in tokens * TIMES]
        under_way.evidence["lost"] = sum(await asyncio.gather(*lost))
        yield
        back = [_come_back(server.url, token) for token in tokens]
        answers = await asyncio.gather(*back)
        under_way.evidence["came_back"] = answers.count("200")
        under_way.shown = under_way.evidence["lost"] > SESSIONS
        if out := [answer for answer in answers if answer != "200"]:
            under_way.broken("a lost answer signed somebody out", answers=out)

    async def _lose(self, under_way: Injection, token: str) -> bool:
        rng = under_way.rng
        try:
            connection = await connect(rng.choice(under_way.cluster.servers).address)
            connection.send(request("/auth/refresh", {"refresh_token": token}))
        except OSError:
            return False
        await asyncio.sleep(rng.uniform(0, 0.1))
        hang_up(connection, rudely=rng.random() < 0.5)
        return True


async def _come_back(url: str, token: str) -> str:
    """Refresh until there is an answer that settles it."""
    body = {"refresh_token": token}
    async with asyncio.timeout(BACK_SECONDS), a_client(url) as client:
        while True:
            try:
                answer = await client.post(f"{API}/auth/refresh", json=body)
            except httpx2.HTTPError:
                continue
            if answer.status_code not in BUSY:
                return "200" if answer.is_success else answer.text
            await asyncio.sleep(PAUSE_SECONDS)
