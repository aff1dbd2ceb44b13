"""POST /api/v1/auth/magic and /magic/verify."""

import asyncio
from collections.abc import Callable

import httpx2
import jwt
import pytest

from app.core.config import Settings
from app.database import Database
from app.services.container import Services
from tests.conftest import MakeSettings
from tests.support.clock import FakeClock
from tests.support.mailbox import Mail, last_mail, verify
from tests.support.outsiders import DISABLE, execute
from tests.support.people import API, PASSWORD, Person, register, sign_in
from tests.support.problems import problem, reason
from tests.support.stored import number_of_users

MAGIC = f"{API}/auth/magic"
PASS = f"{API}/auth/magic/verify"
LOGIN = f"{API}/auth/login"
ME = f"{API}/users/me"

WAYS = pytest.mark.parametrize(
    "way", [lambda mail: mail.by_link, lambda mail: mail.by_code], ids=["link", "code"]
)
Way = Callable[[Mail], dict[str, str]]


@pytest.fixture
def settings(make: MakeSettings) -> Settings:
    """People sign in by mail, several times in one minute."""
    return make(mail_sign_in=True, rate_limits=False)


async def ask(client: httpx2.AsyncClient, services: Services, email: str) -> Mail:
    """Ask for a mail, and return what it says."""
    answer = await client.post(MAGIC, json={"email": email})
    assert (answer.status_code, answer.content) == (202, b'{"status":"mail_sent"}')
    mail = await last_mail(services, email)
    assert answer.headers["cardea-challenge"] == mail.challenge_id
    return mail


def methods_of(tokens: dict[str, str]) -> list[str]:
    """Return how the session of these began, as an access token says."""
    claims = jwt.decode(tokens["access_token"], options={"verify_signature": False})
    return list(claims["amr"])


class TestSignIn:
    """Signing in to an account that there is."""

    @WAYS
    async def test_signs_in(
        self, client: httpx2.AsyncClient, services: Services, ada: Person, way: Way
    ) -> None:
        """The link or the code begins a session."""
        await verify(client, services, ada.email)
        mail = await ask(client, services, ada.email)
        answer = await client.post(PASS, json=way(mail))
        assert answer.status_code == 200
        tokens = answer.json()
        assert tokens["user"]["id"] == ada.id
        headers = {"Authorization": f"Bearer {tokens['access_token']}"}
        me = await client.get(ME, headers=headers)
        assert me.json()["id"] == ada.id
        assert answer.headers["cardea-device"].startswith("cardea_dev_")

    async def test_says_how(
        self, client: httpx2.AsyncClient, services: Services, ada: Person
    ) -> None:
        """Tokens say that no password was shown, after a refresh too (RFC 8176)."""
        mail = await ask(client, services, ada.email)
        tokens = (await client.post(PASS, json=mail.by_code)).json()
        assert methods_of(tokens) == ["otp"]
        body = {"refresh_token": tokens["refresh_token"]}
        later = (await client.post(f"{API}/auth/refresh", json=body)).json()
        assert methods_of(later) == ["otp"]

    async def test_cookies(
        self, client: httpx2.AsyncClient, services: Services, ada: Person
    ) -> None:
        """A browser gets cookies, and no token in the body."""
        mail = await ask(client, services, ada.email)
        body = mail.by_link | {"transport": "cookie"}
        answer = await client.post(PASS, json=body)
        assert "access_token" not in answer.json()
        assert (await client.get(ME)).json()["id"] == ada.id

    @WAYS
    async def test_once_of_fifty(
        self, client: httpx2.AsyncClient, services: Services, ada: Person, way: Way
    ) -> None:
        """Of fifty who come with it at once, one is signed in."""
        mail = await ask(client, services, ada.email)
        answers = await asyncio.gather(
            *(client.post(PASS, json=way(mail)) for _ in range(50))
        )
        assert sorted(one.status_code for one in answers) == [200] + [410] * 49
        for again in (mail.by_link, mail.by_code):
            problem(await client.post(PASS, json=again), 410, "challenge_used")

    async def test_expired(
        self,
        client: httpx2.AsyncClient,
        services: Services,
        ada: Person,
        clock: FakeClock,
    ) -> None:
        """After a quarter of an hour it is too late."""
        mail = await ask(client, services, ada.email)
        clock.tick(minutes=15)
        problem(await client.post(PASS, json=mail.by_link), 410, "challenge_expired")

    async def test_new_cancels_old(
        self, client: httpx2.AsyncClient, services: Services, ada: Person
    ) -> None:
        """Only the newest mail works."""
        first = await ask(client, services, ada.email)
        await ask(client, services, ada.email)
        problem(await client.post(PASS, json=first.by_link), 410, "challenge_cancelled")

    async def test_disabled(
        self,
        client: httpx2.AsyncClient,
        services: Services,
        ada: Person,
        admin: Person,
    ) -> None:
        """A disabled account is not signed in to, and its mail opens nothing."""
        before = await ask(client, services, ada.email)
        await execute(services.settings, DISABLE)
        problem(await client.post(PASS, json=before.by_link), 403, "account_disabled")
        assert (await ask(client, services, ada.email)).opens_nothing

    @pytest.mark.parametrize("whose", ["own", "another's", "forged"])
    async def test_device(
        self,
        client: httpx2.AsyncClient,
        services: Services,
        ada: Person,
        bob: Person,
        whose: str,
    ) -> None:
        """A device keeps its token if that is of this account; else it gets one."""
        await verify(client, services, ada.email)
        who = ada if whose == "own" else bob
        body = {"email": who.email, "password": PASSWORD}
        token = (await client.post(LOGIN, json=body)).headers["cardea-device"]
        if whose == "forged":
            token = "cardea_dev_" + "A" * 64
        mail = await ask(client, services, ada.email)
        headers = {"Cardea-Device": token}
        done = await client.post(PASS, json=mail.by_code, headers=headers)
        assert (done.headers["cardea-device"] == token) is (whose == "own")

    async def test_password_of_a_proven_account_stays(
        self, client: httpx2.AsyncClient, services: Services, ada: Person
    ) -> None:
        """Whose address was proven before keeps password and sessions."""
        await verify(client, services, ada.email)
        mail = await ask(client, services, ada.email)
        await client.post(PASS, json=mail.by_link)
        await sign_in(client, ada)
        assert (await client.get(ME, headers=ada.headers)).status_code == 200


