"""Proofs, while others do the same or the opposite."""

import asyncio
from uuid import UUID

import httpx2
import pytest

from app.core.config import Settings
from app.core.exceptions import EmailTakenError
from app.database import Database
from app.models import Challenge, User
from app.repositories import ChallengeRepository, UserRepository
from app.services.container import Services
from tests.conftest import MakeSettings
from tests.support.apps import RunningApp
from tests.support.mailbox import code_of, last_mail, number_of_mails
from tests.support.people import API, PASSWORD, Person
from tests.support.problems import problem
from tests.support.services import rebuild
from tests.support.stored import number_of_users

REGISTER = f"{API}/auth/register"
FORGOT = f"{API}/auth/password/forgot"
VERIFY = f"{API}/auth/email/verify"
ADA = {"email": "ada@example.com", "password": PASSWORD}


class TestRivals:
    """What happens between two statements."""

    async def test_forgotten_meanwhile(
        self,
        client: httpx2.AsyncClient,
        services: Services,
        ada: Person,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """A challenge that is deleted before it is locked passes nobody."""

        async def gone(_: ChallengeRepository, __: UUID) -> None:
            return None

        mail = await last_mail(services, ada.email)
        monkeypatch.setattr(ChallengeRepository, "lock", gone)
        refused = await client.post(VERIFY, json=mail.by_link)
        problem(refused, 403, "challenge_failed")

    async def test_used_meanwhile(
        self,
        client: httpx2.AsyncClient,
        services: Services,
        ada: Person,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """Who finds it used up at the write has not passed, whatever was read."""

        async def too_late(_: ChallengeRepository, __: Challenge, ___: object) -> bool:
            return False

        mail = await last_mail(services, ada.email)
        monkeypatch.setattr(ChallengeRepository, "use_up", too_late)
        refused = await client.post(VERIFY, json=mail.by_link)
        problem(refused, 410, "challenge_used")
        me = await client.get(f"{API}/users/me", headers=ada.headers)
        assert me.json()["email_verified"] is False

    async def test_sign_up_after_a_mail(
        self, client: httpx2.AsyncClient, services: Services
    ) -> None:
        """An address that has just had a mail gets an account, and no other mail; the
        answer does not say so."""
        await client.post(FORGOT, json={"email": "ada@example.com"})
        before = await number_of_mails(services)
        made = await client.post(REGISTER, json=ADA)
        assert made.status_code == 201
        assert "cardea-challenge" in made.headers
        assert await number_of_mails(services) == before


class TestGuesses:
    """Wrong codes at once."""

    @pytest.fixture
    def settings(self, make: MakeSettings) -> Settings:
        """Nobody's network has to wait, and addresses without accounts get codes."""
        return make(mail_sign_in=True, rate_limits=False)

    async def test_five_are_looked_at(
        self, client: httpx2.AsyncClient, services: Services
    ) -> None:
        """Of fifty at once five are tries, also where there is no account to lock."""
        await client.post(f"{API}/auth/magic", json={"email": "ada@example.com"})
        mail = await last_mail(services, "ada@example.com")
        path = f"{API}/auth/magic/verify"
        wrong = mail.by_code | {"code": mail.wrong_code}
        answers = await asyncio.gather(
            *(client.post(path, json=wrong) for _ in range(50))
        )
        codes = sorted(answer.json()["code"] for answer in answers)
        assert codes == ["challenge_failed"] * 5 + ["code_exhausted"] * 45
        problem(await client.post(path, json=mail.by_code), 410, "code_exhausted")


class TestSignUpThatWaits:
    """EMAIL_VERIFICATION=required."""

    @pytest.fixture
    def settings(self, make: MakeSettings) -> Settings:
        """An account is made when its address is proven."""
        return make(email_verification="required")

    async def test_made_meanwhile(
        self,
        client: httpx2.AsyncClient,
        services: Services,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """If somebody makes the account at this moment, the proof works later."""

        async def taken(_: UserRepository, __: User) -> None:
            raise EmailTakenError

        await client.post(REGISTER, json=ADA)
        mail = await last_mail(services, "ada@example.com")
        with monkeypatch.context() as patch:
            patch.setattr(UserRepository, "add", taken)
            problem(await client.post(VERIFY, json=mail.by_code), 503, "busy")
        assert (await client.post(VERIFY, json=mail.by_code)).status_code == 200


class TestWaitedForNothing:
    """SIGN_UP=invite, since somebody has signed up."""

    @pytest.fixture
    def settings(self, make: MakeSettings) -> Settings:
        """An account is made when its address is proven."""
        return make(email_verification="required")

    @pytest.mark.parametrize("way", ["by_link", "by_code"])
    async def test_makes_no_account(
        self, running: RunningApp, database: Database, way: str
    ) -> None:
        """Whoever had not proven their address by then is too late."""
        await running.client.post(REGISTER, json=ADA)
        mail = await last_mail(running.services, "ada@example.com")
        now = running.services.settings.model_copy(update={"sign_up": "invite"})
        rebuild(running, settings=now)
        proof = getattr(mail, way) | {"password": PASSWORD}
        refused = await running.client.post(VERIFY, json=proof)
        problem(refused, 403, "challenge_failed")
        assert await number_of_users(database) == 0


class TestClosedMeanwhile:
    """SIGN_UP=invite."""

    @pytest.fixture
    def settings(self, make: MakeSettings) -> Settings:
        """Nobody makes an account alone."""
        return make(sign_up="invite", mail_sign_in=True)

    @pytest.mark.parametrize("path", ["magic", "email/verify"])
    async def test_guessed_code(
        self, client: httpx2.AsyncClient, services: Services, path: str
    ) -> None:
        """Even the right code, which nobody was sent, makes no account."""
        ask = {"magic": "magic", "email/verify": "email/resend"}[path]
        prove = {"magic": "magic/verify"}.get(path, path)
        await client.post(f"{API}/auth/{ask}", json={"email": "ada@example.com"})
        mail = await last_mail(services, "ada@example.com")
        code = await code_of(services, mail.challenge_id)
        guess = {"challenge_id": mail.challenge_id, "code": code}
        refused = await client.post(f"{API}/auth/{prove}", json=guess)
        problem(refused, 403, "challenge_failed")
