"""Accounts that their owners delete, with a time in which that can be undone."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx2
import pytest

from app.core.config import Settings
from app.repositories import UserRepository
from app.services.container import Services
from tests.conftest import MakeSettings
from tests.support.clock import FakeClock
from tests.support.mailbox import Mail, kinds_of_mail, last_mail, number_of_mails, prove
from tests.support.people import API, PASSWORD, Person, register, sign_in
from tests.support.problems import only_good, problem, reason

ME, USERS = f"{API}/users/me", f"{API}/users"
LOGIN, UNDO = f"{API}/auth/login", f"{API}/auth/deletion/undo"
DAYS = 10


@pytest.fixture
def settings(make: MakeSettings) -> Settings:
    """Ten days to think, and every way to sign in."""
    return make(deletion_days=DAYS, mail_sign_in=True, rate_limits=False)


async def leave(client: httpx2.AsyncClient, person: Person) -> httpx2.Response:
    """Delete somebody's own account."""
    body = {"password": person.password}
    return await client.request("DELETE", ME, json=body, headers=person.headers)


async def left(client: httpx2.AsyncClient, services: Services, person: Person) -> Mail:
    """Delete somebody's own account, whose address is proven; return the mail."""
    async with services.database.writing() as session:
        users = UserRepository(session)
        user = await services.users.find(session, UUID(person.id))
        user.email_verified = True
        users.changed(user)
    assert (await leave(client, person)).status_code == 204
    mail = await last_mail(services, person.email)
    assert mail.kind == "deletion_planned"
    return mail


async def seen(client: httpx2.AsyncClient, admin: Person, who: Person) -> Any:
    """Return an account as an administrator sees it, None if there is none."""
    answer = await client.get(f"{USERS}/{who.id}", headers=admin.headers)
    return answer.json() if answer.status_code == 200 else None


async def log_in(client: httpx2.AsyncClient, password: str) -> httpx2.Response:
    """Try to sign in as Ada."""
    body = {"email": "ada@example.com", "password": password}
    return await client.post(LOGIN, json=body)


class TestUnproven:
    """An account whose address nobody has proven."""

    async def test_is_gone_at_once(
        self, client: httpx2.AsyncClient, services: Services, ada: Person
    ) -> None:
        """Nobody is told: whoever reads the address may never have heard of it, and
        can have an account of their own."""
        assert (await leave(client, ada)).status_code == 204
        assert await kinds_of_mail(services, ada.email) == []
        body = {"email": ada.email, "password": PASSWORD}
        again = await client.post(f"{API}/auth/register", json=body)
        assert again.status_code == 201


class TestMeanwhile:
    """An account that is to be deleted."""

    async def test_is_signed_out(
        self, client: httpx2.AsyncClient, services: Services, ada: Person
    ) -> None:
        """Everybody is signed out, and told why."""
        elsewhere = await sign_in(client, ada)
        await left(client, services, ada)
        for session in (ada, elsewhere):
            refused = await client.get(ME, headers=session.headers)
            assert reason(refused) == "user_deleted"
            body = {"refresh_token": session.refresh_token}
            refused = await client.post(f"{API}/auth/refresh", json=body)
            assert reason(refused) == "user_deleted"

    async def test_is_not_signed_in_to(
        self, client: httpx2.AsyncClient, services: Services, ada: Person
    ) -> None:
        """Only the right password is told of it; a mail opens nothing."""
        await left(client, services, ada)
        problem(await log_in(client, PASSWORD), 403, "account_deleted")
        problem(await log_in(client, "a wrong one"), 401, "invalid_credentials")
        for path in ("magic", "password/forgot", "email/resend"):
            await client.post(f"{API}/auth/{path}", json={"email": ada.email})
            assert (await last_mail(services, ada.email)).opens_nothing

    async def test_mail_from_before(
        self, client: httpx2.AsyncClient, services: Services, ada: Person
    ) -> None:
        """What was sent before opens nothing either."""
        await client.post(f"{API}/auth/magic", json={"email": ada.email})
        before = await last_mail(services, ada.email)
        await left(client, services, ada)
        refused = await client.post(f"{API}/auth/magic/verify", json=before.by_code)
        problem(refused, 410, "challenge_cancelled")

    async def test_keeps_its_address(
        self, client: httpx2.AsyncClient, services: Services, ada: Person
    ) -> None:
        """Nobody else gets the address yet."""
        await left(client, services, ada)
        body = {"email": ada.email, "password": PASSWORD}
        refused = await client.post(f"{API}/auth/register", json=body)
        problem(refused, 409, "email_taken")

    async def test_is_seen_by_administrators(
        self, client: httpx2.AsyncClient, services: Services, ada: Person, admin: Person
    ) -> None:
        """They see that it is deleted, and when it will be gone."""
        mail = await left(client, services, ada)
        account = await seen(client, admin, ada)
        assert account["status"] == "deleted"
        assert account["delete_at"] == "2026-06-11T12:00:00Z"
        assert "June 11, 2026, 12:00 UTC" in " ".join(mail.text.split())
        listed = await client.get(
            USERS, params={"status": "deleted"}, headers=admin.headers
        )
        assert [one["id"] for one in listed.json()["items"]] == [ada.id]

    async def test_wrong_password(
        self, client: httpx2.AsyncClient, services: Services, ada: Person
    ) -> None:
        """Without the right password nothing is planned, and nobody is told."""
        before = await number_of_mails(services)
        body = {"password": "a wrong one"}
        refused = await client.request("DELETE", ME, json=body, headers=ada.headers)
        problem(refused, 403, "wrong_password")
        assert await number_of_mails(services) == before
        assert (await client.get(ME, headers=ada.headers)).status_code == 200

    async def test_last_admin(self, client: httpx2.AsyncClient, admin: Person) -> None:
        """The last one stays, whatever the period."""
        problem(await leave(client, admin), 409, "last_admin")


