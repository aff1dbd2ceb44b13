"""POST /api/v1/auth/email/verify and /resend."""

from collections.abc import Callable

import httpx2
import pytest

from app.core.config import Settings
from app.database import Database
from app.services.container import Services
from app.services.passwords import Passwords
from tests.conftest import MakeSettings
from tests.support.apps import RunningApp
from tests.support.clock import FakeClock
from tests.support.mailbox import (
    Mail,
    code_of,
    last_mail,
    number_of_mails,
    number_of_pending,
    verify,
)
from tests.support.outsiders import DISABLE, execute
from tests.support.people import API, PASSWORD, Person, register
from tests.support.problems import fields, problem
from tests.support.services import (
    CountingPool,
    no_breaches,
    nothing_by_itself,
    put_passwords,
)
from tests.support.statements import statements
from tests.support.stored import number_of_users

REGISTER = f"{API}/auth/register"
LOGIN = f"{API}/auth/login"
VERIFY = f"{API}/auth/email/verify"
RESEND = f"{API}/auth/email/resend"
FORGOT = f"{API}/auth/password/forgot"
ME = f"{API}/users/me"

ADA = {"email": "ada@example.com", "password": PASSWORD}
ASK = {"email": "ada@example.com"}
OTHER_PASSWORD = "another horse battery"

WAYS = pytest.mark.parametrize(
    "way", [lambda mail: mail.by_link, lambda mail: mail.by_code], ids=["link", "code"]
)
Way = Callable[[Mail], dict[str, str]]


def as_who_signed_up(proof: dict[str, str]) -> dict[str, str]:
    """Add to a link the password of the sign-up, which a code does not take."""
    return proof | ({"password": PASSWORD} if "token" in proof else {})


