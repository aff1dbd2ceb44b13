"""Guessing at the codes in mails: few at each, at very many."""

import json
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from app.core.config import Settings
from app.services.container import Services
from tests.conftest import MakeSettings
from tests.support.apps import RunningApp
from tests.support.hostile import JSON, send
from tests.support.mailbox import last_mail
from tests.support.people import API, PASSWORD, Person
from tests.support.problems import problem

PER_NETWORK = 20
"""Wrong codes in five minutes."""

DOORS: dict[str, dict[str, Any]] = {
    "email/verify": {},
    "email/change": {},
    "magic/verify": {},
    "password/reset": {"new_password": "nine herons by the lake"},
}
VERIFY = f"{API}/auth/email/verify"


@pytest.fixture
def settings(make: MakeSettings) -> Settings:
    """All doors are open."""
    return make(mail_sign_in=True)


def wrong() -> dict[str, str]:
    """Return a code for a challenge that nobody has tried yet."""
    return {"challenge_id": str(uuid4()), "code": "123456"}


@pytest.fixture
async def guessed(client: httpx2.AsyncClient, ada: Person) -> None:
    """Somebody in Ada's network has guessed at every door."""
    for number in range(PER_NETWORK):
        path, besides = list(DOORS.items())[number % len(DOORS)]
        answer = await client.post(f"{API}/auth/{path}", json=wrong() | besides)
        problem(answer, 403, "challenge_failed")


class TestPasswordOfALink:
    """The link of a sign-up takes its password, which can be guessed at and costs a
    hash each time."""

    @pytest.fixture
    def settings(self, make: MakeSettings) -> Settings:
        """An account is made when its address is proven."""
        return make(email_verification="required")

    async def test_ten_times(
        self, client: httpx2.AsyncClient, services: Services
    ) -> None:
        """After ten wrong ones it has to wait; another link does not."""
        mails = []
        for email in ("ada@example.com", "bob@example.com"):
            body = {"email": email, "password": PASSWORD}
            await client.post(f"{API}/auth/register", json=body)
            mails.append(await last_mail(services, email))
        first, other = (mail.by_link | {"password": PASSWORD} for mail in mails)
        for _ in range(10):
            answer = await client.post(VERIFY, json=first | {"password": "not it"})
            problem(answer, 403, "sign_up_password_needed")
        problem(await client.post(VERIFY, json=first), 429, "too_many_requests")
        assert (await client.post(VERIFY, json=other)).status_code == 200


@pytest.mark.usefixtures("guessed")
class TestManyAddresses:
    """Each code has five tries, but whoever has mail sent to a million addresses would
    have five million."""

    @pytest.mark.parametrize(("path", "besides"), DOORS.items(), ids=DOORS)
    async def test_doors_share_their_guesses(
        self, client: httpx2.AsyncClient, path: str, besides: dict[str, Any]
    ) -> None:
        """After twenty wrong codes a network has to wait, at every door."""
        answer = await client.post(f"{API}/auth/{path}", json=wrong() | besides)
        problem(answer, 429, "too_many_requests")
        assert 0 < int(answer.headers["retry-after"]) <= 300

    async def test_right_code_waits_too(
        self, client: httpx2.AsyncClient, services: Services, ada: Person
    ) -> None:
        """Or the answer would tell that it was right; it is not used up."""
        mail = await last_mail(services, ada.email)
        answer = await client.post(VERIFY, json=mail.by_code)
        problem(answer, 429, "too_many_requests")
        by_link = mail.by_link | {"password": PASSWORD}
        answer = await client.post(VERIFY, json=by_link)
        assert answer.status_code == 200

    async def test_elsewhere(
        self, running: RunningApp, services: Services, ada: Person
    ) -> None:
        """Nobody in another network has to wait for it."""
        mail = await last_mail(services, ada.email)
        content = json.dumps(mail.by_code).encode()
        answer = await send(
            running.app, "POST", VERIFY, [JSON], [content], peer="198.51.100.7"
        )
        assert answer.status_code == 200
