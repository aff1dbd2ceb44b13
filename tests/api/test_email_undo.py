"""POST /api/v1/auth/email/undo."""

import asyncio

import httpx2
import pytest

from app.core.config import Settings
from app.services.container import Services
from tests.api.test_recovery import NEW, RESET, forgot
from tests.api.test_statements import asked
from tests.conftest import MakeSettings
from tests.support.clock import FakeClock
from tests.support.mailbox import kinds_of_mail, last_mail, prove
from tests.support.moving import NEW_EMAIL, UNDO, move
from tests.support.people import API, PASSWORD, Person, sign_in
from tests.support.problems import only_good, problem, reason
from tests.support.refreshing import refresh
from tests.support.services import nothing_by_itself
from tests.support.statements import statements

LOGIN = f"{API}/auth/login"
ME = f"{API}/users/me"
USERS = f"{API}/users"
THIRD_EMAIL = "third@example.com"


@pytest.fixture
def settings(make: MakeSettings) -> Settings:
    """Several mails in one minute."""
    return make(rate_limits=False)


@pytest.fixture
async def ada(services: Services, ada: Person) -> Person:
    """Somebody whose address is proven, so that it is told of a change."""
    return await prove(services, ada)


async def email_of(client: httpx2.AsyncClient, admin: Person, person: Person) -> str:
    """Return the address that somebody's account has."""
    seen = await client.get(f"{USERS}/{person.id}", headers=admin.headers)
    return str(seen.json()["email"])


class TestUndo:
    """Taking one's account back."""

    async def test_gives_the_address_back(
        self,
        client: httpx2.AsyncClient,
        services: Services,
        ada: Person,
        admin: Person,
        clock: FakeClock,
    ) -> None:
        """The account has its old address again, which is still proven."""
        thief, told = await move(client, services, ada)
        assert await email_of(client, admin, ada) == NEW_EMAIL
        clock.tick(days=1)
        later = await sign_in(client, admin)
        done = await client.post(UNDO, json=told.by_link)
        assert (done.status_code, done.content) == (204, b"")
        seen = await client.get(f"{USERS}/{ada.id}", headers=later.headers)
        assert seen.json() == ada.tokens["user"] | {
            "email_verified": True,
            "updated_at": "2026-06-02T12:00:00Z",
        }

    async def test_signs_everybody_out(
        self, client: httpx2.AsyncClient, services: Services, ada: Person
    ) -> None:
        """Whoever was signed in is signed out, and told why."""
        thief, told = await move(client, services, ada)
        elsewhere = await sign_in(client, thief)
        for one in (ada, elsewhere):
            assert (await client.get(ME, headers=one.headers)).status_code == 200
        await client.post(UNDO, json=told.by_link)
        for one in (ada, elsewhere):
            ended = await client.get(ME, headers=one.headers)
            assert reason(ended) == "email_change_undone"
            ended = await refresh(client, one.refresh_token)
            assert reason(ended) == "email_change_undone"

    @pytest.mark.parametrize("email", [NEW_EMAIL, "ada@example.com"])
    async def test_password_opens_nothing(
        self, client: httpx2.AsyncClient, services: Services, ada: Person, email: str
    ) -> None:
        """Whoever has changed the address knows it, so it signs in nowhere."""
        _, told = await move(client, services, ada)
        await client.post(UNDO, json=told.by_link)
        body = {"email": email, "password": PASSWORD}
        problem(await client.post(LOGIN, json=body), 401, "invalid_credentials")

    async def test_sends_a_mail_to_set_another(
        self, client: httpx2.AsyncClient, services: Services, ada: Person
    ) -> None:
        """The old address is sent the way back in."""
        _, told = await move(client, services, ada)
        await client.post(UNDO, json=told.by_link)
        assert (await kinds_of_mail(services, ada.email))[-1] == "reset_password"
        mail = await last_mail(services, ada.email)
        assert "the old password no longer works" in " ".join(mail.text.split())
        done = await client.post(RESET, json=mail.by_link | NEW)
        assert done.status_code == 204
        again = await sign_in(client, Person(ada.email, NEW["new_password"]))
        assert again.id == ada.id

    async def test_mail_to_the_new_address_opens_nothing(
        self, client: httpx2.AsyncClient, services: Services, ada: Person
    ) -> None:
        """What was sent to the other address is cancelled, and more is in vain."""
        _, told = await move(client, services, ada)
        before = await forgot(client, services, NEW_EMAIL)
        await client.post(UNDO, json=told.by_link)
        refused = await client.post(RESET, json=before.by_link | NEW)
        problem(refused, 410, "challenge_cancelled")
        assert (await forgot(client, services, NEW_EMAIL)).opens_nothing

    async def test_fifty_at_once(
        self, client: httpx2.AsyncClient, services: Services, ada: Person
    ) -> None:
        """Of fifty who come with it at once, one undoes the change, and one mail to set
        a password is sent."""
        _, told = await move(client, services, ada)
        answers = await asyncio.gather(
            *(client.post(UNDO, json=told.by_link) for _ in range(50))
        )
        only_good(answers, 204)
        sent = await kinds_of_mail(services, ada.email)
        assert sent.count("reset_password") == 1

    @pytest.mark.one_process
    async def test_statements(
        self, client: httpx2.AsyncClient, services: Services, ada: Person
    ) -> None:
        """The account is locked before what was sent to it, as everywhere."""
        _, told = await move(client, services, ada)
        await nothing_by_itself(services)
        with statements() as seen:
            await client.post(UNDO, json=told.by_link)
        assert asked(seen)[:4] == [
            *["SELECT challenges", "SELECT users", "SELECT user_roles"],
            "SELECT challenges",
        ]