class TestVerify:
    """Proving the address of an account that is there already."""

    @WAYS
    async def test_verifies(
        self, client: httpx2.AsyncClient, services: Services, ada: Person, way: Way
    ) -> None:
        """The link or the code of the sign-up's mail proves the address."""
        mail = await last_mail(services, ada.email)
        answer = await client.post(VERIFY, json=way(mail))
        assert answer.status_code == 200
        assert answer.json()["id"] == ada.id
        me = await client.get(ME, headers=ada.headers)
        assert me.json()["email_verified"] is True

    async def test_code_is_given_with_the_header(
        self, client: httpx2.AsyncClient, services: Services
    ) -> None:
        """The answer to the sign-up names the challenge that the code belongs to."""
        answer = await client.post(REGISTER, json=ADA)
        mail = await last_mail(services, "ada@example.com")
        assert answer.headers["cardea-challenge"] == mail.challenge_id

    @WAYS
    async def test_once(
        self, client: httpx2.AsyncClient, services: Services, ada: Person, way: Way
    ) -> None:
        """Whichever was used, neither works again."""
        mail = await last_mail(services, ada.email)
        await client.post(VERIFY, json=way(mail))
        for again in (mail.by_link, mail.by_code):
            problem(await client.post(VERIFY, json=again), 410, "challenge_used")

    @pytest.mark.parametrize(
        ("way", "minutes"),
        [(lambda mail: mail.by_link, 15), (lambda mail: mail.by_code, 10)],
        ids=["link", "code"],
    )
    async def test_lives(
        self,
        client: httpx2.AsyncClient,
        services: Services,
        clock: FakeClock,
        way: Way,
        minutes: int,
    ) -> None:
        """A link lives for fifteen minutes, a code for ten."""
        await client.post(REGISTER, json=ADA)
        mail = await last_mail(services, "ada@example.com")
        clock.tick(minutes=minutes)
        expired = await client.post(VERIFY, json=way(mail))
        problem(expired, 410, "challenge_expired")
        clock.tick(microseconds=-1)
        assert (await client.post(VERIFY, json=way(mail))).status_code == 200

    async def test_five_wrong_codes(
        self, client: httpx2.AsyncClient, services: Services, ada: Person
    ) -> None:
        """After five wrong codes the right one is refused too; the link works on."""
        mail = await last_mail(services, ada.email)
        for _ in range(5):
            wrong = mail.by_code | {"code": mail.wrong_code}
            problem(await client.post(VERIFY, json=wrong), 403, "challenge_failed")
        right = await client.post(VERIFY, json=mail.by_code)
        problem(right, 410, "code_exhausted")
        assert (await client.post(VERIFY, json=mail.by_link)).status_code == 200

    async def test_four_wrong_codes(
        self, client: httpx2.AsyncClient, services: Services, ada: Person
    ) -> None:
        """The fifth try may be the right one."""
        mail = await last_mail(services, ada.email)
        for _ in range(4):
            await client.post(VERIFY, json=mail.by_code | {"code": mail.wrong_code})
        assert (await client.post(VERIFY, json=mail.by_code)).status_code == 200

    async def test_foreign_challenge(
        self,
        client: httpx2.AsyncClient,
        services: Services,
        ada: Person,
        bob: Person,
    ) -> None:
        """A code counts only with the request that it was sent for."""
        adas, bobs = [await last_mail(services, who.email) for who in (ada, bob)]
        foreign = {"challenge_id": bobs.challenge_id, "code": adas.code}
        problem(await client.post(VERIFY, json=foreign), 403, "challenge_failed")

    async def test_disabled(
        self,
        client: httpx2.AsyncClient,
        services: Services,
        ada: Person,
        admin: Person,
    ) -> None:
        """The address of a disabled account is not proven."""
        mail = await last_mail(services, ada.email)
        await execute(services.settings, DISABLE)
        refused = await client.post(VERIFY, json=mail.by_link)
        problem(refused, 403, "challenge_failed")
        path = f"{API}/users/{ada.id}"
        seen = await client.get(path, headers=admin.headers)
        assert seen.json()["email_verified"] is False

    async def test_unknown_challenge(self, client: httpx2.AsyncClient) -> None:
        """An id that was never given out is refused like a wrong code."""
        made_up = {
            "challenge_id": "01970000-0000-7000-8000-000000000000",
            "code": "123456",
        }
        problem(await client.post(VERIFY, json=made_up), 403, "challenge_failed")

    async def test_link_for_something_else(
        self, client: httpx2.AsyncClient, services: Services, ada: Person
    ) -> None:
        """Neither link nor code opens anything but what it was sent for."""
        mail = await last_mail(services, ada.email)
        for proof in (mail.by_link, mail.by_code):
            body = proof | {"new_password": OTHER_PASSWORD}
            refused = await client.post(f"{API}/auth/password/reset", json=body)
            problem(refused, 403, "challenge_failed")

    @pytest.mark.parametrize(
        "token",
        ["", "x", "cardea_link_", "cardea_link_AAAA", "cardea_link_" + "A" * 64],
        ids=["empty", "short", "prefix", "too short", "forged"],
    )
    async def test_forged_link(self, client: httpx2.AsyncClient, token: str) -> None:
        """What we have not written is refused."""
        refused = await client.post(VERIFY, json={"token": token})
        problem(refused, 403, "challenge_failed")

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"code": "123456"},
            {"challenge_id": "01970000-0000-7000-8000-000000000000"},
            {
                "token": "cardea_link_x",
                "code": "123456",
                "challenge_id": "01970000-0000-7000-8000-000000000000",
            },
            {"token": "cardea_link_x", "code": "123456"},
        ],
        ids=["nothing", "code alone", "id alone", "both", "link and half"],
    )
    async def test_neither_or_both(
        self, client: httpx2.AsyncClient, body: dict[str, str]
    ) -> None:
        """Either a link or a code with its id, not half of it, not both."""
        assert fields(await client.post(VERIFY, json=body)) == ["body"]

    @pytest.mark.parametrize("code", ["12345", "1234567", "12345a", "１２３４５６", ""])
    async def test_not_six_digits(self, client: httpx2.AsyncClient, code: str) -> None:
        """A code has six ASCII digits."""
        body = {"challenge_id": "01970000-0000-7000-8000-000000000000", "code": code}
        assert fields(await client.post(VERIFY, json=body)) == ["body.code"]


