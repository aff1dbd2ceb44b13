"""Representative calls to a running service, and what comes back, and when."""

import asyncio
import time
from collections.abc import Awaitable, Iterable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx2

from tests.support import refreshing
from tests.support.people import API, PASSWORD, Person, register, sign_in
from tests.support.server import ROOT_EMAIL

UNAVAILABLE = "database_unavailable"
RECOVERY_SECONDS = 2
"""How soon all is well again once the trouble is over."""

STEP_SECONDS = 0.05


@dataclass(frozen=True)
class Answer:
    """What came back.

    Attributes:
        code: Of the problem; of an answer that is none, its status.
        seconds: How long it took.
    """

    status: int
    code: str
    seconds: float
    body: Any


@dataclass
class Household:
    """Somebody with a session for each purpose; nobody else uses them.

    Attributes:
        known: Its token has just been checked, and is remembered.
        unknown: Its token has never been seen.
        refreshing: Used to refresh.
        leaving: Used to sign out.
    """

    known: Person
    unknown: Person
    refreshing: Person
    leaving: Person
    newcomer: str

    @classmethod
    async def settle(cls, client: httpx2.AsyncClient) -> "Household":
        """Sign somebody up and in, over and over."""
        person = await register(client, f"{uuid4().hex}@example.com")
        sessions = [await sign_in(client, person) for _ in range(4)]
        newcomer = f"{uuid4().hex}@example.com"
        known, unknown, refreshing, leaving = sessions
        household = cls(known, unknown, refreshing, leaving, newcomer)
        await household.be_known(client)
        return household

    async def be_known(self, client: httpx2.AsyncClient) -> None:
        """Have the service remember the known session."""
        for _ in range(2):
            assert (await me(client, self.known)).status == 200


async def answered(call: Awaitable[httpx2.Response]) -> Answer:
    """Wait for an answer."""
    began = time.monotonic()
    response = await call
    seconds = time.monotonic() - began
    body = response.json() if response.content else None
    code = body.get("code") if isinstance(body, dict) else None
    return Answer(
        response.status_code, code or str(response.status_code), seconds, body
    )


async def me(client: httpx2.AsyncClient, person: Person) -> Answer:
    """Have a token checked."""
    return await answered(client.get(f"{API}/users/me", headers=person.headers))


async def refresh(client: httpx2.AsyncClient, person: Person) -> Answer:
    """Exchange a refresh token."""
    return await answered(refreshing.refresh(client, person.refresh_token))


async def sign_out(client: httpx2.AsyncClient, person: Person) -> Answer:
    """End a session."""
    return await answered(client.post(f"{API}/auth/logout", headers=person.headers))


async def sign_up(client: httpx2.AsyncClient, email: str) -> Answer:
    """Make an account."""
    body = {"email": email, "password": PASSWORD}
    return await answered(client.post(f"{API}/auth/register", json=body))


async def rename(client: httpx2.AsyncClient, person: Person, name: str) -> Answer:
    """Change something of one's own."""
    body = {"display_name": name}
    return await answered(
        client.patch(f"{API}/users/me", json=body, headers=person.headers)
    )


async def log_in(client: httpx2.AsyncClient, person: Person) -> Answer:
    """Sign in once more."""
    body = {"email": person.email, "password": person.password}
    return await answered(client.post(f"{API}/auth/login", json=body))


READS = ("check", "list", "ready")
WRITES = ("first check", "sign in", "refresh", "register", "rename", "sign out")


async def all_calls(
    client: httpx2.AsyncClient, household: Household
) -> dict[str, Answer]:
    """Call everything at the same moment; return each answer by name."""
    known = household.known
    calls: dict[str, Awaitable[Answer]] = {
        "check": me(client, known),
        "list": answered(client.get(f"{API}/users/me/sessions", headers=known.headers)),
        "ready": answered(client.get("/health/ready")),
        "first check": me(client, household.unknown),
        "sign in": log_in(client, known),
        "refresh": refresh(client, household.refreshing),
        "register": sign_up(client, household.newcomer),
        "rename": rename(client, known, "Changed"),
        "sign out": sign_out(client, household.leaving),
        "live": answered(client.get("/health/live")),
        "jwks": answered(client.get("/.well-known/jwks.json")),
    }
    answers = await asyncio.gather(*calls.values())
    return dict(zip(calls, answers))


def slowest(answers: Iterable[Answer]) -> float:
    """Return how long the slowest took."""
    return max(answer.seconds for answer in answers)


async def seconds_until_well(client: httpx2.AsyncClient) -> float:
    """Return how long it takes until one can sign in and the service is ready."""
    began = time.monotonic()
    while (answers := await _health(client)) != [200, 200]:
        assert time.monotonic() - began < RECOVERY_SECONDS, answers
        await asyncio.sleep(STEP_SECONDS)
    return time.monotonic() - began


async def _health(client: httpx2.AsyncClient) -> list[int]:
    signed_in = await log_in(client, Person(ROOT_EMAIL))
    ready = await answered(client.get("/health/ready"))
    return [signed_in.status, ready.status]
