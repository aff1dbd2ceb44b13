"""POST /api/v1/users/me/email and /auth/email/change."""

import asyncio

import httpx2
import pytest

from app.core.config import Settings
from app.services.container import Services
from tests.api.test_recovery import NEW, RESET, WAYS, Way, forgot
from tests.api.test_statements import asked
from tests.conftest import MakeSettings
from tests.hostile.test_enumeration import visible
from tests.support.clock import FakeClock
from tests.support.mailbox import code_of, last_mail, prove
from tests.support.moving import (
    CHANGE,
    NEW_EMAIL,
    as_answered,
    as_owner,
    ask,
    ask_by_mail,
    move,
)
from tests.support.people import API, PASSWORD, Person, sign_in
from tests.support.problems import only_good, problem
from tests.support.refreshing import refresh
from tests.support.services import nothing_by_itself
from tests.support.statements import statements

LOGIN = f"{API}/auth/login"
ME = f"{API}/users/me"
NEW_ACCOUNT = {"email": NEW_EMAIL, "password": PASSWORD}


@pytest.fixture
def settings(make: MakeSettings) -> Settings:
    """Several mails in one minute."""
    return make(rate_limits=False)


class TestAsk:
    """Wanting another address."""

    async def test_changes_nothing(
        self, client: httpx2.AsyncClient, services: Services, ada: Person
    ) -> None:
        """Until the new address is proven, the account has the old one."""
        before = (await client.get(ME, headers=ada.headers)).json()
        await ask_by_mail(client, services, ada)
        assert (await client.get(ME, headers=ada.headers)).json() == before
        refused = await client.post(LOGIN, json=NEW_ACCOUNT)
        problem(refused, 401, "invalid_credentials")
        await sign_in(client, ada)

    async def test_mail(
        self, client: httpx2.AsyncClient, services: Services, ada: Person
    ) -> None:
        """The new address gets a link and a code; the old one is told nothing yet."""
        before = await last_mail(services, ada.email)
        mail = await ask_by_mail(client, services, ada)
        assert mail.kind == "change_email"
        assert mail.subject.startswith("Confirm your new email address")
        assert f"/links/change-email?token={mail.token}" in mail.text
        assert mail.code
        assert await last_mail(services, ada.email) == before

    async def test_mail_to_a_taken_one(
        self, client: httpx2.AsyncClient, services: Services, ada: Person, bob: Person
    ) -> None:
        """An address that another account has is told so, and gets nothing to open."""
        mail = await ask_by_mail(client, services, ada, bob.email)
        assert mail.subject.startswith("This address already has an account")
        assert mail.opens_nothing

    async def test_mail_to_one_taken_since(
        self,
        client: httpx2.AsyncClient,
        services: Services,
        ada: Person,
        admin: Person,
    ) -> None:
        """What counts is who has the address when the mail is sent."""
        await ask_by_mail(client, services, ada)
        await client.post(f"{API}/users", json=NEW_ACCOUNT, headers=admin.headers)
        assert (await last_mail(services, NEW_EMAIL)).opens_nothing


class TestNobodyLearns:
    """Whether somebody has the address that one wants."""

    async def test_from_the_answer(
        self, client: httpx2.AsyncClient, ada: Person, bob: Person
    ) -> None:
        """Free, taken, taken but spelt otherwise, one's own: the same to the byte."""
        emails = ["free@example.com", bob.email, "BOB@Example.com", ada.email]
        answers = [visible(await ask(client, ada, email)) for email in emails]
        assert answers[0][0] == 202
        assert answers == [answers[0]] * 4

    @pytest.mark.one_process
    async def test_from_the_statements(
        self, client: httpx2.AsyncClient, services: Services, ada: Person, bob: Person
    ) -> None:
        """The database is asked the same, and nothing about the new address."""
        await nothing_by_itself(services)
        for _ in range(2):
            await client.get(ME, headers=ada.headers)
        free, taken, own = list[str](), list[str](), list[str]()
        for email, kept in (
            ("free@example.com", free),
            (bob.email, taken),
            (ada.email, own),
        ):
            with statements() as seen:
                await ask(client, ada, email)
            kept += seen
        assert free == taken == own
        assert asked(taken) == [
            *["SELECT users", "SELECT user_roles", "SELECT sessions"],
            *["SELECT sessions", "SELECT users", "SELECT user_roles"],
            "UPDATE challenges",
            "INSERT challenges",
            "INSERT outbox",
        ]


