"""POST /api/v1/auth/invite/accept."""

import asyncio
from collections.abc import Awaitable, Callable

import httpx2
import pytest

from app.core.config import Settings
from app.services.container import Services
from tests.conftest import MakeSettings
from tests.support.clock import FakeClock
from tests.support.invited import (
    ACCEPT,
    CHOSEN,
    GUEST,
    USERS,
    guest_as_seen,
    invitation,
    invite,
)
from tests.support.mailbox import Mail, last_mail
from tests.support.outsiders import execute
from tests.support.people import API, PASSWORD, Person, sign_in
from tests.support.problems import fields, only_good, problem
from tests.support.roles import make_role

RESET = f"{API}/auth/password/reset"
VERIFY = f"{API}/auth/email/verify"
ASK = {"email": GUEST}
THE_GUEST = Person(GUEST, CHOSEN["new_password"])

Prove = Callable[[httpx2.AsyncClient, Services], Awaitable[httpx2.Response]]


class TestAccept:
    """Choosing a password."""

    async def test_gives_the_account(
        self, client: httpx2.AsyncClient, services: Services, admin: Person
    ) -> None:
        """The guest signs in with it; the address is proven, nothing waits any more."""
        mail = await invitation(client, services, admin)
        accepted = await client.post(ACCEPT, json=mail.by_link | CHOSEN)
        assert accepted.status_code == 200
        account = accepted.json()
        assert account["email_verified"] is True
        assert account["invited_at"] is None
        assert await guest_as_seen(client, admin) == account
        assert (await sign_in(client, THE_GUEST)).id == account["id"]

    @pytest.mark.parametrize(
        ("given", "chosen", "kept"),
        [
            (None, "Chosen", "Chosen"),
            ("Given", "Chosen", "Chosen"),
            ("Given", None, "Given"),
        ],
    )
    async def test_display_name(
        self,
        client: httpx2.AsyncClient,
        services: Services,
        admin: Person,
        given: str | None,
        chosen: str | None,
        kept: str,
    ) -> None:
        """The guest's own comes before what the invitation says."""
        mail = await invitation(client, services, admin, display_name=given)
        body = mail.by_link | CHOSEN | ({"display_name": chosen} if chosen else {})
        await client.post(ACCEPT, json=body)
        assert (await guest_as_seen(client, admin))["display_name"] == kept

    async def test_roles_are_kept(
        self, client: httpx2.AsyncClient, services: Services, admin: Person
    ) -> None:
        """What the invitation gives the guest has."""
        await make_role(client, admin, "editor", ["articles:write"])
        mail = await invitation(client, services, admin, roles=["editor"])
        await client.post(ACCEPT, json=mail.by_link | CHOSEN)
        guest = await sign_in(client, THE_GUEST)
        me = await client.get(f"{USERS}/me", headers=guest.headers)
        assert me.json()["roles"] == ["editor"]
        assert me.json()["permissions"] == ["articles:write"]

    async def test_once(
        self, client: httpx2.AsyncClient, services: Services, admin: Person
    ) -> None:
        """The link sets no second password."""
        mail = await invitation(client, services, admin)
        await client.post(ACCEPT, json=mail.by_link | CHOSEN)
        other = mail.by_link | {"new_password": "a third horse battery"}
        problem(await client.post(ACCEPT, json=other), 410, "challenge_used")
        await sign_in(client, THE_GUEST)

    async def test_fifty_at_once(
        self, client: httpx2.AsyncClient, services: Services, admin: Person
    ) -> None:
        """Of fifty who come with the link at once, one sets the password."""
        mail = await invitation(client, services, admin)
        bodies = [
            mail.by_link | {"new_password": f"horse number {n} battery"}
            for n in range(50)
        ]
        answers = await asyncio.gather(
            *(client.post(ACCEPT, json=body) for body in bodies)
        )
        chosen = bodies[only_good(answers, 200)]["new_password"]
        await sign_in(client, Person(GUEST, chosen))

    async def test_lives_for_seven_days(
        self,
        client: httpx2.AsyncClient,
        services: Services,
        admin: Person,
        clock: FakeClock,
    ) -> None:
        """Then it is too late."""
        mail = await invitation(client, services, admin)
        clock.tick(days=7)
        late = await client.post(ACCEPT, json=mail.by_link | CHOSEN)
        problem(late, 410, "challenge_expired")
        clock.tick(microseconds=-1)
        accepted = await client.post(ACCEPT, json=mail.by_link | CHOSEN)
        assert accepted.status_code == 200

    @pytest.mark.parametrize(
        ("password", "code"),
        [
            ("short", "password_too_short"),
            ("x" * 129, "password_too_long"),
            ("qwertyuiop123", "password_too_common"),
            ("guest of yours", "password_contains_personal_data"),
        ],
        ids=["short", "long", "common", "personal"],
    )
    async def test_bad_password(
        self,
        client: httpx2.AsyncClient,
        services: Services,
        admin: Person,
        password: str,
        code: str,
    ) -> None:
        """A password that breaks a rule is refused, and another can be tried."""
        mail = await invitation(client, services, admin)
        bad = mail.by_link | {"new_password": password}
        problem(await client.post(ACCEPT, json=bad), 422, code)
        accepted = await client.post(ACCEPT, json=mail.by_link | CHOSEN)
        assert accepted.status_code == 200


