"""Looks at the service from outside, while it is hurt and afterwards."""

import asyncio
import itertools
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager

import httpx2

from tests.support.people import API, PASSWORD

PROBE_SECONDS = 10
WATCH_SECONDS = 3
SIGN_UPS = 0.2
"""How many of the probes sign somebody up."""

PAUSE_SECONDS = 0.05
WATCH_PAUSE_SECONDS = 0.25

BUSY = frozenset({429, 503})
"""Answers of a service that can't do it now."""

_numbers = itertools.count()
_run = random.SystemRandom().randrange(2**32)
"""Addresses must be new even where a database is not."""

_accounts: list[str] = []
"""Accounts that probes have made; there is one database in a run."""


class NotYetError(Exception):
    """The service did not do what a whole one does."""


async def acknowledges_a_write(url: str) -> None:
    """Sign up, sign in, and look whether the service calls itself ready.

    All sign-ups together are limited, and the load needs them; mostly an older account
    signs in, which is a write as well.

    Raises:
        NotYetError: If one of them did not work.
        httpx2.HTTPError: If there was no answer.
    """
    async with a_client(url) as client:
        if not _accounts or random.random() < SIGN_UPS:
            await _sign_up(client)
        await _sign_in(client, _accounts[-1])
        if not (ready := await client.get("/health/ready")).is_success:
            raise NotYetError(ready.text)


async def breaker_of(url: str, name: str) -> str | None:
    """Return the state of a breaker; None if the server does not say."""
    try:
        async with a_client(url) as client:
            answer = await client.get("/health/ready", timeout=WATCH_SECONDS)
            return str(answer.json()["breakers"][name]["state"])
    except (httpx2.HTTPError, ValueError, KeyError):
        return None


async def ask_for_mail(url: str) -> None:
    """Have this server put a mail into the outbox, to an address of nobody's.

    Raises:
        NotYetError: If it did not.
        httpx2.HTTPError: If there was no answer.
    """
    async with a_client(url) as client:
        body = {"email": f"nobody-{_run:x}-{next(_numbers)}@example.net"}
        answer = await client.post(f"{API}/auth/password/forgot", json=body)
        if not answer.is_success:
            raise NotYetError(answer.text)


async def signed_in(url: str) -> dict[str, str]:
    """Return the tokens of a new session of some account.

    Raises:
        NotYetError: If nobody can sign in.
        httpx2.HTTPError: If there was no answer.
    """
    async with a_client(url) as client:
        answer = await _sign_in(client, random.choice(_accounts))
    tokens: dict[str, str] = answer.json()
    return tokens


def a_client(url: str) -> httpx2.AsyncClient:
    """Return a client at an address of its own."""
    headers = {"X-Forwarded-For": some_address()}
    # To read all the certificates that there are takes longer than most requests.
    return httpx2.AsyncClient(
        base_url=url, timeout=PROBE_SECONDS, headers=headers, verify=False
    )


def some_address() -> str:
    """Return a client's address, so that limits take each for somebody else."""
    return ".".join(str(random.randrange(1, 255)) for _ in range(4))


async def wait_until_all(
    urls: Iterable[str], probe: Callable[[str], Awaitable[None]], seconds: float
) -> float | None:
    """Return when a probe went well with every server, None if one never did."""
    try:
        async with asyncio.timeout(seconds):
            moments = await asyncio.gather(*[_wait_until(url, probe) for url in urls])
    except TimeoutError:
        return None
    return max(moments)


@asynccontextmanager
async def watching(urls: Iterable[str]) -> AsyncIterator[dict[str, int]]:
    """Ask every server again and again whether it is ready; count the answers."""
    seen: Counter[str] = Counter()
    watchers = [asyncio.create_task(_watch(url, seen)) for url in urls]
    try:
        yield seen
    finally:
        for watcher in watchers:
            watcher.cancel()
        await asyncio.gather(*watchers, return_exceptions=True)


async def _sign_up(client: httpx2.AsyncClient) -> None:
    email = f"probe-{_run:x}-{next(_numbers)}@example.net"
    body = {"email": email, "password": PASSWORD}
    answer = await client.post(f"{API}/auth/register", json=body)
    if answer.is_success:
        _accounts.append(email)
    elif answer.status_code != 429 or not _accounts:
        raise NotYetError(answer.text)


async def _sign_in(client: httpx2.AsyncClient, email: str) -> httpx2.Response:
    body = {"email": email, "password": PASSWORD}
    answer = await client.post(f"{API}/auth/login", json=body)
    if not answer.is_success:
        raise NotYetError(answer.text)
    return answer


async def _wait_until(url: str, probe: Callable[[str], Awaitable[None]]) -> float:
    while True:
        try:
            await probe(url)
            return time.monotonic()
        except (httpx2.HTTPError, NotYetError):
            await asyncio.sleep(PAUSE_SECONDS)


async def _watch(url: str, seen: Counter[str]) -> None:
    async with a_client(url) as client:
        while True:
            try:
                answer = await client.get("/health/ready", timeout=WATCH_SECONDS)
                seen[str(answer.status_code)] += 1
            except httpx2.HTTPError as error:
                seen[type(error).__name__] += 1
            await asyncio.sleep(WATCH_PAUSE_SECONDS)
