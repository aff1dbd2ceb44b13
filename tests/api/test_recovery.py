"""POST /api/v1/auth/password/forgot and /reset."""

import asyncio
from collections.abc import Callable

import httpx2
import pytest
from sqlalchemy import select

from app.core.config import Settings
from app.models import Message
from app.services.container import Services
from tests.conftest import MakeSettings
from tests.support.clock import FakeClock
from tests.support.mailbox import Mail, code_of, last_mail
from tests.support.outsiders import DISABLE, execute
from tests.support.people import API, PASSWORD, Person, sign_in
from tests.support.problems import problem, reason

FORGOT = f"{API}/auth/password/forgot"
RESET = f"{API}/auth/password/reset"
LOGIN = f"{API}/auth/login"
ME = f"{API}/users/me"

NEW = {"new_password": "another horse battery"}
WAYS = pytest.mark.parametrize(
    "way", [lambda mail: mail.by_link, lambda mail: mail.by_code], ids=["link", "code"]
)
Way = Callable[[Mail], dict[str, str]]


@pytest.fixture
def settings(make: MakeSettings) -> Settings:
    """Several mails in one minute."""
    return make(rate_limits=False)


async def forgot(client: httpx2.AsyncClient, services: Services, email: str) -> Mail:
    """Ask for a mail, and return what it says."""
    answer = await client.post(FORGOT, json={"email": email})
    assert (answer.status_code, answer.content) == (202, b'{"status":"mail_sent"}')
    mail = await last_mail(services, email)
    assert answer.headers["cardea-challenge"] == mail.challenge_id
    return mail


class TestReset:
    """A new password for who reads the mail."""

    @WAYS
    async def test_sets_the_password(
        self, client: httpx2.AsyncClient, services: Services, ada: Person, way: Way
    ) -> None:
        """The new password signs in, the old one does not."""
        mail = await forgot(client, services, ada.email)
        done = await client.post(RESET, json=way(mail) | NEW)
        assert (done.status_code, done.content) == (204, b"")
        old = {"email": ada.email, "password": PASSWORD}
        problem(await client.post(LOGIN, json=old), 401, "invalid_credentials")
        await sign_in(client, Person(ada.email, NEW["new_password"]))

    async def test_ends_every_session(
        self, client: httpx2.AsyncClient, services: Services, ada: Person
    ) -> None:
        """Whoever was signed in is signed out, and told why."""
        mail = await forgot(client, services, ada.email)
        assert (await client.get(ME, headers=ada.headers)).status_code == 200
        await client.post(RESET, json=mail.by_link | NEW)
        assert reason(await client.get(ME, headers=ada.headers)) == "password_reset"

    async def test_proves_the_address(
        self, client: httpx2.AsyncClient, services: Services, ada: Person
    ) -> None:
        """Who can read the mail has proven the address with it."""
        mail = await forgot(client, services, ada.email)
        await client.post(RESET, json=mail.by_link | NEW)
        again = await sign_in(client, Person(ada.email, NEW["new_password"]))
        assert again.tokens["user"]["email_verified"] is True

    async def test_cancels_every_other_link(
        self, client: httpx2.AsyncClient, services: Services, ada: Person
    ) -> None:
        """Links and codes that were sent before open nothing any more."""
        verification = await last_mail(services, ada.email)
        mail = await forgot(client, services, ada.email)
        await client.post(RESET, json=mail.by_link | NEW)
        path = f"{API}/auth/email/verify"
        refused = await client.post(path, json=verification.by_link)
        problem(refused, 410, "challenge_cancelled")

    @WAYS
    async def test_once(
        self, client: httpx2.AsyncClient, services: Services, ada: Person, way: Way
    ) -> None:
        """Neither link nor code sets a second password."""
        mail = await forgot(client, services, ada.email)
        await client.post(RESET, json=way(mail) | NEW)
        for again in (mail.by_link, mail.by_code):
            body = again | {"new_password": "a third horse battery"}
            problem(await client.post(RESET, json=body), 410, "challenge_used")
        await sign_in(client, Person(ada.email, NEW["new_password"]))

    @WAYS
    async def test_fifty_at_once(
        self, client: httpx2.AsyncClient, services: Services, ada: Person, way: Way
    ) -> None:
        """Of fifty who come with it at once, one sets the password."""
        mail = await forgot(client, services, ada.email)
        bodies = [
            way(mail) | {"new_password": f"horse number {n} battery"} for n in range(50)
        ]
        answers = await asyncio.gather(
            *(client.post(RESET, json=body) for body in bodies)
        )
        statuses = [answer.status_code for answer in answers]
        assert sorted(statuses) == [204] + [410] * 49
        chosen = bodies[statuses.index(204)]["new_password"]
        await sign_in(client, Person(ada.email, chosen))

    async def test_refused_password_uses_nothing_up(
        self, client: httpx2.AsyncClient, services: Services, ada: Person
    ) -> None:
        """After a password that breaks a rule another can be tried."""
        mail = await forgot(client, services, ada.email)
        short = await client.post(RESET, json=mail.by_link | {"new_password": "short"})
        problem(short, 422, "password_too_short")
        done = await client.post(RESET, json=mail.by_link | NEW)
        assert done.status_code == 204

    async def test_wrong_code_costs_no_hash(
        self, client: httpx2.AsyncClient, services: Services, ada: Person
    ) -> None:
        """A wrong code is refused before the password is looked at."""
        mail = await forgot(client, services, ada.email)
        body = mail.by_code | {"code": mail.wrong_code, "new_password": "short"}
        problem(await client.post(RESET, json=body), 403, "challenge_failed")

    async def test_new_cancels_old(
        self, client: httpx2.AsyncClient, services: Services, ada: Person
    ) -> None:
        """Only the newest mail works."""
        first = await forgot(client, services, ada.email)
        second = await forgot(client, services, ada.email)
        refused = await client.post(RESET, json=first.by_link | NEW)
        problem(refused, 410, "challenge_cancelled")
        done = await client.post(RESET, json=second.by_link | NEW)
        assert done.status_code == 204

    async def test_password_change_cancels(
        self, client: httpx2.AsyncClient, services: Services, ada: Person
    ) -> None:
        """A password that was changed meanwhile is not reset by an older mail."""
        mail = await forgot(client, services, ada.email)
        body = {"current_password": PASSWORD, "new_password": "a third horse battery"}
        await client.post(f"{ME}/password", json=body, headers=ada.headers)
        refused = await client.post(RESET, json=mail.by_link | NEW)
        problem(refused, 410, "challenge_cancelled")

    async def test_expired(
        self,
        client: httpx2.AsyncClient,
        services: Services,
        ada: Person,
        clock: FakeClock,
    ) -> None:
        """After a quarter of an hour it is too late."""
        mail = await forgot(client, services, ada.email)
        clock.tick(minutes=15)
        refused = await client.post(RESET, json=mail.by_link | NEW)
        problem(refused, 410, "challenge_expired")


