"""POST /api/v1/users/me/email, where it is refused or too much."""

import httpx2
import pytest

from app.core.config import Settings
from app.services.container import Services
from tests.conftest import MakeSettings
from tests.support.apps import RunningApp
from tests.support.mailbox import code_of, number_of_mails
from tests.support.moving import ASK, CHANGE, NEW_EMAIL, as_owner, ask, ask_by_mail
from tests.support.notices import change_password
from tests.support.people import PASSWORD, Person, sign_in
from tests.support.problems import fields, problem
from tests.support.services import interrupted

WRONG = {"email": NEW_EMAIL, "current_password": "wrong horse battery"}


class TestRefused:
    """Who may not ask."""

    async def test_wrong_password(
        self, client: httpx2.AsyncClient, services: Services, ada: Person
    ) -> None:
        """Who found a device signed in takes no account with it; nobody gets mail."""
        before = await number_of_mails(services)
        refused = await client.post(ASK, json=WRONG, headers=ada.headers)
        problem(refused, 403, "wrong_password")
        assert await number_of_mails(services) == before

    async def test_nobody(self, client: httpx2.AsyncClient) -> None:
        """Only who is signed in can ask."""
        problem(await client.post(ASK, json=WRONG), 401, "not_authenticated")

    @pytest.mark.parametrize(
        ("change", "field"),
        [
            ({"email": "no address"}, "body.email"),
            ({"email": "a@b.de, c@d.de"}, "body.email"),
            ({"current_password": None}, "body.current_password"),
            ({"token": "x"}, "body.token"),
        ],
        ids=["no address", "two", "no password", "more"],
    )
    async def test_field(
        self,
        client: httpx2.AsyncClient,
        ada: Person,
        change: dict[str, object],
        field: str,
    ) -> None:
        """The body is an address and the password."""
        refused = await client.post(ASK, json=WRONG | change, headers=ada.headers)
        assert fields(refused) == [field]

    async def test_password_changed_meanwhile(
        self, running: RunningApp, client: httpx2.AsyncClient, ada: Person
    ) -> None:
        """A password that is replaced while it is checked sends no mail."""
        passwords = interrupted(running)
        passwords.after_verify = lambda: change_password(
            client, ada, "another horse battery"
        )
        before = await number_of_mails(running.services)
        problem(await ask(client, ada), 403, "wrong_password")
        assert await number_of_mails(running.services) == before


class TestLimits:
    """How often somebody may ask, and try."""

    async def test_one_a_minute(
        self, client: httpx2.AsyncClient, services: Services, ada: Person, bob: Person
    ) -> None:
        """Nobody is sent a second mail within a minute, whoever asks; nor is that said,
        and what the first one opens stays."""
        first = await ask_by_mail(client, services, ada)
        before = await number_of_mails(services)
        for person in (ada, bob):
            answer = await ask(client, person)
            assert answer.status_code == 202
            assert answer.content == b'{"status":"mail_sent"}'
            assert answer.headers["cardea-challenge"] != first.challenge_id
        assert await number_of_mails(services) == before
        assert (await client.post(CHANGE, json=first.by_code)).status_code == 200

    async def test_code_that_nobody_was_sent(
        self, client: httpx2.AsyncClient, services: Services, ada: Person
    ) -> None:
        """Asking in vain buys no guesses: even the right code opens nothing."""
        await ask_by_mail(client, services, ada)
        in_vain = (await ask(client, ada)).headers["cardea-challenge"]
        code = await code_of(services, in_vain)
        guess = {"challenge_id": in_vain, "code": code}
        for _ in range(5):
            problem(await client.post(CHANGE, json=guess), 403, "challenge_failed")
        problem(await client.post(CHANGE, json=guess), 410, "code_exhausted")

    async def test_network_must_wait(
        self, client: httpx2.AsyncClient, ada: Person
    ) -> None:
        """Who asks for many addresses is told to wait."""
        for number in range(29):  # And the mail of the sign-up.
            answer = await ask(client, ada, f"user{number}@example.com")
            assert answer.status_code == 202
        refused = await ask(client, ada)
        problem(refused, 429, "too_many_requests")
        assert int(refused.headers["retry-after"]) > 0

    async def test_guesses_at_the_password(
        self, client: httpx2.AsyncClient, services: Services, ada: Person
    ) -> None:
        """After ten wrong passwords even the right one waits, and no mail is sent."""
        before = await number_of_mails(services)
        for _ in range(10):
            refused = await client.post(ASK, json=WRONG, headers=ada.headers)
            problem(refused, 403, "wrong_password")
        problem(await ask(client, ada), 429, "too_many_requests")
        assert await number_of_mails(services) == before

    async def test_guesses_with_the_link(
        self, client: httpx2.AsyncClient, services: Services, ada: Person
    ) -> None:
        """So does who has the link of the new address; the code needs none."""
        mail = await ask_by_mail(client, services, ada)
        for _ in range(10):
            wrong = as_owner(mail.by_link, "wrong horse battery")
            refused = await client.post(CHANGE, json=wrong)
            problem(refused, 403, "account_password_needed")
        waits = await client.post(CHANGE, json=as_owner(mail.by_link))
        problem(waits, 429, "too_many_requests")
        assert 0 < int(waits.headers["retry-after"]) <= 300
        assert (await client.post(CHANGE, json=mail.by_code)).status_code == 200


class TestMailOff:
    """Production without SMTP_URL."""

    @pytest.fixture
    def settings(self, make: MakeSettings) -> Settings:
        """No mail is sent."""
        return make(
            environment="production",
            public_url="https://localhost:8000",
            bcrypt_rounds=10,
        )

    @pytest.mark.parametrize("password", [PASSWORD, "wrong horse battery"])
    async def test_is_said(
        self,
        client: httpx2.AsyncClient,
        services: Services,
        ada: Person,
        password: str,
    ) -> None:
        """No address can be proven, so none is changed, whatever the password."""
        body = {"email": NEW_EMAIL, "current_password": password}
        refused = await client.post(ASK, json=body, headers=ada.headers)
        problem(refused, 501, "mail_off")
        assert await number_of_mails(services) == 0
        await sign_in(client, ada)
