"""Addresses that an account has had, and may still be given back to it."""

from collections.abc import Iterator
from uuid import UUID

import httpx2
import pytest

from app.core.config import Settings
from app.models import new_id
from app.services import challenges
from app.services.container import Services
from tests.conftest import MakeSettings
from tests.support.clock import FakeClock
from tests.support.mailbox import Mail, code_of, kinds_of_mail, last_mail, prove
from tests.support.people import API, PASSWORD, Person
from tests.support.problems import problem

OLD, NEW, FAR = "ada@example.com", "new@example.com", "far@example.com"
ME, USERS = f"{API}/users/me", f"{API}/users"
UNDO = f"{API}/auth/email/undo"


@pytest.fixture
def settings(make: MakeSettings) -> Settings:
    """Sign-in by mail makes accounts too."""
    return make(mail_sign_in=True, rate_limits=False)


async def move(
    client: httpx2.AsyncClient, services: Services, who: Person, email: str
) -> None:
    """Give somebody's account another address."""
    body = {"email": email, "current_password": who.password}
    await client.post(f"{ME}/email", json=body, headers=who.headers)
    proof = (await last_mail(services, email)).by_code
    moved = await client.post(f"{API}/auth/email/change", json=proof)
    assert moved.json()["email"] == email


async def moved_away(
    client: httpx2.AsyncClient, services: Services, ada: Person
) -> Mail:
    """Have Ada's proven account be moved; return the mail to her old address."""
    await move(client, services, await prove(services, ada), NEW)
    mail = await last_mail(services, OLD)
    assert mail.kind == "email_changed"
    return mail


async def address(client: httpx2.AsyncClient, admin: Person, who: Person) -> str:
    """Return the address that an account has."""
    answer = await client.get(f"{USERS}/{who.id}", headers=admin.headers)
    return str(answer.json()["email"])


async def sign_up(client: httpx2.AsyncClient) -> httpx2.Response:
    """Sign up with the old address."""
    body = {"email": OLD, "password": PASSWORD}
    return await client.post(f"{API}/auth/register", json=body)


class TestKept:
    """As long as the undo is open."""

    async def test_nobody_signs_up(
        self,
        client: httpx2.AsyncClient,
        services: Services,
        ada: Person,
        clock: FakeClock,
    ) -> None:
        """For seven days nobody does; then anybody may."""
        await moved_away(client, services, ada)
        clock.tick(days=7, microseconds=-1)
        problem(await sign_up(client), 409, "email_taken")
        clock.tick(microseconds=1)
        assert (await sign_up(client)).status_code == 201

    async def test_mail_makes_none(
        self,
        client: httpx2.AsyncClient,
        services: Services,
        ada: Person,
        clock: FakeClock,
    ) -> None:
        """Its reader gets no other account by mail, which would be in the way."""
        ask = {"email": OLD}
        await moved_away(client, services, ada)
        await client.post(f"{API}/auth/magic", json=ask)
        mail = await last_mail(services, OLD)
        assert mail.opens_nothing
        code = await code_of(services, mail.challenge_id)
        proof = {"challenge_id": mail.challenge_id, "code": code}
        refused = await client.post(f"{API}/auth/magic/verify", json=proof)
        problem(refused, 403, "challenge_failed")
        clock.tick(days=7)
        await client.post(f"{API}/auth/magic", json=ask)
        proof = (await last_mail(services, OLD)).by_code
        made = await client.post(f"{API}/auth/magic/verify", json=proof)
        assert made.json()["user"]["id"] != ada.id

    async def test_once_undone(
        self, client: httpx2.AsyncClient, services: Services, ada: Person, admin: Person
    ) -> None:
        """The address that the account is taken from is free at once."""
        mail = await moved_away(client, services, ada)
        await client.post(UNDO, json=mail.by_link)
        assert await address(client, admin, ada) == OLD
        body = {"email": NEW, "password": PASSWORD}
        made = await client.post(f"{API}/auth/register", json=body)
        assert made.status_code == 201

    async def test_given_away_by_an_admin(
        self, client: httpx2.AsyncClient, services: Services, ada: Person, admin: Person
    ) -> None:
        """An administrator may give it to somebody; the undo waits until it is free,
        and the other account's end does not end it."""
        mail = await moved_away(client, services, ada)
        other = await client.post(USERS, json={"email": OLD}, headers=admin.headers)
        problem(await client.post(UNDO, json=mail.by_link), 409, "email_taken")
        path = f"{USERS}/{other.json()['id']}"
        assert (await client.delete(path, headers=admin.headers)).status_code == 204
        assert (await client.post(UNDO, json=mail.by_link)).status_code == 204
        assert await address(client, admin, ada) == OLD


class TestUnproven:
    """An address that nobody had proven."""

    async def test_is_not_told(
        self, client: httpx2.AsyncClient, services: Services, ada: Person
    ) -> None:
        """It may be a stranger's: they get no link to somebody else's account, and may
        sign up."""
        await move(client, services, ada, NEW)
        assert await kinds_of_mail(services, OLD) == ["verify_email"]
        assert (await sign_up(client)).status_code == 201


class TestSpelling:
    """One's own address, spelt differently."""

    async def test_needs_no_undo(
        self, client: httpx2.AsyncClient, services: Services, ada: Person
    ) -> None:
        """It is the same address, and nothing is told of it."""
        await prove(services, ada)
        before = await kinds_of_mail(services, OLD)
        body = {"email": "Ada@example.com", "current_password": PASSWORD}
        await client.post(f"{ME}/email", json=body, headers=ada.headers)
        proof = (await last_mail(services, "Ada@example.com")).by_code
        done = await client.post(f"{API}/auth/email/change", json=proof)
        assert done.json()["email"] == "Ada@example.com"
        assert await kinds_of_mail(services, OLD) == before


class TestOrder:
    """Two changes of address."""

    @pytest.fixture
    def ids_run_backwards(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """As those of two processes may, whose clocks differ."""
        given = sorted((new_id() for _ in range(200)), reverse=True)
        ids: Iterator[UUID] = iter(given)
        monkeypatch.setattr(challenges, "new_id", lambda: next(ids))

    @pytest.mark.usefixtures("ids_run_backwards")
    async def test_does_not_go_by_the_time(
        self, client: httpx2.AsyncClient, services: Services, ada: Person, admin: Person
    ) -> None:
        """Whoever undoes the first change ends the undo of the second, whenever their
        mails were written."""
        first = await moved_away_by_id(client, services, ada, NEW)
        second = await moved_away_by_id(client, services, ada, FAR)
        assert (await client.post(UNDO, json=first.by_link)).status_code == 204
        refused = await client.post(UNDO, json=second.by_link)
        problem(refused, 410, "challenge_cancelled")
        assert await address(client, admin, ada) == OLD


async def moved_away_by_id(
    client: httpx2.AsyncClient, services: Services, ada: Person, email: str
) -> Mail:
    """Move Ada's account; return the mail that tells its address before."""
    before = (await client.get(ME, headers=ada.headers)).json()
    if not before["email_verified"]:
        await prove(services, ada)
    asked = await client.post(
        f"{ME}/email",
        json={"email": email, "current_password": PASSWORD},
        headers=ada.headers,
    )
    challenge = UUID(asked.headers["cardea-challenge"])
    code = await code_of(services, challenge)
    proof = {"challenge_id": str(challenge), "code": code}
    moved = await client.post(f"{API}/auth/email/change", json=proof)
    assert moved.json()["email"] == email
    return await last_mail(services, before["email"])
