"""Owners who are kept from taking their account back."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import UUID

import httpx2
import pytest

from app.core.config import Settings
from app.repositories import ChallengeRepository
from app.services.container import Services
from app.services.mailing import LASTING_LIFE
from tests.conftest import MakeSettings
from tests.support.apps import RunningApp
from tests.support.clock import FakeClock
from tests.support.devices import device, sign_in_on
from tests.support.mailbox import Mail, last_mail, prove
from tests.support.moving import move
from tests.support.notices import notice
from tests.support.people import API, PASSWORD, Person

ME = f"{API}/users/me"
FORGOT, RESET = f"{API}/auth/password/forgot", f"{API}/auth/password/reset"
OTHERS, ALL = f"{API}/auth/logout-others", f"{API}/auth/logout-all"
NEW = {"new_password": "nine quiet herons"}
DAYS = 10

Act = Callable[[httpx2.AsyncClient, Person, Person, Mail], Awaitable[httpx2.Response]]


@pytest.fixture
def settings(make: MakeSettings) -> Settings:
    """Ten days to undo a deletion, and several mails in one minute."""
    return make(deletion_days=DAYS, rate_limits=False)


async def sign_others_out(
    client: httpx2.AsyncClient, person: Person
) -> httpx2.Response:
    """Sign all but this session out, as whoever has got into one can at any time."""
    body = {"keep_current": True}
    return await client.post(ALL, json=body, headers=person.headers)


async def delete(client: httpx2.AsyncClient, person: Person) -> None:
    """Delete an account, whose password is known."""
    body = {"password": PASSWORD}
    done = await client.request("DELETE", ME, json=body, headers=person.headers)
    assert done.status_code == 204


async def by_the_owner(
    client: httpx2.AsyncClient, _: Person, __: Person, told: Mail
) -> httpx2.Response:
    """The owner reads the older mail first, and signs the thief out."""
    return await client.post(OTHERS, json=told.by_link)


async def by_an_admin(
    client: httpx2.AsyncClient, ada: Person, admin: Person, _: Mail
) -> httpx2.Response:
    """An administrator signs the thief out."""
    path = f"{API}/users/{ada.id}/logout"
    return await client.post(path, headers=admin.headers)


class TestDeletion:
    """Whoever has the password deletes the account; its owner keeps it."""

    @pytest.mark.parametrize("act", [by_the_owner, by_an_admin])
    async def test_signed_out_first(
        self,
        client: httpx2.AsyncClient,
        services: Services,
        ada: Person,
        admin: Person,
        act: Act,
    ) -> None:
        """Signing the thief out does not end the link that keeps the account."""
        told = await notice(client, services, await prove(services, ada))
        await delete(client, ada)
        planned = await last_mail(services, ada.email)
        assert (await act(client, ada, admin, told)).status_code == 204
        kept = await client.post(f"{API}/auth/deletion/undo", json=planned.by_link)
        assert kept.status_code == 204

    async def test_undo_that_was_sent_late(
        self,
        client: httpx2.AsyncClient,
        services: Services,
        ada: Person,
        clock: FakeClock,
    ) -> None:
        """A changed address can be taken back for as long as its mail says, though that
        was taken only after the deletion was planned."""
        _, told = await move(client, services, await prove(services, ada))
        await delete(client, ada)
        clock.tick(days=DAYS - 1)
        async with services.database.writing() as session:
            await ChallengeRepository(session).begin(
                UUID(told.challenge_id),
                link_expires_at=clock() + LASTING_LIFE,
                code_expires_at=None,
            )
        clock.now += LASTING_LIFE - timedelta(seconds=1)
        await services.deletion.tidy()
        undone = await client.post(f"{API}/auth/email/undo", json=told.by_link)
        assert undone.status_code == 204


class TestStolenSession:
    """Whoever has got into a session signs everybody else out, over and over."""

    @pytest.mark.parametrize("way", ["link", "code"])
    async def test_forgotten_password(
        self, client: httpx2.AsyncClient, services: Services, ada: Person, way: str
    ) -> None:
        """The mail to set a new password goes on working, and ends that session."""
        await client.post(FORGOT, json={"email": ada.email})
        mail = await last_mail(services, ada.email)
        assert (await sign_others_out(client, ada)).status_code == 204
        proof = mail.by_link if way == "link" else mail.by_code
        assert (await client.post(RESET, json=proof | NEW)).status_code == 204
        assert (await sign_others_out(client, ada)).status_code == 401

    async def test_reset_by_an_admin(
        self, client: httpx2.AsyncClient, services: Services, ada: Person, admin: Person
    ) -> None:
        """So does the one that an administrator has sent."""
        path = f"{API}/users/{ada.id}/reset-password"
        assert (await client.post(path, headers=admin.headers)).status_code == 202
        mail = await last_mail(services, ada.email)
        await sign_others_out(client, ada)
        assert (await client.post(RESET, json=mail.by_link | NEW)).status_code == 204

    async def test_after_a_notice(
        self, running: RunningApp, services: Services, ada: Person
    ) -> None:
        """Who is signed out by the link of a notice is not back with the password
        before its owner has set another."""
        told = await notice(running.client, services, await prove(services, ada))
        done = await running.client.post(OTHERS, json=told.by_link)
        assert done.status_code == 204
        mail = await last_mail(services, ada.email)
        thief = device(running)
        body = {"email": ada.email, "password": PASSWORD}
        assert (await thief.post(f"{API}/auth/login", json=body)).status_code == 401
        done = await running.client.post(RESET, json=mail.by_link | NEW)
        assert done.status_code == 204
        await sign_in_on(running.client, Person(ada.email, NEW["new_password"]))
