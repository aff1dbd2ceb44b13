"""POST /api/v1/auth/email/change, where it is refused."""

import httpx2
import pytest

from app.core.config import Settings
from app.services.container import Services
from tests.api.test_recovery import NEW, RESET, WAYS, Way, forgot
from tests.conftest import MakeSettings
from tests.support.apps import RunningApp
from tests.support.links import FORGED
from tests.support.mailbox import Mail
from tests.support.moving import (
    CHANGE,
    NEW_EMAIL,
    UNDO,
    as_owner,
    ask_by_mail,
)
from tests.support.notices import change_password
from tests.support.outsiders import execute
from tests.support.people import API, PASSWORD, Person
from tests.support.problems import problem
from tests.support.services import interrupted

ME = f"{API}/users/me"
USERS = f"{API}/users"
WRONG = {"password": "wrong horse battery"}
THIRD_EMAIL = "third@example.com"


@pytest.fixture
def settings(make: MakeSettings) -> Settings:
    """Several mails in one minute."""
    return make(rate_limits=False)


@pytest.fixture
async def mail(client: httpx2.AsyncClient, services: Services, ada: Person) -> Mail:
    """What Ada's new address was sent."""
    return await ask_by_mail(client, services, ada)


class TestPassword:
    """The password that a link takes."""

    @pytest.mark.parametrize(
        "given", [{}, {"password": ""}, WRONG], ids=["none", "empty", "wrong"]
    )
    async def test_is_needed(
        self, client: httpx2.AsyncClient, mail: Mail, given: dict[str, str]
    ) -> None:
        """Who only reads the new address has not asked for it; the link works on."""
        refused = await client.post(CHANGE, json=mail.by_link | given)
        problem(refused, 403, "account_password_needed")
        done = await client.post(CHANGE, json=as_owner(mail.by_link))
        assert done.json()["email"] == NEW_EMAIL

    async def test_of_another_account(
        self, client: httpx2.AsyncClient, mail: Mail, bob: Person
    ) -> None:
        """It is that of the account that gets the address, and no other's."""
        await change_password(client, bob, "bobs own horse battery")
        body = as_owner(mail.by_link, "bobs own horse battery")
        problem(await client.post(CHANGE, json=body), 403, "account_password_needed")

    async def test_is_another_by_now(
        self,
        running: RunningApp,
        client: httpx2.AsyncClient,
        settings: Settings,
        mail: Mail,
        ada: Person,
    ) -> None:
        """A password that is replaced while it is checked changes nothing."""
        passwords = interrupted(running)
        passwords.after_verify = lambda: execute(
            settings,
            f"UPDATE users SET password_hash = '!' WHERE email = '{ada.email}'",
        )
        refused = await client.post(CHANGE, json=as_owner(mail.by_link))
        problem(refused, 403, "account_password_needed")
        me = await client.get(ME, headers=ada.headers)
        assert me.json()["email"] == ada.email


class TestCode:
    """The code, which needs no password."""

    async def test_five_wrong_ones(
        self, client: httpx2.AsyncClient, mail: Mail
    ) -> None:
        """After five wrong codes the right one is refused too; the link works on."""
        for _ in range(5):
            wrong = mail.by_code | {"code": mail.wrong_code}
            problem(await client.post(CHANGE, json=wrong), 403, "challenge_failed")
        right = await client.post(CHANGE, json=mail.by_code)
        problem(right, 410, "code_exhausted")
        done = await client.post(CHANGE, json=as_owner(mail.by_link))
        assert done.status_code == 200

    async def test_of_another_account(
        self, client: httpx2.AsyncClient, services: Services, mail: Mail, bob: Person
    ) -> None:
        """A code counts only with the request that it was sent for."""
        bobs = await ask_by_mail(client, services, bob, THIRD_EMAIL)
        foreign = bobs.by_code | {"code": mail.code}
        problem(await client.post(CHANGE, json=foreign), 403, "challenge_failed")


class TestForeign:
    """Links that were sent for something else, or by nobody."""

    async def test_for_a_password(
        self, client: httpx2.AsyncClient, services: Services, ada: Person
    ) -> None:
        """What sets a password changes no address."""
        mail = await forgot(client, services, ada.email)
        for proof in (as_owner(mail.by_link), mail.by_code):
            problem(await client.post(CHANGE, json=proof), 403, "challenge_failed")

    async def test_sets_no_password(
        self, client: httpx2.AsyncClient, mail: Mail
    ) -> None:
        """What changes an address sets no password, and undoes nothing."""
        for proof in (mail.by_link, mail.by_code):
            refused = await client.post(RESET, json=proof | NEW)
            problem(refused, 403, "challenge_failed")
        problem(await client.post(UNDO, json=mail.by_link), 403, "challenge_failed")

    @pytest.mark.parametrize("token", ["", "cardea_link_", FORGED])
    async def test_forged(self, client: httpx2.AsyncClient, token: str) -> None:
        """What we have not written is refused."""
        refused = await client.post(CHANGE, json=as_owner({"token": token}))
        problem(refused, 403, "challenge_failed")


class TestTaken:
    """A new address that another account gets first."""

    @WAYS
    async def test_meanwhile(
        self,
        client: httpx2.AsyncClient,
        mail: Mail,
        ada: Person,
        admin: Person,
        way: Way,
    ) -> None:
        """It is refused as long as it is taken, which uses nothing up."""
        body = {"email": NEW_EMAIL.upper(), "password": PASSWORD}
        other = await client.post(USERS, json=body, headers=admin.headers)
        for _ in range(2):
            refused = await client.post(CHANGE, json=as_owner(way(mail)))
            problem(refused, 409, "email_taken")
        me = await client.get(ME, headers=ada.headers)
        assert me.json()["email"] == ada.email
        path = f"{USERS}/{other.json()['id']}"
        await client.delete(path, headers=admin.headers)
        done = await client.post(CHANGE, json=as_owner(way(mail)))
        assert done.json()["email"] == NEW_EMAIL


class TestAccount:
    """Accounts that nobody may act with."""

    @WAYS
    async def test_disabled(
        self,
        client: httpx2.AsyncClient,
        settings: Settings,
        mail: Mail,
        ada: Person,
        way: Way,
    ) -> None:
        """A disabled one gets no address, whoever has disabled it; nothing is used."""
        for status, expected in (("disabled", 403), ("active", 200)):
            await execute(
                settings,
                f"UPDATE users SET status = '{status}' WHERE email = '{ada.email}'",
            )
            answer = await client.post(CHANGE, json=as_owner(way(mail)))
            assert answer.status_code == expected
            if expected == 403:
                problem(answer, 403, "challenge_failed")

    @WAYS
    async def test_gone(
        self,
        client: httpx2.AsyncClient,
        mail: Mail,
        ada: Person,
        admin: Person,
        way: Way,
    ) -> None:
        """What one was sent that is gone is not known any more."""
        await client.delete(f"{USERS}/{ada.id}", headers=admin.headers)
        refused = await client.post(CHANGE, json=as_owner(way(mail)))
        problem(refused, 403, "challenge_failed")