class TestLookAlike:
    """Addresses that belong to the same account here, and to others elsewhere."""

    @pytest.mark.parametrize(
        "email", ["\uff41da@example.com", "ADA@Example.com", "ada@EXAMPLE.com"]
    )
    async def test_goes_to_the_owner(
        self, client: httpx2.AsyncClient, services: Services, ada: Person, email: str
    ) -> None:
        """The mail goes to the address of the account, however it was asked for
        (CVE-2019-19844)."""
        await client.post(FORGOT, json={"email": email})
        async with services.database.reading() as session:
            newest = select(Message).order_by(Message.id.desc()).limit(1)
            message = (await session.scalars(newest)).one()
        letter = await services.mail.composer.compose(message)
        assert letter.as_email()["To"] == ada.email
        assert message.recipient == email

    async def test_without_an_account(
        self, client: httpx2.AsyncClient, services: Services
    ) -> None:
        """Nor is a look-alike written to that has no account yet."""
        mail = await forgot(client, services, "\ufb01ona@example.com")
        assert "fiona@example.com" in mail.text


class TestNobodyThere:
    """Addresses that have no account to get back into."""

    async def test_unknown(
        self, client: httpx2.AsyncClient, services: Services
    ) -> None:
        """An unknown address gets a mail that says so and opens nothing."""
        mail = await forgot(client, services, "nobody@example.com")
        assert mail.opens_nothing

    async def test_guessed_code(
        self, client: httpx2.AsyncClient, services: Services
    ) -> None:
        """Even the right code, which nobody was sent, opens nothing."""
        mail = await forgot(client, services, "nobody@example.com")
        code = await code_of(services, mail.challenge_id)
        body = {"challenge_id": mail.challenge_id, "code": code} | NEW
        problem(await client.post(RESET, json=body), 403, "challenge_failed")

    async def test_disabled(
        self,
        client: httpx2.AsyncClient,
        services: Services,
        ada: Person,
        admin: Person,
    ) -> None:
        """A disabled account is not got back into, and its mail opens nothing."""
        open_before = await forgot(client, services, ada.email)
        await execute(services.settings, DISABLE)
        refused = await client.post(RESET, json=open_before.by_link | NEW)
        problem(refused, 403, "challenge_failed")
        assert (await forgot(client, services, ada.email)).opens_nothing


class TestPreHijacking:
    """What somebody prepares on an account before its owner comes (Sudhodanan and
    Paverd, USENIX Security 2022)."""

    async def test_unexpired_session(
        self, client: httpx2.AsyncClient, services: Services
    ) -> None:
        """A session that a stranger began does not outlive the owner's arrival."""
        body = {"email": "ada@example.com", "password": "the strangers own one"}
        await client.post(f"{API}/auth/register", json=body)
        stranger = await sign_in(
            client, Person("ada@example.com", "the strangers own one")
        )
        mail = await forgot(client, services, "ada@example.com")
        await client.post(RESET, json=mail.by_link | NEW)
        refresh = {"refresh_token": stranger.refresh_token}
        ended = await client.post(f"{API}/auth/refresh", json=refresh)
        assert reason(ended) == "password_reset"
        assert (await client.get(ME, headers=stranger.headers)).status_code == 401
        problem(await client.post(LOGIN, json=body), 401, "invalid_credentials")