class TestChange:
    """Proving that one reads the new address."""

    @WAYS
    async def test_gives_the_new_address(
        self,
        client: httpx2.AsyncClient,
        services: Services,
        ada: Person,
        clock: FakeClock,
        way: Way,
    ) -> None:
        """The account has the new address, which counts as proven."""
        mail = await ask_by_mail(client, services, ada)
        clock.tick(minutes=1)
        done = await client.post(CHANGE, json=as_owner(way(mail)))
        assert done.status_code == 200
        assert done.json() == ada.tokens["user"] | {
            "email": NEW_EMAIL,
            "email_verified": True,
            "updated_at": as_answered(clock.now),
        }
        me = (await client.get(ME, headers=ada.headers)).json()
        assert done.json().items() <= me.items()

    @WAYS
    async def test_is_what_one_signs_in_with(
        self, client: httpx2.AsyncClient, services: Services, ada: Person, way: Way
    ) -> None:
        """The new address signs in with the password; the old one does not."""
        mail = await ask_by_mail(client, services, ada)
        await client.post(CHANGE, json=as_owner(way(mail)))
        old = {"email": ada.email, "password": PASSWORD}
        problem(await client.post(LOGIN, json=old), 401, "invalid_credentials")
        again = await sign_in(client, Person(NEW_EMAIL))
        assert again.id == ada.id

    async def test_sessions_go_on(
        self, client: httpx2.AsyncClient, services: Services, ada: Person
    ) -> None:
        """Nobody is signed out, neither here nor elsewhere."""
        elsewhere = await sign_in(client, ada)
        mail = await ask_by_mail(client, services, ada)
        await client.post(CHANGE, json=mail.by_code)
        for one in (ada, elsewhere):
            me = await client.get(ME, headers=one.headers)
            assert me.json()["email"] == NEW_EMAIL
            assert (await refresh(client, one.refresh_token)).status_code == 200

    async def test_mail_to_the_old_address_opens_nothing(
        self, client: httpx2.AsyncClient, services: Services, ada: Person
    ) -> None:
        """Links that the old address was sent before are cancelled."""
        before = await forgot(client, services, ada.email)
        mail = await ask_by_mail(client, services, ada)
        await client.post(CHANGE, json=mail.by_code)
        refused = await client.post(RESET, json=before.by_link | NEW)
        problem(refused, 410, "challenge_cancelled")
        await sign_in(client, Person(NEW_EMAIL))

    @WAYS
    async def test_fifty_at_once(
        self, client: httpx2.AsyncClient, services: Services, ada: Person, way: Way
    ) -> None:
        """Of fifty who come with it at once, one changes the address."""
        mail = await ask_by_mail(client, services, ada)
        body = as_owner(way(mail))
        answers = await asyncio.gather(
            *(client.post(CHANGE, json=body) for _ in range(50))
        )
        only_good(answers, 200)
        for again in (mail.by_link, mail.by_code):
            refused = await client.post(CHANGE, json=as_owner(again))
            problem(refused, 410, "challenge_used")

    @pytest.mark.one_process
    async def test_statements(
        self, client: httpx2.AsyncClient, services: Services, ada: Person
    ) -> None:
        """The account is locked before what was sent to it, as everywhere."""
        mail = await ask_by_mail(client, services, await prove(services, ada))
        await nothing_by_itself(services)
        with statements() as seen:
            await client.post(CHANGE, json=mail.by_code)
        assert asked(seen) == [
            *["SELECT challenges", "SELECT users", "SELECT user_roles"],
            *["SELECT challenges", "UPDATE challenges", "UPDATE challenges"],
            *["UPDATE users", "SELECT challenges"],
            *["INSERT challenges", "INSERT outbox"],
        ]


class TestOldAddress:
    """What who had the address is told."""

    async def test_is_told(
        self, client: httpx2.AsyncClient, services: Services, ada: Person
    ) -> None:
        """It gets a link, and no code, as nobody waits to enter one."""
        _, told = await move(client, services, await prove(services, ada))
        assert f"/links/undo-email-change?token={told.token}" in told.text
        assert f"{ada.email} is no longer the email address" in told.text
        code = await code_of(services, told.challenge_id)
        assert code not in told.text

    async def test_is_not_told_the_new_one(
        self, client: httpx2.AsyncClient, services: Services, ada: Person
    ) -> None:
        """A mailbox that its owner has given up need not know where they are now."""
        _, told = await move(client, services, await prove(services, ada))
        assert NEW_EMAIL not in told.text
