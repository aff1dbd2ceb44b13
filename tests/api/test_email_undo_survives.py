"""POST /api/v1/auth/email/undo, whatever somebody has done to the account since."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

import httpx2
import pytest

from app.core.config import Settings
from app.services.container import Services
from tests.api.test_deletion_period import leave
from tests.api.test_recovery import NEW, RESET, forgot
from tests.conftest import MakeSettings
from tests.support.clock import FakeClock
from tests.support.mailbox import Mail, last_mail, prove
from tests.support.moving import NEW_EMAIL, UNDO, move
from tests.support.notices import change_password
from tests.support.people import API, PASSWORD, Person, sign_in
from tests.support.problems import problem

LOGIN = f"{API}/auth/login"
USERS = f"{API}/users"
KEEP = f"{API}/auth/deletion/undo"
PERIOD = 3
"""Days in which a deletion can be undone: fewer than a change of address can."""


@pytest.fixture
def settings(make: MakeSettings) -> Settings:
    """Several mails in one minute, and time to undo a deletion."""
    return make(rate_limits=False, deletion_days=PERIOD)


@pytest.fixture
async def ada(services: Services, ada: Person) -> Person:
    """Somebody whose address is proven, so that it is told of a change."""
    return await prove(services, ada)


@dataclass
class Thief:
    """Who has moved Ada's account to an address of their own.

    Attributes:
        person: The account as they know it.
    """

    client: httpx2.AsyncClient
    services: Services
    person: Person

    async def change_password(self) -> None:
        """Set another password."""
        await change_password(self.client, self.person, "the thiefs own horse")

    async def reset_password(self) -> None:
        """Set another password by mail."""
        mail = await forgot(self.client, self.services, self.person.email)
        await self.client.post(RESET, json=mail.by_code | NEW)

    async def move_on(self) -> None:
        """Move to a third address."""
        self.person, _ = await move(
            self.client, self.services, self.person, "third@example.com"
        )

    async def move_on_and_reset(self) -> None:
        """Move to a third and a fourth address, and set another password there."""
        await self.move_on()
        self.person, _ = await move(
            self.client, self.services, self.person, "fourth@example.com"
        )
        await self.reset_password()

    async def spell_otherwise(self) -> None:
        """Have the address spelt in capitals."""
        spelt = self.person.email.upper()
        mail = await self._ask(spelt)
        await self.client.post(f"{API}/auth/email/change", json=mail.by_code)
        self.person = replace(self.person, email=spelt)

    async def sign_out_others(self) -> None:
        """Follow the link of a notice to the new address."""
        await self.change_password()
        told = await last_mail(self.services, self.person.email)
        path = f"{API}/auth/logout-others"
        done = await self.client.post(path, json=told.by_link)
        assert done.status_code == 204

    async def delete(self) -> None:
        """Delete the account."""
        done = await leave(self.client, self.person)
        assert done.status_code == 204

    async def delete_after_moving_on(self) -> None:
        """Move on first."""
        await self.move_on()
        await self.delete()

    async def _ask(self, email: str) -> Mail:
        body = {"email": email, "current_password": self.person.password}
        path, headers = f"{USERS}/me/email", self.person.headers
        await self.client.post(path, json=body, headers=headers)
        return await last_mail(self.services, email)


ACTS: dict[str, Callable[[Thief], Awaitable[None]]] = {
    "password change": Thief.change_password,
    "password reset": Thief.reset_password,
    "another change": Thief.move_on,
    "two others and a reset": Thief.move_on_and_reset,
    "another spelling": Thief.spell_otherwise,
    "sign-out of others": Thief.sign_out_others,
    "deletion": Thief.delete,
    "another change and deletion": Thief.delete_after_moving_on,
}


class TestThief:
    """Nothing that who has the account can do ends the undo."""

    @pytest.mark.parametrize("act", ACTS.values(), ids=ACTS)
    async def test_survives(
        self,
        client: httpx2.AsyncClient,
        services: Services,
        ada: Person,
        clock: FakeClock,
        act: Callable[[Thief], Awaitable[None]],
    ) -> None:
        """The owner has the account back on the seventh day, and nobody else."""
        person, told = await move(client, services, ada)
        thief = Thief(client, services, person)
        await act(thief)
        clock.tick(days=7, microseconds=-1)
        await services.deletion.tidy()
        await services.mail.outbox.tidy()
        assert (await client.post(UNDO, json=told.by_link)).status_code == 204
        mail = await last_mail(services, ada.email)
        await client.post(RESET, json=mail.by_link | {"new_password": "a fifth horse"})
        again = await sign_in(client, Person(ada.email, "a fifth horse"))
        assert again.id == ada.id
        for email in (NEW_EMAIL, thief.person.email):
            for password in (PASSWORD, NEW["new_password"], "the thiefs own horse"):
                body = {"email": email, "password": password}
                refused = await client.post(LOGIN, json=body)
                problem(refused, 401, "invalid_credentials")


class TestDeletion:
    """An account whose thief has deleted it."""

    async def test_thiefs_link_opens_nothing(
        self, client: httpx2.AsyncClient, services: Services, ada: Person
    ) -> None:
        """The mail about the deletion went to the thief, and is over."""
        person, told = await move(client, services, ada)
        await Thief(client, services, person).delete()
        planned = await last_mail(services, NEW_EMAIL)
        assert planned.kind == "deletion_planned"
        await client.post(UNDO, json=told.by_link)
        refused = await client.post(KEEP, json=planned.by_link)
        problem(refused, 410, "challenge_cancelled")

    async def test_undo_that_is_over(
        self,
        client: httpx2.AsyncClient,
        services: Services,
        ada: Person,
        clock: FakeClock,
    ) -> None:
        """A change that can't be undone any more does not keep an account longer."""
        person, _ = await move(client, services, ada)
        clock.tick(days=7)
        thief = await sign_in(client, person)
        await Thief(client, services, thief).delete()
        clock.tick(days=PERIOD)
        await services.deletion.tidy()
        body = {"email": NEW_EMAIL, "password": PASSWORD}
        problem(await client.post(LOGIN, json=body), 401, "invalid_credentials")