class TestResend:
    """Another mail, when the first did not come."""

    @pytest.fixture
    def settings(self, make: MakeSettings) -> Settings:
        """Several mails in one minute."""
        return make(rate_limits=False)

    async def test_new_cancels_old(
        self,
        client: httpx2.AsyncClient,
        services: Services,
        ada: Person,
    ) -> None:
        """The newest mail works, the one before no longer."""
        first = await last_mail(services, ada.email)
        answer = await client.post(RESEND, json=ASK)
        assert answer.status_code == 202
        assert answer.content == b'{"status":"mail_sent"}'
        second = await last_mail(services, ada.email)
        assert answer.headers["cardea-challenge"] == second.challenge_id
        for old in (first.by_link, first.by_code):
            problem(await client.post(VERIFY, json=old), 410, "challenge_cancelled")
        assert (await client.post(VERIFY, json=second.by_code)).status_code == 200

    async def test_verified_already(
        self,
        client: httpx2.AsyncClient,
        services: Services,
        ada: Person,
    ) -> None:
        """Whose address is proven gets a mail that says so, and opens nothing."""
        mail = await last_mail(services, ada.email)
        await client.post(VERIFY, json=mail.by_link)
        await client.post(RESEND, json=ASK)
        assert (await last_mail(services, ada.email)).opens_nothing

    async def test_unknown_address(
        self, client: httpx2.AsyncClient, services: Services, database: Database
    ) -> None:
        """Without an account the mail says that there is none, and makes none."""
        answer = await client.post(RESEND, json=ASK)
        assert answer.content == b'{"status":"mail_sent"}'
        mail = await last_mail(services, "ada@example.com")
        assert mail.opens_nothing
        code = {"challenge_id": mail.challenge_id, "code": "000000"}
        problem(await client.post(VERIFY, json=code), 403, "challenge_failed")
        assert await number_of_users(database) == 0

    async def test_named_by_a_change_of_address(
        self, client: httpx2.AsyncClient, services: Services, ada: Person
    ) -> None:
        """What asked for another address is no sign-up with it: reading that address
        proves nothing about the account's own."""
        body = {"email": "new@example.com", "current_password": PASSWORD}
        asked = await client.post(f"{ME}/email", json=body, headers=ada.headers)
        named = {
            "email": "new@example.com",
            "challenge_id": asked.headers["cardea-challenge"],
        }
        await client.post(RESEND, json=named)
        mail = await last_mail(services, "new@example.com")
        code = await code_of(services, mail.challenge_id)
        guess = {"challenge_id": mail.challenge_id, "code": code}
        assert (await client.post(VERIFY, json=guess)).status_code == 403
        me = await client.get(ME, headers=ada.headers)
        assert me.json()["email_verified"] is False


