"""What several processes promise together: revocations heard, limits shared."""

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import httpx2

from tests.faults.probes import a_client, signed_in, some_address
from tests.support.people import API

HEARD_SECONDS = 1.0
"""How soon every other process refuses what one has revoked."""

PATIENCE_SECONDS = 10.0
STILL = 5
"""How often it is looked whether a refusal stays one."""

ATTEMPTS_PER_ACCOUNT = 10
"""Wrong passwords for one account in five minutes; see `app/services/limits.py`."""

GUESSES = 60
WRONG_PASSWORD = "this is not the password"


@dataclass(frozen=True)
class Revocations:
    """How long other processes trusted sessions that one had ended.

    Attributes:
        longest: From the acknowledgement to the first refusal by the last process.
        late: How many took longer than promised, or were trusted again later.
    """

    times: int
    longest: float
    median: float
    late: int


@dataclass(frozen=True)
class SharedLimit:
    """What parallel guesses at one account's password were answered, by each round."""

    allowed: int
    answers: list[dict[str, int]]

    @property
    def exact(self) -> bool:
        """Whether exactly as many were looked at as may be, however they came in."""
        return all(
            answer == {"401": self.allowed, "429": GUESSES - self.allowed}
            for answer in self.answers
        )


async def measure_revocations(urls: Sequence[str], times: int) -> Revocations:
    """End sessions through one process while the others are asked as fast as can be."""
    clients = [a_client(url) for url in urls]
    try:
        seconds = []
        for number in range(times):
            through = number % len(clients)
            others = [one for one in clients if one is not clients[through]]
            seconds.append(await _revoke(clients[through], others))
    finally:
        await asyncio.gather(*[client.aclose() for client in clients])
    late = sum(one > HEARD_SECONDS for one in seconds)
    median = sorted(seconds)[len(seconds) // 2]
    return Revocations(times, max(seconds), median, late)


async def measure_shared_limit(urls: Sequence[str], times: int) -> SharedLimit:
    """Guess at accounts through all processes at once, as if from many networks."""
    answers = [await _guess(urls, f"guessed-{some_address()}") for _ in range(times)]
    return SharedLimit(ATTEMPTS_PER_ACCOUNT, answers)


async def _revoke(
    through: httpx2.AsyncClient, others: Sequence[httpx2.AsyncClient]
) -> float:
    """Return how long it took until all others refused the session."""
    tokens = await signed_in(str(through.base_url))
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    for client in [*others, *others]:
        # Twice, so that it is remembered.
        assert await _status(client, headers) == 200
    answer = await through.post(f"{API}/auth/logout", headers=headers)
    assert answer.status_code == 204, answer.text
    revoked = time.monotonic()
    heard = await asyncio.gather(*[_until_refused(one, headers) for one in others])
    return max(heard) - revoked


async def _until_refused(client: httpx2.AsyncClient, headers: dict[str, str]) -> float:
    """Return when a session was refused for good; infinity if it was not."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        if await _status(client, headers) == 401:
            refused = time.monotonic()
            after = [await _status(client, headers) for _ in range(STILL)]
            return refused if set(after) == {401} else float("inf")
    return float("inf")


async def _status(client: httpx2.AsyncClient, headers: dict[str, str]) -> int:
    return (await client.get(f"{API}/users/me", headers=headers)).status_code


async def _guess(urls: Sequence[str], name: str) -> dict[str, int]:
    body = {"email": f"{name}@example.net", "password": WRONG_PASSWORD}

    async def guess(number: int) -> str:
        async with a_client(urls[number % len(urls)]) as client:
            answer = await client.post(f"{API}/auth/login", json=body)
            return str(answer.status_code)

    answers = await asyncio.gather(*[guess(number) for number in range(GUESSES)])
    return dict(Counter(answers))