class TestNewAccount:
    """An address without an account."""

    @WAYS
    async def test_makes_it(
        self, client: httpx2.AsyncClient, services: Services, way: Way
    ) -> None:
        """Who signs in with a new address gets an account, which is proven."""
        mail = await ask(client, services, "ada@example.com")
        user = (await client.post(PASS, json=way(mail))).json()["user"]
        assert user["email"] == "ada@example.com"
        assert user["email_verified"] is True
        assert user["roles"] == ["user"]

    @pytest.mark.parametrize("password", ["!", "", PASSWORD])
    async def test_has_no_password(
        self, client: httpx2.AsyncClient, services: Services, password: str
    ) -> None:
        """No password signs in to it, until a reset sets one."""
        mail = await ask(client, services, "ada@example.com")
        await client.post(PASS, json=mail.by_link)
        body = {"email": "ada@example.com", "password": password}
        problem(await client.post(LOGIN, json=body), 401, "invalid_credentials")

    async def test_asking_makes_none(
        self, client: httpx2.AsyncClient, services: Services, database: Database
    ) -> None:
        """Nothing is made before the mail was read."""
        await ask(client, services, "ada@example.com")
        assert await number_of_users(database) == 0


class TestSignUpNotOpen:
    """SIGN_UP=invite."""

    @pytest.fixture
    def settings(self, make: MakeSettings) -> Settings:
        """Nobody makes an account alone."""
        return make(mail_sign_in=True, rate_limits=False, sign_up="invite")

    async def test_makes_none(
        self, client: httpx2.AsyncClient, services: Services, database: Database
    ) -> None:
        """An unknown address gets a mail that opens nothing."""
        mail = await ask(client, services, "ada@example.com")
        assert mail.opens_nothing
        assert await number_of_users(database) == 0


class TestPreHijacking:
    """What somebody prepares on an account before its owner comes (Sudhodanan and
    Paverd, USENIX Security 2022)."""

    async def test_classic_merge(
        self, client: httpx2.AsyncClient, services: Services
    ) -> None:
        """A stranger's password and session do not outlive the owner's first sign-in
        to an account that the stranger has made."""
        stranger = await sign_in(client, await register(client, "ada@example.com"))
        mail = await ask(client, services, "ada@example.com")
        owner = (await client.post(PASS, json=mail.by_link)).json()
        assert owner["user"]["id"] == stranger.id
        ended = await client.get(ME, headers=stranger.headers)
        assert reason(ended) == "password_reset"
        body = {"email": "ada@example.com", "password": PASSWORD}
        problem(await client.post(LOGIN, json=body), 401, "invalid_credentials")
        headers = {"Authorization": f"Bearer {owner['access_token']}"}
        assert (await client.get(ME, headers=headers)).status_code == 200

    async def test_unexpired_link(
        self, client: httpx2.AsyncClient, services: Services
    ) -> None:
        """Nor does a link that was sent before the owner came."""
        await register(client, "ada@example.com")
        before = await last_mail(services, "ada@example.com")
        mail = await ask(client, services, "ada@example.com")
        await client.post(PASS, json=mail.by_link)
        path = f"{API}/auth/email/verify"
        refused = await client.post(path, json=before.by_link)
        problem(refused, 410, "challenge_cancelled")


class TestTurnedOff:
    """MAIL_SIGN_IN=off, the default."""

    @pytest.fixture
    def settings(self, make: MakeSettings) -> Settings:
        """As it comes."""
        return make()

    async def test_is_said(self, client: httpx2.AsyncClient) -> None:
        """Neither mail nor sign-in."""
        asked = await client.post(MAGIC, json={"email": "ada@example.com"})
        problem(asked, 403, "mail_sign_in_off")
        passed = await client.post(PASS, json={"token": "cardea_link_x"})
        problem(passed, 403, "mail_sign_in_off")