class TestMailLimits:
    """How much mail an address and a network get."""

    async def test_one_a_minute(
        self, client: httpx2.AsyncClient, services: Services, ada: Person
    ) -> None:
        """A second mail within a minute is not sent, cancels nothing, is not said."""
        first = await last_mail(services, ada.email)
        before = await number_of_mails(services)
        answer = await client.post(RESEND, json=ASK)
        assert answer.status_code == 202
        assert answer.content == b'{"status":"mail_sent"}'
        assert await number_of_mails(services) == before
        other = {"challenge_id": answer.headers["cardea-challenge"], "code": "123456"}
        for _ in range(5):
            problem(await client.post(VERIFY, json=other), 403, "challenge_failed")
        problem(await client.post(VERIFY, json=other), 410, "code_exhausted")
        assert (await client.post(VERIFY, json=first.by_link)).status_code == 200

    async def test_withheld_takes_as_long(
        self, client: httpx2.AsyncClient, services: Services
    ) -> None:
        """The same statements are made, so the time does not say it either."""
        await nothing_by_itself(services)
        made = []
        for _ in range(2):
            with statements() as seen:
                await client.post(FORGOT, json=ASK)
            made.append([statement.split()[:3] for statement in seen])
        assert await number_of_mails(services) == 1
        assert made[0] == made[1]

    async def test_withheld_is_seen_by_administrators(
        self, client: httpx2.AsyncClient, admin: Person
    ) -> None:
        """Who is asked why no mail came finds it in the outbox."""
        for _ in range(2):
            await client.post(FORGOT, json=ASK)
        answer = await client.get(f"{API}/outbox", headers=admin.headers)
        assert [m["status"] for m in answer.json()["items"]] == ["withheld", "sent"]
        only = {"status": "withheld"}
        answer = await client.get(f"{API}/outbox", params=only, headers=admin.headers)
        [message] = answer.json()["items"]
        again = await client.post(
            f"{API}/outbox/{message['id']}/retry", headers=admin.headers
        )
        problem(again, 409, "message_not_failed")
        shown = (await client.get("/dev/mail.json")).json()
        assert message["id"] not in {mail["id"] for mail in shown}

    async def test_refused_sign_up_is_not_counted(
        self, client: httpx2.AsyncClient, services: Services
    ) -> None:
        """A stranger who signs up with a taken address uses up none of its mail."""
        bob = "bob@example.com"
        await services.setup.create_admin(bob, PASSWORD)
        body = {"email": bob, "password": PASSWORD}
        problem(await client.post(REGISTER, json=body), 409, "email_taken")
        await client.post(FORGOT, json={"email": bob})
        assert (await last_mail(services, bob)).kind == "reset_password"

    async def test_strangers_do_not_use_up_the_owners(
        self, client: httpx2.AsyncClient, services: Services, ada: Person
    ) -> None:
        """Who has signed in here before gets a mail whatever strangers have asked."""
        signed_in = await client.post(LOGIN, json=ADA)
        device = {"Cardea-Device": signed_in.headers["cardea-device"]}
        before = await number_of_mails(services)
        await client.post(RESEND, json=ASK)
        assert await number_of_mails(services) == before
        await client.post(RESEND, json=ASK, headers=device)
        assert await number_of_mails(services) == before + 1
        # Nor does it help to have many devices known.
        again = await client.post(LOGIN, json=ADA)
        other = {"Cardea-Device": again.headers["cardea-device"]}
        await client.post(RESEND, json=ASK, headers=other)
        assert await number_of_mails(services) == before + 1

    async def test_device_of_another_account(
        self, client: httpx2.AsyncClient, services: Services, ada: Person
    ) -> None:
        """Who makes a device up, or has one of another account, is a stranger."""
        before = await number_of_mails(services)
        await register(client, "bob@example.com")
        bobs = await client.post(LOGIN, json=ADA | {"email": "bob@example.com"})
        made = await number_of_mails(services)
        assert made == before + 1
        for token in (bobs.headers["cardea-device"], "cardea_dev_" + "A" * 64, "x"):
            await client.post(RESEND, json=ASK, headers={"Cardea-Device": token})
        assert await number_of_mails(services) == made

    async def test_network_must_wait(self, client: httpx2.AsyncClient) -> None:
        """Who asks for mail to many addresses is told to wait."""
        for number in range(30):
            body = {"email": f"user{number}@example.com"}
            assert (await client.post(RESEND, json=body)).status_code == 202
        refused = await client.post(RESEND, json=ASK)
        problem(refused, 429, "too_many_requests")