class TestSeveral:
    """Undoing one of several changes."""

    async def test_earlier_ends_later(
        self,
        client: httpx2.AsyncClient,
        services: Services,
        ada: Person,
        admin: Person,
    ) -> None:
        """Whoever had the account before has it for good: a thief's undo of the second
        change is over."""
        thief, first = await move(client, services, ada)
        _, second = await move(client, services, thief, THIRD_EMAIL)
        await client.post(UNDO, json=first.by_link)
        refused = await client.post(UNDO, json=second.by_link)
        problem(refused, 410, "challenge_cancelled")
        assert await email_of(client, admin, ada) == ada.email

    async def test_later_does_not_end_earlier(
        self,
        client: httpx2.AsyncClient,
        services: Services,
        ada: Person,
        admin: Person,
    ) -> None:
        """A thief who undoes the second change does not stop the undo of the first."""
        thief, first = await move(client, services, ada)
        _, second = await move(client, services, thief, THIRD_EMAIL)
        assert (await client.post(UNDO, json=second.by_link)).status_code == 204
        assert await email_of(client, admin, ada) == NEW_EMAIL
        assert (await client.post(UNDO, json=first.by_link)).status_code == 204
        assert await email_of(client, admin, ada) == ada.email

    async def test_after_a_day(
        self,
        client: httpx2.AsyncClient,
        services: Services,
        ada: Person,
        clock: FakeClock,
    ) -> None:
        """Nor does it when sign-ups that wait have been forgotten."""
        thief, first = await move(client, services, ada)
        _, second = await move(client, services, thief, THIRD_EMAIL)
        clock.tick(days=2)
        await services.mail.outbox.tidy()
        assert (await client.post(UNDO, json=first.by_link)).status_code == 204
        refused = await client.post(UNDO, json=second.by_link)
        problem(refused, 410, "challenge_cancelled")

    async def test_leaves_those_of_others(
        self, client: httpx2.AsyncClient, services: Services, ada: Person, bob: Person
    ) -> None:
        """Another account's undo is another's business."""
        _, adas = await move(client, services, ada)
        await prove(services, bob)
        _, bobs = await move(client, services, bob, THIRD_EMAIL)
        assert (await client.post(UNDO, json=adas.by_link)).status_code == 204
        assert (await client.post(UNDO, json=bobs.by_link)).status_code == 204