class TestForeignProof:
    """What is no link of an invitation."""

    @pytest.mark.parametrize(
        "token",
        ["", "x", "cardea_link_", "cardea_link_" + "A" * 64],
        ids=["empty", "short", "prefix", "forged"],
    )
    async def test_forged(self, client: httpx2.AsyncClient, token: str) -> None:
        """What we have not written is refused, before the password is looked at."""
        body = {"token": token, "new_password": "short"}
        problem(await client.post(ACCEPT, json=body), 403, "challenge_failed")

    async def test_link_for_something_else(
        self, client: httpx2.AsyncClient, services: Services, admin: Person
    ) -> None:
        """Another mail's link accepts nothing, nor does this one do anything else."""
        mail = await invitation(client, services, admin)
        await client.post(f"{API}/auth/password/forgot", json=ASK)
        other = await last_mail(services, GUEST)
        refused = await client.post(ACCEPT, json=other.by_link | CHOSEN)
        problem(refused, 403, "challenge_failed")
        reset = await client.post(RESET, json=mail.by_link | CHOSEN)
        problem(reset, 403, "challenge_failed")
        verified = await client.post(VERIFY, json=mail.by_link)
        problem(verified, 403, "challenge_failed")
        accepted = await client.post(ACCEPT, json=mail.by_link | CHOSEN)
        assert accepted.status_code == 200

    async def test_by_code(
        self, client: httpx2.AsyncClient, services: Services, admin: Person
    ) -> None:
        """There is no way to accept with six digits, which could be guessed."""
        mail = await invitation(client, services, admin)
        body = CHOSEN | {"challenge_id": mail.challenge_id, "code": "123456"}
        refused = fields(await client.post(ACCEPT, json=body))
        assert "body.token" in refused


