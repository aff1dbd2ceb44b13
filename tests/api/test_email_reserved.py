"""An address that an account can still be given back to."""

from collections.abc import Awaitable, Callable

import httpx2
import pytest

from app.core.config import Settings
from app.database import Database
from app.services.container import Services
from tests.api.test_deletion_period import leave
from tests.api.test_recovery import NEW, RESET, forgot
from tests.conftest import MakeSettings
from tests.support.mailbox import Mail, code_of, kinds_of_mail, last_mail, prove
from tests.support.moving import NEW_EMAIL, UNDO, move
from tests.support.notices import change_password
from tests.support.people import API, PASSWORD, Person, register, sign_in
from tests.support.problems import problem
from tests.support.stored import number_of_users

REGISTER = f"{API}/auth/register"
USERS = f"{API}/users"
FAR = "far@example.com"
ADA = {"email": "ada@example.com", "password": PASSWORD}


@pytest.fixture
def settings(make: MakeSettings) -> Settings:
    """Several mails in one minute."""
    return make(rate_limits=False)


@pytest.fixture
async def told(client: httpx2.AsyncClient, services: Services, ada: Person) -> Mail:
    """What Ada's old address was sent, which was proven."""
    _, mail = await move(client, services, await prove(services, ada))
    return mail


class TestSignUp:
    """POST /auth/register, where addresses need not be proven."""

    @pytest.mark.parametrize("email", ["ADA@Example.com", "\uff41da@example.com"])
    async def test_however_it_is_spelt(
        self, client: httpx2.AsyncClient, told: Mail, email: str
    ) -> None:
        """Another spelling stands in the way of the undo as well."""
        refused = await client.post(REGISTER, json=ADA | {"email": email})
        problem(refused, 409, "email_taken")

    async def test_refusal_leaves_nothing(
        self,
        client: httpx2.AsyncClient,
        services: Services,
        told: Mail,
        database: Database,
    ) -> None:
        """Who is refused has neither an account nor sent a mail, and the undo works."""
        await client.post(REGISTER, json=ADA)
        assert await number_of_users(database) == 1
        assert (await last_mail(services, ADA["email"])).kind == "email_changed"
        assert (await client.post(UNDO, json=told.by_link)).status_code == 204

    async def test_free_once_the_account_is_gone(
        self, client: httpx2.AsyncClient, told: Mail, ada: Person
    ) -> None:
        """Where there is no account to give it back to, anybody may have it."""
        await leave(client, ada)
        await register(client, ada.email)

    async def test_later_one_is_free_once_the_undo_is_cancelled(
        self, client: httpx2.AsyncClient, services: Services, told: Mail, ada: Person
    ) -> None:
        """An address that its account can't go back to any more is anybody's."""
        thief = Person(NEW_EMAIL, PASSWORD, ada.id, ada.tokens)
        await move(client, services, thief, "third@example.com")
        taken = await client.post(REGISTER, json=ADA | {"email": NEW_EMAIL})
        problem(taken, 409, "email_taken")
        await client.post(UNDO, json=told.by_link)
        await register(client, NEW_EMAIL)


class TestVerificationRequired:
    """EMAIL_VERIFICATION=required."""

    @pytest.fixture
    def settings(self, make: MakeSettings) -> Settings:
        """An account is made when its address is proven."""
        return make(rate_limits=False, mail_sign_in=True, email_verification="required")

    @pytest.fixture
    async def told(
        self, client: httpx2.AsyncClient, services: Services, admin: Person
    ) -> Mail:
        """What the old address of an account was sent."""
        await client.post(USERS, json=ADA, headers=admin.headers)
        mail = await forgot(client, services, ADA["email"])
        await client.post(RESET, json=mail.by_link | {"new_password": PASSWORD})
        ada = await sign_in(client, Person(ADA["email"]))
        _, told = await move(client, services, ada)
        return told

    async def test_sign_up_makes_none(
        self,
        client: httpx2.AsyncClient,
        services: Services,
        told: Mail,
        database: Database,
    ) -> None:
        """A sign-up is answered as ever, and makes no account with that address."""
        asked = await client.post(REGISTER, json=ADA)
        assert asked.status_code == 202
        mail = await last_mail(services, ADA["email"])
        assert mail.opens_nothing
        path = f"{API}/auth/email/verify"
        refused = await client.post(path, json=await guessed(services, mail))
        problem(refused, 403, "challenge_failed")
        assert await number_of_users(database) == 2


async def guessed(services: Services, mail: Mail) -> dict[str, str]:
    """Return the right code of a mail that did not have it."""
    code = await code_of(services, mail.challenge_id)
    return {"challenge_id": mail.challenge_id, "code": code}


async def made_by_admin(
    client: httpx2.AsyncClient, services: Services, admin: Person
) -> Person:
    """Have an administrator make an account, and its owner sign in."""
    await client.post(USERS, json=ADA, headers=admin.headers)
    return await sign_in(client, Person(ADA["email"]))


async def moved_to(
    client: httpx2.AsyncClient, services: Services, admin: Person
) -> Person:
    """Have an account be moved to the address by its reader."""
    bob = await sign_in(client, await register(client, "bob@example.com"))
    await prove(services, bob)
    person, _ = await move(client, services, bob, ADA["email"])
    return person


TakenBy = Callable[[httpx2.AsyncClient, Services, Person], Awaitable[Person]]
TAKEN = pytest.mark.parametrize(
    "take", [made_by_admin, moved_to], ids=["made by an admin", "moved there"]
)


class TestTaken:
    """POST /auth/email/undo, when another account has the address nevertheless."""

    @TAKEN
    async def test_is_said(
        self,
        client: httpx2.AsyncClient,
        services: Services,
        told: Mail,
        ada: Person,
        admin: Person,
        take: TakenBy,
    ) -> None:
        """Neither account changes, and nobody is signed out."""
        other = await take(client, services, admin)
        problem(await client.post(UNDO, json=told.by_link), 409, "email_taken")
        for person, email in ((ada, NEW_EMAIL), (other, ADA["email"])):
            me = await client.get(f"{USERS}/me", headers=person.headers)
            assert me.json()["email"] == email
            await sign_in(client, Person(email))
        assert (await kinds_of_mail(services, ADA["email"]))[-1] != "reset_password"

    @TAKEN
    @pytest.mark.parametrize("act", ["password change", "reset", "move", "deletion"])
    async def test_works_once_it_is_free(
        self,
        client: httpx2.AsyncClient,
        services: Services,
        told: Mail,
        admin: Person,
        take: TakenBy,
        act: str,
    ) -> None:
        """Nothing is used up, and nothing that the other account does ends it."""
        other = await take(client, services, admin)
        problem(await client.post(UNDO, json=told.by_link), 409, "email_taken")
        if act == "password change":
            await change_password(client, other)
        if act == "reset":
            mail = await forgot(client, services, other.email)
            await client.post(RESET, json=mail.by_link | NEW)
        if act == "move":
            await move(client, services, await prove_by(client, admin, other), FAR)
        else:
            await client.delete(f"{USERS}/{other.id}", headers=admin.headers)
        assert (await client.post(UNDO, json=told.by_link)).status_code == 204


async def prove_by(client: httpx2.AsyncClient, admin: Person, person: Person) -> Person:
    """Have an administrator vouch for an address."""
    path, body = f"{USERS}/{person.id}", {"email_verified": True}
    await client.patch(path, json=body, headers=admin.headers)
    return person
