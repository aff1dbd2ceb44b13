"""The language of an account."""

from typing import Any

import httpx2
import pytest

from app.core.config import Settings
from app.services.container import Services
from tests.conftest import MakeSettings
from tests.support.invited import GUEST, USERS
from tests.support.languages import ENGLISH, GERMAN, choose
from tests.support.mailbox import last_mail
from tests.support.people import API, PASSWORD, Person, sign_in
from tests.support.problems import fields

REGISTER = f"{API}/auth/register"
ME = f"{API}/users/me"
ADA = {"email": "ada@example.com", "password": PASSWORD}
ASK = {"email": "ada@example.com"}

ACCEPTED = pytest.mark.parametrize(
    ("accepted", "kept"),
    [
        ("de", "de"),
        ("de-AT,de;q=0.9,en;q=0.5", "de"),
        ("fr,en;q=0.3,de;q=0.2", "en"),
        ("en;q=0.5,de", "de"),
        ("fr", None),
        ("*", None),
        ("de;q=0", None),
        ("", None),
    ],
)
BAD = pytest.mark.parametrize(
    "locale",
    ["", "d", "german", "de_AT", "de-", "-de", "de AT", "de\n", "d3", "1234"]
    + ["de-" + "a" * 9, "de" + "-abcd" * 5, "zxx" + "-abcdefgh" * 4, 7, ["de"]],
)


class TestSignUp:
    """The language of a new account."""

    @ACCEPTED
    async def test_is_the_browsers(
        self, client: httpx2.AsyncClient, accepted: str, kept: str | None
    ) -> None:
        """The one of ours that the browser likes best is kept, or none."""
        headers = {"Accept-Language": accepted}
        made = await client.post(REGISTER, json=ADA, headers=headers)
        assert made.json()["locale"] == kept
        ada = await sign_in(client, Person("ada@example.com"))
        assert (await client.get(ME, headers=ada.headers)).json()["locale"] == kept

    async def test_first_mail(
        self, client: httpx2.AsyncClient, services: Services
    ) -> None:
        """The first mail is in it already."""
        await client.post(REGISTER, json=ADA, headers=GERMAN)
        mail = await last_mail(services, "ada@example.com")
        assert "bestätigen Sie" in mail.text


class TestSignUpThatWaits:
    """EMAIL_VERIFICATION=required."""

    @pytest.fixture
    def settings(self, make: MakeSettings) -> Settings:
        """An account is made when its address is proven."""
        return make(email_verification="required", rate_limits=False)

    @ACCEPTED
    async def test_is_of_who_signed_up(
        self,
        client: httpx2.AsyncClient,
        services: Services,
        accepted: str,
        kept: str | None,
    ) -> None:
        """It is the browser's that signed up, not that which opens the link."""
        headers = {"Accept-Language": accepted}
        await client.post(REGISTER, json=ADA, headers=headers)
        proof = (await last_mail(services, "ada@example.com")).by_code
        other = GERMAN if kept == "en" else ENGLISH
        verify = f"{API}/auth/email/verify"
        made = await client.post(verify, json=proof, headers=other)
        assert made.json()["locale"] == kept

    async def test_mail_to_an_account(
        self, client: httpx2.AsyncClient, services: Services
    ) -> None:
        """Who has an account is written to in its language, whoever signs up."""
        await client.post(REGISTER, json=ADA, headers=GERMAN)
        proof = (await last_mail(services, "ada@example.com")).by_code
        await client.post(f"{API}/auth/email/verify", json=proof)
        await client.post(REGISTER, json=ADA, headers=ENGLISH)
        mail = await last_mail(services, "ada@example.com")
        assert mail.opens_nothing
        assert mail.subject == "Sie haben schon ein Konto bei Cardea"

    @pytest.mark.parametrize(
        ("headers", "said"),
        [(GERMAN, "bestätigen Sie"), (ENGLISH, "Please confirm")],
        ids=["de", "en"],
    )
    async def test_mail_of_the_sign_up(
        self,
        client: httpx2.AsyncClient,
        services: Services,
        headers: dict[str, str],
        said: str,
    ) -> None:
        """As there is no account yet, the mail goes by the browser."""
        await client.post(REGISTER, json=ADA, headers=headers)
        assert said in (await last_mail(services, "ada@example.com")).text


class TestSignInByMail:
    """MAIL_SIGN_IN=on."""

    @pytest.fixture
    def settings(self, make: MakeSettings) -> Settings:
        """An address gets an account by signing in."""
        return make(mail_sign_in=True)

    @ACCEPTED
    async def test_new_account(
        self,
        client: httpx2.AsyncClient,
        services: Services,
        accepted: str,
        kept: str | None,
    ) -> None:
        """The account has the language of the browser that signs in."""
        await client.post(f"{API}/auth/magic", json=ASK)
        proof = (await last_mail(services, "ada@example.com")).by_link
        headers = {"Accept-Language": accepted}
        path = f"{API}/auth/magic/verify"
        answer = await client.post(path, json=proof, headers=headers)
        assert answer.json()["user"]["locale"] == kept


class TestChoosing:
    """PATCH /users/me."""

    @pytest.mark.parametrize(
        "locale", ["de", "EN", "de-AT", "zh-Hant-TW", "gsw", "es-419", None]
    )
    async def test_is_kept(
        self,
        client: httpx2.AsyncClient,
        ada: Person,
        admin: Person,
        locale: str | None,
    ) -> None:
        """Any language may be chosen, or none; it is seen wherever the account is."""
        await choose(client, ada, "fr")
        await choose(client, ada, locale)
        me = await client.get(ME, headers=ada.headers)
        seen = await client.get(f"{USERS}/{ada.id}", headers=admin.headers)
        listed = await client.get(USERS, params={"q": "ada"}, headers=admin.headers)
        shown = [me.json(), seen.json(), *listed.json()["items"]]
        assert [one["locale"] for one in shown] == [locale] * 3

    @BAD
    async def test_no_language(
        self, client: httpx2.AsyncClient, ada: Person, locale: Any
    ) -> None:
        """What is no language tag is refused, and changes nothing."""
        await choose(client, ada, "de")
        body = {"locale": locale}
        refused = await client.patch(ME, json=body, headers=ada.headers)
        assert fields(refused) == ["body.locale"]
        assert (await client.get(ME, headers=ada.headers)).json()["locale"] == "de"

    @BAD
    async def test_no_language_of_a_new_account(
        self, client: httpx2.AsyncClient, admin: Person, locale: Any
    ) -> None:
        """What is no language tag is refused."""
        body = {"email": GUEST, "locale": locale}
        refused = await client.post(USERS, json=body, headers=admin.headers)
        assert fields(refused) == ["body.locale"]