class TestUndo:
    """POST /auth/deletion/undo."""

    async def test_brings_it_back(
        self, client: httpx2.AsyncClient, services: Services, ada: Person, admin: Person
    ) -> None:
        """The account is as it was, but signed out; the link works once."""
        before = await seen(client, admin, ada)
        mail = await left(client, services, ada)
        assert (await client.post(UNDO, json=mail.by_link)).status_code == 204
        after = await seen(client, admin, ada)
        proven = {"email_verified": True, "updated_at": None}
        assert after | proven == before | proven
        assert (await client.get(ME, headers=ada.headers)).status_code == 401
        await sign_in(client, ada)
        problem(await client.post(UNDO, json=mail.by_link), 410, "challenge_used")

    async def test_to_the_end(
        self,
        client: httpx2.AsyncClient,
        services: Services,
        ada: Person,
        clock: FakeClock,
    ) -> None:
        """The link lives as long as the account does, and no longer; a link that was
        sent long ago is not forgotten before."""
        mail = await left(client, services, ada)
        clock.tick(days=DAYS, microseconds=-1)
        await services.mail.outbox.tidy()
        await services.deletion.tidy()
        assert (await client.post(UNDO, json=mail.by_link)).status_code == 204
        mail = await left(client, services, await sign_in(client, ada))
        clock.tick(days=DAYS)
        problem(await client.post(UNDO, json=mail.by_link), 410, "challenge_expired")

    async def test_old_link(
        self, client: httpx2.AsyncClient, services: Services, ada: Person, admin: Person
    ) -> None:
        """Once an administrator has brought it back, the link does nothing; it is not
        used up by that."""
        mail = await left(client, services, ada)
        path, on = f"{USERS}/{ada.id}", {"status": "active"}
        kept = await client.patch(path, json=on, headers=admin.headers)
        assert (kept.json()["status"], kept.json()["delete_at"]) == ("active", None)
        problem(await client.post(UNDO, json=mail.by_link), 403, "challenge_failed")
        await sign_in(client, ada)

    async def test_fifty_at_once(
        self, client: httpx2.AsyncClient, services: Services, ada: Person
    ) -> None:
        """One of them does it."""
        mail = await left(client, services, ada)
        answers = await asyncio.gather(
            *(client.post(UNDO, json=mail.by_link) for _ in range(50))
        )
        only_good(answers, 204)


