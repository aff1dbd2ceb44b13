"""Accounts whose time has come: the hourly tidying, and what is left of them."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from uuid import UUID

import httpx2
import pytest

from app.core.config import Settings
from app.database import Database
from app.repositories import UserRepository
from app.services.container import Services
from tests.api.test_deletion_period import DAYS, UNDO, leave, left
from tests.api.test_recovery import forgot
from tests.conftest import MakeSettings
from tests.support.clock import FakeClock
from tests.support.hostile import contents
from tests.support.mailbox import code_of, prove
from tests.support.moving import ask_by_mail
from tests.support.people import API, Person, sign_in
from tests.support.problems import problem
from tests.support.stored import number_of_users

Look = Callable[[UserRepository, datetime], Awaitable[Sequence[UUID]]]


@pytest.fixture
def settings(make: MakeSettings) -> Settings:
    """Ten days to think it over, and several mails in one minute."""
    return make(rate_limits=False, deletion_days=DAYS)


async def traces(database: Database, *names: str) -> list[str]:
    """Return the tables that have a row in which one of these stands."""
    spelt = [spelling for one in names for spelling in (one, one.replace("-", ""))]
    return [
        table
        for table, rows in (await contents(database)).items()
        if any(name in str(row) for row in rows for name in spelt)
    ]


def meanwhile(
    monkeypatch: pytest.MonkeyPatch, act: Callable[[], Awaitable[None]]
) -> None:
    """Have something happen once accounts have been found due."""
    look = UserRepository.due_for_deletion

    async def look_and_act(users: UserRepository, now: datetime) -> Sequence[UUID]:
        due = await look(users, now)
        assert due
        await act()
        return due

    monkeypatch.setattr(UserRepository, "due_for_deletion", look_and_act)


class TestTidy:
    """What happens every hour."""

    async def test_two_at_once(
        self,
        client: httpx2.AsyncClient,
        services: Services,
        database: Database,
        ada: Person,
        bob: Person,
        clock: FakeClock,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """Two processes that find the same accounts due do not get in each other's
        way."""
        await left(client, services, ada)
        clock.tick(days=DAYS)
        both, look = asyncio.Barrier(2), UserRepository.due_for_deletion

        async def together(users: UserRepository, now: datetime) -> Sequence[UUID]:
            due = await look(users, now)
            await both.wait()
            return due

        monkeypatch.setattr(UserRepository, "due_for_deletion", together)
        await asyncio.gather(services.deletion.tidy(), services.deletion.tidy())
        assert await number_of_users(database) == 1
        assert await traces(database, ada.id) == []

    async def test_kept_at_that_moment(
        self,
        client: httpx2.AsyncClient,
        services: Services,
        ada: Person,
        admin: Person,
        clock: FakeClock,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """Who is kept after having been found due stays."""
        mail = await left(client, services, ada)

        async def keep() -> None:
            clock.tick(microseconds=-1)
            assert (await client.post(UNDO, json=mail.by_link)).status_code == 204
            clock.tick(microseconds=1)

        clock.tick(days=DAYS)
        meanwhile(monkeypatch, keep)
        await services.deletion.tidy()
        again = await sign_in(client, ada)
        assert again.id == ada.id

    async def test_deleted_anew_at_that_moment(
        self,
        client: httpx2.AsyncClient,
        services: Services,
        ada: Person,
        clock: FakeClock,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """Whoever keeps it then, and deletes it once more, has all their time again."""
        first = await left(client, services, ada)

        async def keep_and_delete() -> None:
            clock.tick(microseconds=-1)
            await client.post(UNDO, json=first.by_link)
            clock.tick(microseconds=1)
            await left(client, services, await sign_in(client, ada))

        clock.tick(days=DAYS)
        meanwhile(monkeypatch, keep_and_delete)
        await services.deletion.tidy()
        body = {"email": ada.email, "password": ada.password}
        still = await client.post(f"{API}/auth/login", json=body)
        problem(still, 403, "account_deleted")

    async def test_against_its_undo(
        self,
        client: httpx2.AsyncClient,
        services: Services,
        database: Database,
        ada: Person,
        clock: FakeClock,
    ) -> None:
        """Who undoes it while it is tidied away gets an answer that is true."""
        mail = await left(client, services, ada)
        clock.tick(days=DAYS)
        tidy = asyncio.create_task(services.deletion.tidy())
        answers = [await client.post(UNDO, json=mail.by_link) for _ in range(3)]
        await tidy
        assert all(one.status_code in (403, 410) for one in answers)
        assert await number_of_users(database) == 0


class TestNothingIsLeft:
    """Once it is gone, at once or later."""

    @pytest.mark.parametrize("days", [0, DAYS], ids=["at once", "after days"])
    async def test_of_the_account(
        self,
        client: httpx2.AsyncClient,
        services: Services,
        database: Database,
        ada: Person,
        bob: Person,
        clock: FakeClock,
    ) -> None:
        """No row names it, neither by its id nor by its address: sessions, roles, what
        it was sent, and what it was about to be sent."""
        await prove(services, ada)
        await ask_by_mail(client, services, ada, "elsewhere@example.com")
        await forgot(client, services, ada.email)
        assert set(await traces(database, ada.id, ada.email)) == {
            *["users", "user_roles", "sessions", "challenges", "outbox"]
        }
        await leave(client, ada)
        clock.tick(days=DAYS)
        await services.deletion.tidy()
        assert await traces(database, ada.id, ada.email, "elsewhere@") == []
        assert "users" in await traces(database, bob.id)

    @pytest.fixture
    def settings(self, make: MakeSettings, days: int) -> Settings:
        """With or without time to think it over."""
        return make(rate_limits=False, deletion_days=days)

    @pytest.mark.parametrize("days", [0])
    async def test_but_what_others_were_sent(
        self,
        client: httpx2.AsyncClient,
        services: Services,
        ada: Person,
        bob: Person,
    ) -> None:
        """What another account has asked of the address is that account's."""
        mail = await ask_by_mail(client, services, bob, ada.email)
        await leave(client, ada)
        code = await code_of(services, mail.challenge_id)
        proof = {"challenge_id": mail.challenge_id, "code": code}
        done = await client.post(f"{API}/auth/email/change", json=proof)
        assert done.json()["email"] == ada.email