class TestVerificationRequired:
    """EMAIL_VERIFICATION=required."""

    @pytest.fixture
    def settings(self, make: MakeSettings) -> Settings:
        """An account is made when its address is proven."""
        return make(email_verification="required", rate_limits=False)

    @WAYS
    async def test_makes_the_account(
        self, client: httpx2.AsyncClient, services: Services, way: Way
    ) -> None:
        """Proving the address makes the account, which signs in with its password."""
        await client.post(REGISTER, json=ADA | {"display_name": "Ada Lovelace"})
        mail = await last_mail(services, "ada@example.com")
        problem(await client.post(LOGIN, json=ADA), 403, "email_not_verified")
        made = await client.post(VERIFY, json=as_who_signed_up(way(mail)))
        assert made.status_code == 200
        assert made.json()["email_verified"] is True
        assert made.json()["display_name"] == "Ada Lovelace"
        assert made.json()["roles"] == ["user"]
        assert (await client.post(LOGIN, json=ADA)).status_code == 200

    async def test_nothing_before(
        self, client: httpx2.AsyncClient, database: Database
    ) -> None:
        """Before that there is no account that anybody could prepare."""
        await client.post(REGISTER, json=ADA)
        assert await number_of_users(database) == 0

    async def test_later_mail_makes_it_too(
        self,
        client: httpx2.AsyncClient,
        services: Services,
    ) -> None:
        """A mail that who signed up has sent again makes the same account."""
        asked = await client.post(REGISTER, json=ADA)
        named = ASK | {"challenge_id": asked.headers["cardea-challenge"]}
        await client.post(RESEND, json=named)
        mail = await last_mail(services, "ada@example.com")
        assert mail.challenge_id != named["challenge_id"]
        assert (await client.post(VERIFY, json=mail.by_code)).status_code == 200
        assert (await client.post(LOGIN, json=ADA)).status_code == 200

    @pytest.mark.parametrize("whose", ["another's", "nobody's", "too old"])
    async def test_later_mail_of_somebody_else(
        self,
        client: httpx2.AsyncClient,
        services: Services,
        clock: FakeClock,
        whose: str,
    ) -> None:
        """A mail that somebody else asks for makes nobody's sign-up an account."""
        asked = await client.post(REGISTER, json=ADA)
        named = dict(ASK)
        if whose == "another's":
            other = {"email": "bob@example.com", "password": OTHER_PASSWORD}
            asked = await client.post(REGISTER, json=other)
        if whose != "nobody's":
            named["challenge_id"] = asked.headers["cardea-challenge"]
        if whose == "too old":
            clock.tick(days=1)
        await client.post(RESEND, json=named)
        mail = await last_mail(services, "ada@example.com")
        assert mail.opens_nothing
        code = await code_of(services, mail.challenge_id)
        guess = {"challenge_id": mail.challenge_id, "code": code}
        problem(await client.post(VERIFY, json=guess), 403, "challenge_failed")

    @pytest.mark.parametrize("password", [None, "", OTHER_PASSWORD])
    async def test_link_takes_the_password(
        self, client: httpx2.AsyncClient, services: Services, password: str | None
    ) -> None:
        """Who reads the mail but has not signed up makes no account by its link."""
        await client.post(REGISTER, json=ADA)
        mail = await last_mail(services, "ada@example.com")
        body = mail.by_link | ({} if password is None else {"password": password})
        refused = await client.post(VERIFY, json=body)
        problem(refused, 403, "sign_up_password_needed")
        right = as_who_signed_up(mail.by_link)
        assert (await client.post(VERIFY, json=right)).status_code == 200

    async def test_two_who_sign_up(
        self, client: httpx2.AsyncClient, services: Services
    ) -> None:
        """A stranger's sign-up with an address neither ends its owner's nor counts."""
        await client.post(REGISTER, json=ADA)
        owners = await last_mail(services, "ada@example.com")
        await client.post(REGISTER, json=ADA | {"password": OTHER_PASSWORD})
        strangers = await last_mail(services, "ada@example.com")
        wrong = as_who_signed_up(strangers.by_link)
        refused = await client.post(VERIFY, json=wrong)
        problem(refused, 403, "sign_up_password_needed")
        assert (await client.post(VERIFY, json=owners.by_code)).status_code == 200
        assert (await client.post(LOGIN, json=ADA)).status_code == 200
        later = strangers.by_link | {"password": OTHER_PASSWORD}
        refused = await client.post(VERIFY, json=later)
        problem(refused, 403, "challenge_failed")
        assert (await client.post(LOGIN, json=ADA)).status_code == 200

    async def test_guessed_code_of_a_known_address(
        self, client: httpx2.AsyncClient, services: Services
    ) -> None:
        """Even the right code, which nobody was sent, changes no proven account."""
        await client.post(REGISTER, json=ADA)
        await verify(client, services, "ada@example.com")
        await client.post(REGISTER, json=ADA | {"password": OTHER_PASSWORD})
        told = await last_mail(services, "ada@example.com")
        code = await code_of(services, told.challenge_id)
        guess = {"challenge_id": told.challenge_id, "code": code}
        problem(await client.post(VERIFY, json=guess), 403, "challenge_failed")
        assert (await client.post(LOGIN, json=ADA)).status_code == 200

    async def test_costs_two_hashes_whoever_it_is(
        self, running: RunningApp, client: httpx2.AsyncClient
    ) -> None:
        """A wrong password takes as long with a sign-up that waits as without."""
        pool = CountingPool(1)
        put_passwords(
            running, Passwords(running.services.settings, pool, no_breaches())
        )
        await client.post(REGISTER, json=ADA)
        for email in ("ada@example.com", "nobody@example.com"):
            pool.runs = 0
            await client.post(LOGIN, json={"email": email, "password": "wrong one"})
            assert pool.runs == 2

    async def test_known_address_gets_a_mail_that_opens_nothing(
        self,
        client: httpx2.AsyncClient,
        services: Services,
    ) -> None:
        """Signing up with somebody's address tells its reader, and nobody else."""
        await client.post(REGISTER, json=ADA)
        mail = await last_mail(services, "ada@example.com")
        await client.post(VERIFY, json=mail.by_code)
        thief = ADA | {"password": OTHER_PASSWORD}
        await client.post(REGISTER, json=thief)
        told = await last_mail(services, "ada@example.com")
        assert told.challenge_id != mail.challenge_id
        assert told.opens_nothing
        assert (await client.post(LOGIN, json=ADA)).status_code == 200

    async def test_sign_in_tells_not_whether_there_is_an_account(
        self,
        client: httpx2.AsyncClient,
        services: Services,
    ) -> None:
        """Who signs up with a known and a free address sees the same at sign-in."""
        await client.post(REGISTER, json=ADA)
        await verify(client, services, "ada@example.com")
        for email in ("ada@example.com", "free@example.com"):
            theirs = {"email": email, "password": OTHER_PASSWORD}
            await client.post(REGISTER, json=theirs)
            problem(await client.post(LOGIN, json=theirs), 403, "email_not_verified")

    async def test_waits_for_a_day(
        self, client: httpx2.AsyncClient, clock: FakeClock
    ) -> None:
        """A sign-up that nobody has proven is forgotten after a day."""
        await client.post(REGISTER, json=ADA)
        clock.tick(days=1)
        problem(await client.post(LOGIN, json=ADA), 401, "invalid_credentials")

    async def test_nothing_of_it_stays(
        self, client: httpx2.AsyncClient, services: Services, clock: FakeClock
    ) -> None:
        """The password's hash is kept until the sign-up is proven, or for a day."""
        other = {"email": "bob@example.com", "password": PASSWORD}
        await client.post(REGISTER, json=ADA)
        await client.post(REGISTER, json=other)
        assert await number_of_pending(services) == 2
        await verify(client, services, "ada@example.com")
        assert await number_of_pending(services) == 1
        clock.tick(hours=24)
        await services.mail.outbox.tidy()
        assert await number_of_pending(services) == 1
        clock.tick(seconds=1)
        await services.mail.outbox.tidy()
        assert await number_of_pending(services) == 0

    async def test_takes_an_unproven_account_over(
        self,
        client: httpx2.AsyncClient,
        services: Services,
        admin: Person,
    ) -> None:
        """Who proves an address gets its account without what others prepared on it."""
        body = ADA | {"password": OTHER_PASSWORD}
        made = await client.post(f"{API}/users", json=body, headers=admin.headers)
        await client.post(FORGOT, json=ASK)
        prepared = await last_mail(services, "ada@example.com")
        await client.post(REGISTER, json=ADA)
        mail = await last_mail(services, "ada@example.com")
        proven = await client.post(VERIFY, json=as_who_signed_up(mail.by_link))
        assert proven.json()["id"] == made.json()["id"]
        assert proven.json()["updated_at"] >= made.json()["updated_at"]
        reset = prepared.by_link | {"new_password": OTHER_PASSWORD}
        refused = await client.post(f"{API}/auth/password/reset", json=reset)
        problem(refused, 410, "challenge_cancelled")
        problem(await client.post(LOGIN, json=body), 401, "invalid_credentials")
        assert (await client.post(LOGIN, json=ADA)).status_code == 200


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

    async def test_is_said(self, client: httpx2.AsyncClient) -> None:
        """What needs mail says that there is none."""
        problem(await client.post(RESEND, json=ASK), 501, "mail_off")

    async def test_sign_up_goes_on(
        self, client: httpx2.AsyncClient, services: Services
    ) -> None:
        """Signing up works, and writes no mail."""
        answer = await client.post(REGISTER, json=ADA)
        assert answer.status_code == 201
        assert "cardea-challenge" not in answer.headers
        assert await number_of_mails(services) == 0
