"""POST /api/v1/users/{id}/reset-password."""

import httpx2
import pytest

from app.core.config import Settings
from app.services.container import Services
from tests.conftest import MakeSettings
from tests.support.clock import FakeClock
from tests.support.invited import NOBODY
from tests.support.mailbox import Mail, code_of, last_mail, number_of_mails
from tests.support.people import API, PASSWORD, Person, sign_in
from tests.support.problems import problem, reason
from tests.support.roles import holder_of

RESET = f"{API}/auth/password/reset"
LOGIN = f"{API}/auth/login"
USERS = f"{API}/users"
ME = f"{USERS}/me"
NEW = {"new_password": "nine quiet herons"}


async def start(
    client: httpx2.AsyncClient, by: Person, user_id: str
) -> httpx2.Response:
    """Have somebody be sent a mail to set a new password."""
    path = f"{USERS}/{user_id}/reset-password"
    return await client.post(path, headers=by.headers)


async def started(
    client: httpx2.AsyncClient, services: Services, admin: Person, whose: Person
) -> Mail:
    """Do so, and return the mail."""
    sent = await start(client, admin, whose.id)
    assert (sent.status_code, sent.json()) == (202, {"status": "mail_sent"})
    return await last_mail(services, whose.email)


class TestStart:
    """What is sent, and to whom."""

    async def test_mail_says_who_asks(
        self, client: httpx2.AsyncClient, services: Services, admin: Person, ada: Person
    ) -> None:
        """An administrator, who is not named, nor where they are."""
        mail = await started(client, services, admin, ada)
        assert mail.kind == "reset_by_admin"
        assert "An administrator of Cardea asks you" in mail.text
        assert admin.email not in mail.text and "192.0.2.1" not in mail.text

    async def test_administrator_learns_nothing(
        self, client: httpx2.AsyncClient, services: Services, admin: Person, ada: Person
    ) -> None:
        """No code is sent or works, and the answer names no challenge to try it on."""
        sent = await start(client, admin, ada.id)
        assert "cardea-challenge" not in sent.headers
        mail = await last_mail(services, ada.email)
        code = await code_of(services, mail.challenge_id)
        assert code not in mail.text
        body = {"challenge_id": mail.challenge_id, "code": code} | NEW
        problem(await client.post(RESET, json=body), 403, "challenge_failed")

    async def test_goes_to_the_present_address(
        self, client: httpx2.AsyncClient, services: Services, admin: Person, ada: Person
    ) -> None:
        """It goes to where the account's mail goes now."""
        change = {"email": "new@example.com", "current_password": PASSWORD}
        await client.post(f"{ME}/email", json=change, headers=ada.headers)
        proof = (await last_mail(services, "new@example.com")).by_code
        await client.post(f"{API}/auth/email/change", json=proof)
        mail = await started(
            client, services, admin, Person("new@example.com", id=ada.id)
        )
        assert mail.kind == "reset_by_admin"

    async def test_unknown(
        self, client: httpx2.AsyncClient, services: Services, admin: Person
    ) -> None:
        """There must be such a user."""
        problem(await start(client, admin, NOBODY), 404, "user_not_found")
        assert await number_of_mails(services) == 0

    async def test_without_the_right(
        self, client: httpx2.AsyncClient, services: Services, admin: Person, ada: Person
    ) -> None:
        """Who may only look sends nothing."""
        eve = await holder_of(client, admin, "users:read")
        before = await number_of_mails(services)
        problem(await start(client, eve, ada.id), 403, "permission_denied")
        assert await number_of_mails(services) == before

    async def test_one_a_minute(
        self,
        client: httpx2.AsyncClient,
        services: Services,
        admin: Person,
        ada: Person,
        bob: Person,
    ) -> None:
        """A second mail within a minute is refused, and cancels nothing; another
        user's is sent."""
        mail = await started(client, services, admin, ada)
        before = await number_of_mails(services)
        refused = await start(client, admin, ada.id)
        problem(refused, 429, "too_many_requests")
        assert 0 < int(refused.headers["retry-after"]) <= 60
        assert await number_of_mails(services) == before
        await started(client, services, admin, bob)
        done = await client.post(RESET, json=mail.by_link | NEW)
        assert done.status_code == 204

    async def test_strangers_do_not_use_it_up(
        self, client: httpx2.AsyncClient, services: Services, admin: Person, ada: Person
    ) -> None:
        """What anybody has asked for to the address does not keep this from it."""
        await client.post(f"{API}/auth/password/forgot", json={"email": ada.email})
        mail = await started(client, services, admin, ada)
        assert mail.kind == "reset_by_admin"


