"""How long an answer takes tells nothing about who has an account."""

import time
from collections.abc import Awaitable, Callable

import httpx2
import pytest

from app.core.config import Settings
from app.services.container import Services
from tests.conftest import MakeSettings
from tests.support.mailbox import verify
from tests.support.people import API, PASSWORD, Person, sign_in

KNOWN = "ada@example.com"
CURIOUS = "mallory@example.com"
"""Who has an account too, and asks."""

PAIRS = 200

Ask = Callable[[httpx2.AsyncClient, str], Awaitable[httpx2.Response]]


async def forgot(client: httpx2.AsyncClient, email: str) -> httpx2.Response:
    """Ask for a new password."""
    return await client.post(f"{API}/auth/password/forgot", json={"email": email})


async def resend(client: httpx2.AsyncClient, email: str) -> httpx2.Response:
    """Ask for the mail that proves an address."""
    return await client.post(f"{API}/auth/email/resend", json={"email": email})


async def magic(client: httpx2.AsyncClient, email: str) -> httpx2.Response:
    """Ask for the mail that signs in."""
    return await client.post(f"{API}/auth/magic", json={"email": email})


async def register(client: httpx2.AsyncClient, email: str) -> httpx2.Response:
    """Sign up."""
    body = {"email": email, "password": PASSWORD}
    return await client.post(f"{API}/auth/register", json=body)


async def change(client: httpx2.AsyncClient, email: str) -> httpx2.Response:
    """Ask for this address for one's own account."""
    body = {"email": email, "current_password": PASSWORD}
    return await client.post(f"{API}/users/me/email", json=body)


def auc(ones: list[float], others: list[float]) -> float:
    """Return how often one of the first is more than one of the second, 0 to 1."""
    more = sum((a > b) + (a == b) / 2 for a in ones for b in others)
    return more / (len(ones) * len(others))


@pytest.fixture
def settings(make: MakeSettings) -> Settings:
    """As many mails as are asked for."""
    return make(email_verification="required", mail_sign_in=True, rate_limits=False)


class TestTiming:
    """Mail to an address of one's choice."""

    @pytest.mark.parametrize("ask", [forgot, resend, magic, register, change])
    async def test_known_takes_as_long_as_unknown(
        self, client: httpx2.AsyncClient, services: Services, ask: Ask
    ) -> None:
        """Of 200 pairs by turns, nobody could tell which is which; nor by the bytes."""
        for email in (KNOWN, CURIOUS):
            await register(client, email)
            assert (await verify(client, services, email)).status_code == 200
        if ask is change:
            client.headers.update((await sign_in(client, Person(CURIOUS))).headers)
        seconds: dict[bool, list[float]] = {True: [], False: []}
        bodies = set()
        for number in range(2 * PAIRS):
            known = (number // 2 + number) % 2 == 0
            email = KNOWN if known else "nobody@example.com"
            began = time.perf_counter()
            answer = await ask(client, email)
            seconds[known].append(time.perf_counter() - began)
            bodies.add((answer.status_code, answer.content))
        assert len(bodies) == 1
        assert 0.4 < auc(seconds[True], seconds[False]) < 0.6
