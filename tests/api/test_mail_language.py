"""The language of mail."""

import httpx2
import pytest

from app.core.config import Settings
from app.services.container import Services
from tests.conftest import MakeSettings
from tests.support.apps import RunningApp
from tests.support.devices import device, sign_in_on
from tests.support.invited import ACCEPT, CHOSEN, GUEST, USERS, invitation
from tests.support.languages import ENGLISH, choose
from tests.support.mailbox import last_mail, prove
from tests.support.people import API, PASSWORD, Person

FORGOT = f"{API}/auth/password/forgot"
ME = f"{API}/users/me"
ASK = {"email": "ada@example.com"}

RESET = {
    "de": "Neues Passwort für Cardea festlegen",
    "en": "Set a new password for Cardea",
}
INVITATION = {"de": "Sie sind zu Cardea eingeladen", "en": "You are invited to Cardea"}


class TestMail:
    """The language of mail."""

    @pytest.fixture
    def settings(self, make: MakeSettings) -> Settings:
        """Several mails in one minute."""
        return make(rate_limits=False)

    @pytest.mark.parametrize(
        ("locale", "asker", "written"),
        [
            ("de", "en", "de"),
            ("en", "de", "en"),
            ("de-AT", "en", "de"),
            ("DE", "en", "de"),
            ("fr", "de", "de"),
            ("fr", "en", "en"),
            ("fr", "fr", "en"),
            (None, "de", "de"),
            (None, "en", "en"),
        ],
    )
    async def test_follows_the_account(
        self,
        client: httpx2.AsyncClient,
        services: Services,
        ada: Person,
        locale: str | None,
        asker: str,
        written: str,
    ) -> None:
        """It is the account's if we have that, else that of the browser that asks."""
        await choose(client, ada, locale)
        await client.post(FORGOT, json=ASK, headers={"Accept-Language": asker})
        assert (await last_mail(services, ada.email)).subject == RESET[written]

    async def test_notice(
        self, running: RunningApp, services: Services, ada: Person
    ) -> None:
        """A stranger's browser does not say in which language its owner is told."""
        await choose(running.client, await prove(services, ada), "de")
        stranger = device(running)
        stranger.headers.update(ENGLISH)
        await sign_in_on(stranger, ada)
        mail = await last_mail(services, ada.email)
        assert mail.kind == "new_device"
        assert "Konto" in mail.text

    async def test_taken_address(
        self, client: httpx2.AsyncClient, services: Services, ada: Person, bob: Person
    ) -> None:
        """Who has the address already is told so in their own language."""
        await choose(client, bob, "de")
        body = {"email": bob.email, "current_password": PASSWORD}
        headers = ada.headers | ENGLISH
        await client.post(f"{ME}/email", json=body, headers=headers)
        assert "Konto" in (await last_mail(services, bob.email)).text

    async def test_change_of_address(
        self, client: httpx2.AsyncClient, services: Services, ada: Person
    ) -> None:
        """Both addresses, which are no account's or no longer, get mail in it."""
        await choose(client, await prove(services, ada), "de")
        body = {"email": "new@example.com", "current_password": PASSWORD}
        headers = ada.headers | ENGLISH
        await client.post(f"{ME}/email", json=body, headers=headers)
        mail = await last_mail(services, "new@example.com")
        assert "bestätigen Sie" in mail.text
        change = f"{API}/auth/email/change"
        await client.post(change, json=mail.by_code, headers=ENGLISH)
        mail = await last_mail(services, ada.email)
        assert mail.kind == "email_changed"
        assert "Konto" in mail.text


class TestAdministrators:
    """Accounts that administrators make."""

    @pytest.mark.parametrize(
        ("locale", "inviter", "written"),
        [
            ("de", "en", "de"),
            ("en", "de", "en"),
            (None, "de", "de"),
            ("fr", "de", "de"),
        ],
    )
    async def test_invitation(
        self,
        client: httpx2.AsyncClient,
        services: Services,
        admin: Person,
        locale: str | None,
        inviter: str,
        written: str,
    ) -> None:
        """The guest is written to in the language given, else in the inviter's; what
        was given stays with the account."""
        client.headers["Accept-Language"] = inviter
        mail = await invitation(client, services, admin, locale=locale)
        assert mail.subject == INVITATION[written]
        accepted = await client.post(ACCEPT, json=mail.by_link | CHOSEN)
        assert accepted.json()["locale"] == locale

    async def test_with_a_password(
        self, client: httpx2.AsyncClient, services: Services, admin: Person
    ) -> None:
        """So is who gets a password."""
        body = {"email": GUEST, "password": PASSWORD, "locale": "de"}
        made = await client.post(USERS, json=body, headers=admin.headers)
        assert made.json()["locale"] == "de"
        await client.post(FORGOT, json={"email": GUEST}, headers=ENGLISH)
        assert (await last_mail(services, GUEST)).subject == RESET["de"]
