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
        trusted: The longest time from the acknowledgement to the last question that was
            answered as if nothing had happened, in seconds.
        refused: The longest time until all others were seen to refuse. It contains what
            a busy machine takes to ask and to answer.
        late: How many were trusted for longer than promised, or again later.
    """

    times: int
    trusted: float
    refused: float
    refused_median: float
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
        heard = []
        for number in range(times):
            through = clients[number % len(clients)]
            others = [client for client in clients if client is not through]
            heard.append(await _revoke(through, others))
    finally:
        await asyncio.gather(*[client.aclose() for client in clients])
    refused = sorted(one.refused for one in heard)
    return Revocations(
        times=times,
        trusted=max(one.trusted for one in heard),
        refused=refused[-1],
        refused_median=refused[times // 2],
        late=sum(one.trusted > HEARD_SECONDS for one in heard),
    )


async def measure_shared_limit(urls: Sequence[str], times: int) -> SharedLimit:
    """Guess at accounts through all processes at once, as if from many networks."""
    answers = [await _guess(urls, f"guessed-{some_address()}") for _ in range(times)]
    return SharedLimit(ATTEMPTS_PER_ACCOUNT, answers)


@dataclass(frozen=True)
class _Heard:
    """When a session was last trusted and first refused, after it was ended."""

    trusted: float
    refused: float


async def _revoke(
    through: httpx2.AsyncClient, others: Sequence[httpx2.AsyncClient]
) -> _Heard:
    """End a session through one process; return how long any other trusted it."""
    tokens = await signed_in(str(through.base_url))
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    for client in [*others, *others]:
        # Twice, so that it is remembered.
        assert await _status(client, headers) == 200
    answer = await through.post(f"{API}/auth/logout", headers=headers)
    assert answer.status_code == 204, answer.text
    ended = time.monotonic()
    heard = await asyncio.gather(*[_listen(one, headers, ended) for one in others])
    return _Heard(max(h.trusted for h in heard), max(h.refused for h in heard))


async def _listen(
    client: httpx2.AsyncClient, headers: dict[str, str], ended: float
) -> _Heard:
    """Ask until the session has been refused a few times in a row."""
    trusted, refused, refusals = 0.0, 0.0, 0
    while refusals < STILL and time.monotonic() < ended + PATIENCE_SECONDS:
        asked = time.monotonic() - ended
        if await _status(client, headers) == 401:
            refusals += 1
            refused = refused or time.monotonic() - ended
        else:
            trusted, refused, refusals = asked, 0.0, 0
    return _Heard(trusted, refused)


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