class TestReset:
    """What the mail's reader does with it."""

    @pytest.fixture
    def settings(self, make: MakeSettings) -> Settings:
        """Several mails in one minute."""
        return make(rate_limits=False)

    async def test_nothing_before(
        self, client: httpx2.AsyncClient, services: Services, admin: Person, ada: Person
    ) -> None:
        """Until the link is used, the old password works and sessions go on."""
        await started(client, services, admin, ada)
        assert (await client.get(ME, headers=ada.headers)).status_code == 200
        await sign_in(client, ada)

    async def test_sets_the_password(
        self, client: httpx2.AsyncClient, services: Services, admin: Person, ada: Person
    ) -> None:
        """The new one signs in, the old one does not, sessions end, once."""
        mail = await started(client, services, admin, ada)
        assert (await client.post(RESET, json=mail.by_link | NEW)).status_code == 204
        ended = await client.get(ME, headers=ada.headers)
        assert reason(ended) == "password_reset"
        old = {"email": ada.email, "password": PASSWORD}
        problem(await client.post(LOGIN, json=old), 401, "invalid_credentials")
        again = await sign_in(client, Person(ada.email, NEW["new_password"]))
        assert again.tokens["user"]["email_verified"] is True
        used = await client.post(RESET, json=mail.by_link | NEW)
        problem(used, 410, "challenge_used")

    async def test_lives_for_seven_days(
        self,
        client: httpx2.AsyncClient,
        services: Services,
        admin: Person,
        ada: Person,
        clock: FakeClock,
    ) -> None:
        """Its reader has not asked for it, and may not look at mail today."""
        mail = await started(client, services, admin, ada)
        clock.tick(days=7)
        late = await client.post(RESET, json=mail.by_link | NEW)
        problem(late, 410, "challenge_expired")
        clock.tick(microseconds=-1)
        assert (await client.post(RESET, json=mail.by_link | NEW)).status_code == 204

    async def test_new_cancels_old(
        self, client: httpx2.AsyncClient, services: Services, admin: Person, ada: Person
    ) -> None:
        """Only the newest mail works."""
        first = await started(client, services, admin, ada)
        second = await started(client, services, admin, ada)
        refused = await client.post(RESET, json=first.by_link | NEW)
        problem(refused, 410, "challenge_cancelled")
        assert (await client.post(RESET, json=second.by_link | NEW)).status_code == 204

    async def test_disabled(
        self, client: httpx2.AsyncClient, services: Services, admin: Person, ada: Person
    ) -> None:
        """A disabled account is not got back into so, and its mail opens nothing."""
        before = await started(client, services, admin, ada)
        off = {"status": "disabled"}
        await client.patch(f"{USERS}/{ada.id}", json=off, headers=admin.headers)
        refused = await client.post(RESET, json=before.by_link | NEW)
        problem(refused, 410, "challenge_cancelled")
        assert (await started(client, services, admin, ada)).opens_nothing


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

    async def test_is_said(
        self, client: httpx2.AsyncClient, services: Services, admin: Person, ada: Person
    ) -> None:
        """Nothing is written."""
        problem(await start(client, admin, ada.id), 501, "mail_off")
        assert await number_of_mails(services) == 0