class TestEnd:
    """Deletion.tidy."""

    async def test_deletes_what_is_due(
        self,
        client: httpx2.AsyncClient,
        services: Services,
        ada: Person,
        bob: Person,
        admin: Person,
        clock: FakeClock,
    ) -> None:
        """Whose time is over is gone with all that belongs to it, and nobody else."""
        await left(client, services, ada)
        clock.tick(days=1)
        await left(client, services, await sign_in(client, bob))
        clock.tick(days=DAYS - 1)
        # Two processes may do it at the same moment.
        await asyncio.gather(services.deletion.tidy(), services.deletion.tidy())
        admin = await sign_in(client, admin)
        assert await seen(client, admin, ada) is None
        assert (await seen(client, admin, bob))["status"] == "deleted"
        outbox = await client.get(f"{API}/outbox", headers=admin.headers)
        assert {one["recipient"] for one in outbox.json()["items"]} == {bob.email}
        again = await register(client, ada.email)
        assert again.id != ada.id

    async def test_undone_before(
        self,
        client: httpx2.AsyncClient,
        services: Services,
        ada: Person,
        clock: FakeClock,
    ) -> None:
        """What was undone just before stays."""
        mail = await left(client, services, ada)
        clock.tick(days=DAYS, microseconds=-1)
        await client.post(UNDO, json=mail.by_link)
        clock.tick(days=DAYS)
        await services.deletion.tidy()
        await sign_in(client, ada)

    async def test_planned_anew(
        self,
        client: httpx2.AsyncClient,
        services: Services,
        ada: Person,
        admin: Person,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """What is not due any more, once it is locked, stays until it is."""

        async def due(*_: object) -> list[UUID]:
            return [UUID(ada.id)]

        await left(client, services, ada)
        monkeypatch.setattr(UserRepository, "due_for_deletion", due)
        await services.deletion.tidy()
        assert (await seen(client, admin, ada))["status"] == "deleted"

    async def test_by_an_administrator(
        self, client: httpx2.AsyncClient, services: Services, ada: Person, admin: Person
    ) -> None:
        """An administrator does not wait."""
        mail = await left(client, services, ada)
        path = f"{USERS}/{ada.id}"
        gone = await client.delete(path, headers=admin.headers)
        assert gone.status_code == 204
        problem(await client.post(UNDO, json=mail.by_link), 403, "challenge_failed")

    async def test_not_while_it_can_be_taken_back(
        self,
        client: httpx2.AsyncClient,
        services: Services,
        ada: Person,
        admin: Person,
        clock: FakeClock,
    ) -> None:
        """Who has moved an account to their own address can't delete it before the old
        address could have undone that."""
        await prove(services, ada)
        clock.tick(days=DAYS)
        ada = await sign_in(client, ada)
        body = {"email": "new@example.com", "current_password": PASSWORD}
        await client.post(f"{ME}/email", json=body, headers=ada.headers)
        proof = (await last_mail(services, "new@example.com")).by_code
        await client.post(f"{API}/auth/email/change", json=proof)
        undo = (await last_mail(services, ada.email)).by_link
        thief = Person("new@example.com", tokens=ada.tokens)
        assert (await leave(client, thief)).status_code == 204
        account = await seen(client, await sign_in(client, admin), ada)
        assert account["delete_at"] == (
            services.clock() + timedelta(days=max(services.settings.deletion_days, 7))
        ).isoformat().replace("+00:00", "Z")
        clock.tick(days=7, microseconds=-1)
        await services.deletion.tidy()
        answer = await client.post(f"{API}/auth/email/undo", json=undo)
        assert answer.status_code == 204
        account = await seen(client, await sign_in(client, admin), ada)
        assert (account["status"], account["delete_at"]) == ("active", None)
        assert account["email"] == ada.email


class TestLongPeriod:
    """A period longer than what is kept of other mail."""

    @pytest.fixture
    def settings(self, make: MakeSettings) -> Settings:
        """Three months to think."""
        return make(deletion_days=90, rate_limits=False)

    async def test_link_is_kept(
        self,
        client: httpx2.AsyncClient,
        services: Services,
        ada: Person,
        clock: FakeClock,
    ) -> None:
        """The link is not forgotten before the account is."""
        mail = await left(client, services, ada)
        clock.tick(days=89)
        await services.mail.outbox.tidy()
        assert (await client.post(UNDO, json=mail.by_link)).status_code == 204


class TestShortPeriod:
    """A period shorter than the time in which an address can be taken back."""

    @pytest.fixture
    def settings(self, make: MakeSettings) -> Settings:
        """A day to think."""
        return make(deletion_days=1, rate_limits=False)

    test_not_while_it_can_be_taken_back = TestEnd.test_not_while_it_can_be_taken_back
