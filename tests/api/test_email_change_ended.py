"""POST /api/v1/auth/email/change, with what was right once."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import httpx2
import pytest

from app.core.config import Settings
from app.services.container import Services
from tests.api.test_deletion_period import left
from tests.api.test_recovery import RESET, Way, forgot
from tests.conftest import MakeSettings
from tests.support.clock import FakeClock
from tests.support.mailbox import Mail, code_of, prove
from tests.support.moving import (
    CHANGE,
    NEW_EMAIL,
    UNDO,
    as_owner,
    ask_by_mail,
    move,
)
from tests.support.notices import change_password
from tests.support.people import API, PASSWORD, Person
from tests.support.problems import problem

THIRD_EMAIL = "third@example.com"


@pytest.fixture
def settings(make: MakeSettings) -> Settings:
    """Several mails in one minute, and time to undo a deletion."""
    return make(rate_limits=False, deletion_days=7)


@pytest.fixture
async def mail(client: httpx2.AsyncClient, services: Services, ada: Person) -> Mail:
    """What Ada's new address was sent."""
    return await ask_by_mail(client, services, ada)


@dataclass
class Scene:
    """What somebody does with Ada's account, and by what means."""

    client: httpx2.AsyncClient
    services: Services
    ada: Person
    admin: Person

    async def ask_for_another(self) -> None:
        """Ask for a third address."""
        await ask_by_mail(self.client, self.services, self.ada, THIRD_EMAIL)

    async def ask_again(self) -> None:
        """Ask for the same once more; the test has the first mail."""
        await ask_by_mail(self.client, self.services, self.ada)

    async def change_password(self) -> None:
        """Change the password."""
        await change_password(self.client, self.ada)

    async def reset_password(self) -> None:
        """Set the password anew by mail."""
        mail = await forgot(self.client, self.services, self.ada.email)
        await self._post(RESET, mail.by_code | {"new_password": PASSWORD})

    async def delete(self) -> None:
        """Delete the account, and undo that."""
        told = await left(self.client, self.services, self.ada)
        await self._post(f"{API}/auth/deletion/undo", told.by_link)

    async def _post(
        self, path: str, body: object, caller: Person | None = None
    ) -> None:
        headers = caller.headers if caller else {}
        answer = await self.client.post(path, json=body, headers=headers)
        assert answer.is_success, answer.text


ENDS: dict[str, Callable[[Scene], Awaitable[None]]] = {
    "another address": Scene.ask_for_another,
    "the same address": Scene.ask_again,
    "password change": Scene.change_password,
    "password reset": Scene.reset_password,
    "deletion": Scene.delete,
}


class TestEnded:
    """Links and codes that were right once."""

    @pytest.mark.parametrize(
        ("way", "minutes"),
        [(lambda mail: mail.by_link, 15), (lambda mail: mail.by_code, 10)],
        ids=["link", "code"],
    )
    async def test_expired(
        self,
        client: httpx2.AsyncClient,
        mail: Mail,
        clock: FakeClock,
        way: Way,
        minutes: int,
    ) -> None:
        """A link lives for fifteen minutes, a code for ten."""
        clock.tick(minutes=minutes)
        expired = await client.post(CHANGE, json=as_owner(way(mail)))
        problem(expired, 410, "challenge_expired")
        clock.tick(microseconds=-1)
        done = await client.post(CHANGE, json=as_owner(way(mail)))
        assert done.status_code == 200

    @pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
    async def test_cancelled(
        self,
        client: httpx2.AsyncClient,
        services: Services,
        mail: Mail,
        ada: Person,
        admin: Person,
        end: Callable[[Scene], Awaitable[None]],
    ) -> None:
        """What somebody has begun with an account does not outlive these."""
        await end(Scene(client, services, ada, admin))
        for proof in (mail.by_link, mail.by_code):
            refused = await client.post(CHANGE, json=as_owner(proof))
            problem(refused, 410, "challenge_cancelled")

    async def test_cancelled_by_an_undo(
        self, client: httpx2.AsyncClient, services: Services, ada: Person
    ) -> None:
        """Nor does it outlive that the account goes back to an earlier address."""
        thief, told = await move(client, services, await prove(services, ada))
        begun = await ask_by_mail(client, services, thief, THIRD_EMAIL)
        assert (await client.post(UNDO, json=told.by_link)).status_code == 204
        for proof in (begun.by_link, begun.by_code):
            refused = await client.post(CHANGE, json=as_owner(proof))
            problem(refused, 410, "challenge_cancelled")

    async def test_not_by_who_has_the_address(
        self,
        client: httpx2.AsyncClient,
        services: Services,
        ada: Person,
        bob: Person,
        admin: Person,
    ) -> None:
        """What one account does ends nothing that another has asked of its address."""
        begun = await ask_by_mail(client, services, bob, ada.email)
        await change_password(client, ada)
        await client.delete(f"{API}/users/{ada.id}", headers=admin.headers)
        code = await code_of(services, begun.challenge_id)
        proof = {"challenge_id": begun.challenge_id, "code": code}
        done = await client.post(CHANGE, json=proof)
        assert done.json()["email"] == ada.email

    async def test_newer_one_works(
        self, client: httpx2.AsyncClient, services: Services, mail: Mail, ada: Person
    ) -> None:
        """Of two requests the last one counts."""
        newer = await ask_by_mail(client, services, ada, THIRD_EMAIL)
        done = await client.post(CHANGE, json=newer.by_code)
        assert done.json()["email"] == THIRD_EMAIL

    async def test_anothers_goes_on(
        self, client: httpx2.AsyncClient, services: Services, mail: Mail, bob: Person
    ) -> None:
        """Somebody else who wants the same address ends nobody's request."""
        await ask_by_mail(client, services, bob)
        done = await client.post(CHANGE, json=mail.by_code)
        assert done.json()["email"] == NEW_EMAIL
