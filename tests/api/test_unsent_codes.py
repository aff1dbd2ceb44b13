"""Codes of mail that was never sent, as its address has had enough."""

from typing import Any

import httpx2
import pytest

from app.core.config import Settings
from app.services.container import Services
from tests.conftest import MakeSettings
from tests.support.mailbox import code_of, number_of_mails
from tests.support.people import API, PASSWORD, Person
from tests.support.problems import problem

WAYS = {
    "forgot": ("password/forgot", "password/reset", {"new_password": "nine herons by"}),
    "magic": ("magic", "magic/verify", {}),
    "resend": ("email/resend", "email/verify", {}),
}


@pytest.fixture
def settings(make: MakeSettings) -> Settings:
    """Sign-in by mail; who asks twice in a minute gets one mail."""
    return make(mail_sign_in=True)


@pytest.mark.parametrize(("ask", "door", "besides"), WAYS.values(), ids=WAYS)
async def test_opens_nothing(
    client: httpx2.AsyncClient,
    services: Services,
    ada: Person,
    ask: str,
    door: str,
    besides: dict[str, Any],
) -> None:
    """Nobody was sent the code: asking again and again buys no guesses at one, and the
    answers are those of a code that was sent."""
    before = await number_of_mails(services)
    asked = await client.post(f"{API}/auth/{ask}", json={"email": ada.email})
    challenge_id = asked.headers["cardea-challenge"]
    assert await number_of_mails(services) == before
    code = await code_of(services, challenge_id)
    body = {"challenge_id": challenge_id, "code": code, **besides}
    for _ in range(5):
        refused = await client.post(f"{API}/auth/{door}", json=body)
        problem(refused, 403, "challenge_failed")
    refused = await client.post(f"{API}/auth/{door}", json=body)
    problem(refused, 410, "code_exhausted")


async def test_change_of_address(
    client: httpx2.AsyncClient, services: Services, ada: Person
) -> None:
    """The same where an account is to have another address."""
    path = f"{API}/users/me/email"
    body = {"email": "new@example.com", "current_password": PASSWORD}
    for _ in range(2):
        asked = await client.post(path, json=body, headers=ada.headers)
    challenge_id = asked.headers["cardea-challenge"]
    code = await code_of(services, challenge_id)
    proof = {"challenge_id": challenge_id, "code": code}
    refused = await client.post(f"{API}/auth/email/change", json=proof)
    problem(refused, 403, "challenge_failed")