class TestAccountThatIsNoMore:
    """Guests who are not welcome any more."""

    async def test_deleted(
        self, client: httpx2.AsyncClient, services: Services, admin: Person
    ) -> None:
        """With the account goes the invitation."""
        guest = await invite(client, admin)
        mail = await last_mail(services, GUEST)
        await client.delete(f"{USERS}/{guest['id']}", headers=admin.headers)
        refused = await client.post(ACCEPT, json=mail.by_link | CHOSEN)
        problem(refused, 403, "challenge_failed")
        body = {"email": GUEST, "password": THE_GUEST.password}
        refused = await client.post(f"{API}/auth/login", json=body)
        problem(refused, 401, "invalid_credentials")

    async def test_disabled(
        self, client: httpx2.AsyncClient, services: Services, admin: Person
    ) -> None:
        """A disabled account is not given to anybody, and its invitation is over."""
        mail = await invitation(client, services, admin)
        guest = await guest_as_seen(client, admin)
        path, off = f"{USERS}/{guest['id']}", {"status": "disabled"}
        await client.patch(path, json=off, headers=admin.headers)
        refused = await client.post(ACCEPT, json=mail.by_link | CHOSEN)
        problem(refused, 410, "challenge_cancelled")
        seen = await guest_as_seen(client, admin)
        assert seen["invited_at"] == guest["invited_at"]
        assert seen["email_verified"] is False
        body = {"email": GUEST, "password": THE_GUEST.password}
        refused = await client.post(f"{API}/auth/login", json=body)
        problem(refused, 401, "invalid_credentials")

    async def test_disabled_past_us(
        self, client: httpx2.AsyncClient, services: Services, admin: Person
    ) -> None:
        """Nor is one that was disabled in the database itself; the link stays good."""
        mail = await invitation(client, services, admin)
        for status in ("disabled", "active"):
            await execute(
                services.settings,
                f"UPDATE users SET status = '{status}' WHERE email = '{GUEST}'",
            )
            answer = await client.post(ACCEPT, json=mail.by_link | CHOSEN)
            if status == "disabled":
                problem(answer, 403, "challenge_failed")
        assert answer.status_code == 200


async def by_reset(client: httpx2.AsyncClient, services: Services) -> httpx2.Response:
    """Set a password with a mail that the guest has asked for."""
    await client.post(f"{API}/auth/password/forgot", json=ASK)
    mail = await last_mail(services, GUEST)
    return await client.post(RESET, json=mail.by_code | CHOSEN)


async def by_mail(client: httpx2.AsyncClient, services: Services) -> httpx2.Response:
    """Sign in by mail."""
    await client.post(f"{API}/auth/magic", json=ASK)
    mail = await last_mail(services, GUEST)
    return await client.post(f"{API}/auth/magic/verify", json=mail.by_code)


async def by_sign_up(client: httpx2.AsyncClient, services: Services) -> httpx2.Response:
    """Sign up and prove the address, where that makes the account."""
    body = ASK | {"password": PASSWORD}
    await client.post(f"{API}/auth/register", json=body)
    mail = await last_mail(services, GUEST)
    return await client.post(VERIFY, json=mail.by_code)


async def by_proof(client: httpx2.AsyncClient, services: Services) -> httpx2.Response:
    """Prove the address first, and sign in by mail then."""
    await client.post(f"{API}/auth/email/resend", json=ASK)
    proof = (await last_mail(services, GUEST)).by_code
    assert (await client.post(VERIFY, json=proof)).status_code == 200
    return await by_mail(client, services)


class TestOtherWaysIn:
    """What the reader of the invited address may do instead."""

    @pytest.fixture
    def settings(self, make: MakeSettings) -> Settings:
        """All of them are open."""
        return make(mail_sign_in=True, email_verification="required", rate_limits=False)

    @pytest.mark.parametrize(
        "prove",
        [by_reset, by_mail, by_sign_up, by_proof],
        ids=["reset", "mail", "sign-up", "proof"],
    )
    async def test_accepts(
        self,
        client: httpx2.AsyncClient,
        services: Services,
        admin: Person,
        prove: Prove,
    ) -> None:
        """The account is theirs, with its roles, and the invitation's link is void."""
        await make_role(client, admin, "editor", [])
        given = {"roles": ["editor"], "display_name": "Given", "locale": "de"}
        mail: Mail = await invitation(client, services, admin, **given)
        before = await guest_as_seen(client, admin)
        assert (await prove(client, services)).is_success
        after = await guest_as_seen(client, admin)
        assert after["id"] == before["id"]
        assert {name: after[name] for name in given} == given
        assert (after["invited_at"], after["email_verified"]) == (None, True)
        refused = await client.post(ACCEPT, json=mail.by_link | CHOSEN)
        problem(refused, 410, "challenge_cancelled")
        again = await client.post(
            f"{USERS}/{after['id']}/invite", headers=admin.headers
        )
        problem(again, 409, "not_invited")
