"""How a process learns what others have changed, and when it can't know."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx2
import pytest

from app.core.config import Settings
from app.core.exceptions import DatabaseUnavailableError
from app.core.security import DerivedKeys
from app.database import Changes, Database
from app.services.container import Services
from app.services.invalidation import (
    ALL,
    LEASE_SECONDS,
    Lease,
    PostgresqlWatch,
    SqliteWatch,
    Watch,
)
from app.services.keys import Keys
from tests.support.apps import caught_up
from tests.support.clock import FakeClock
from tests.support.databases import SECRET_KEY
from tests.support.outages import cut_connections, out_of_reach
from tests.support.outsiders import execute
from tests.support.people import API, Person
from tests.support.statements import statements

SLACK = 1
"""Seconds that a busy machine may add."""


class Watched:
    """A watch on a database, running, and what it tells."""

    def __init__(self, database: Database) -> None:
        self.lease = Lease()
        self.heard: list[Changes] = []
        database.on_change(self.heard.append)
        kind = SqliteWatch if database.is_sqlite else PostgresqlWatch
        self.watch: Watch = kind(database, self.lease)

    async def catch_up(self) -> set[str]:
        """Wait until everything saved by now has been heard; return what it was."""
        began = time.monotonic()
        async with asyncio.timeout(10):
            while self.lease.seen_at < began:
                await asyncio.sleep(0.005)
        names = set().union(*self.heard)
        self.heard.clear()
        return names


@pytest.fixture
async def watched(database: Database) -> AsyncIterator[Watched]:
    """A watch that has had its first look."""
    made = Watched(database)
    task = asyncio.create_task(made.watch.keep())
    await made.catch_up()
    yield made
    task.cancel()
    await asyncio.wait([task])


@asynccontextmanager
async def looking_fails(settings: Settings, database: Database) -> AsyncIterator[None]:
    """Have the database gone; an open SQLite file can't be taken away, so the answer
    is."""
    if not database.is_sqlite:
        async with out_of_reach(settings):
            await cut_connections(settings)
            yield
        return
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(database, "data_version", refuse)
        yield


async def refuse() -> None:
    """Be a database that is not there."""
    raise DatabaseUnavailableError


class TestLease:
    """`Lease`."""

    def test_begins_without_trust(self) -> None:
        """Nothing is vouched for before the first look."""
        assert not Lease().holds

    def test_ends_after_its_time(self) -> None:
        """A look vouches for a second and no longer."""
        lease, now = Lease(), time.monotonic()
        lease.renew(now)
        assert lease.holds
        lease.renew(now - LEASE_SECONDS)
        assert not lease.holds

    def test_can_be_ended(self) -> None:
        """What is known to be lost is not vouched for."""
        lease = Lease()
        lease.renew(time.monotonic())
        lease.end()
        assert not lease.holds


class TestWatch:
    """`Watch.keep()` on either database."""

    async def test_first_look_knows_nothing(self, database: Database) -> None:
        """What was changed before the first look may be anything."""
        made = Watched(database)
        task = asyncio.create_task(made.watch.keep())
        assert await made.catch_up() == ALL
        task.cancel()

    async def test_says_nothing_without_a_change(self, watched: Watched) -> None:
        """Looks that find nothing keep the lease and drop nothing."""
        assert await watched.catch_up() == set()
        assert watched.lease.holds

    async def test_lost_database(
        self, settings: Settings, database: Database, watched: Watched
    ) -> None:
        """While the database is gone nothing is vouched for; then all is read anew."""
        async with looking_fails(settings, database):
            async with asyncio.timeout(LEASE_SECONDS + SLACK):
                while watched.lease.holds:
                    await asyncio.sleep(0.01)
        assert ALL <= await watched.catch_up()
        assert watched.lease.holds

    async def test_unexpected_failure(
        self,
        database: Database,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        """A crash of the watch is logged as one, and the watch goes on."""
        made = Watched(database)
        once, failures = made.watch._keep_once, [RuntimeError("boom")]

        async def fail_once() -> None:
            if failures:
                raise failures.pop()
            await once()

        monkeypatch.setattr(made.watch, "_keep_once", fail_once)
        task = asyncio.create_task(made.watch.keep())
        await made.catch_up()
        task.cancel()
        assert "watch.failed" in caplog.messages


@pytest.mark.postgresql
class TestPostgresql:
    """What the triggers tell, whoever makes the change."""

    @pytest.mark.parametrize(
        ("change", "names"),
        [
            ("UPDATE users SET display_name = 'Ada'", "user"),
            ("DELETE FROM user_roles", "user"),
            ("UPDATE sessions SET ended_at = now(), end_reason = 'x'", "user"),
            ("UPDATE sessions SET expires_at = expires_at - interval '1s'", "user"),
            ("DELETE FROM users", "user"),
            ("INSERT INTO user_roles SELECT id, 'admin' FROM users", "user"),
            ("UPDATE roles SET description = 'x'", "roles"),
            ("DELETE FROM signing_keys", "signing_keys"),
            ("UPDATE sessions SET generation = 7, confirmed = true", None),
            ("UPDATE sessions SET expires_at = expires_at + interval '1s'", None),
        ],
    )
    async def test_names(
        self,
        settings: Settings,
        ada: Person,
        watched: Watched,
        change: str,
        names: str | None,
    ) -> None:
        """Each change is told by its user's id or its table's name; a refresh is not,
        as it takes nothing away."""
        await watched.catch_up()
        await execute(settings, change)
        expected = ada.id if names == "user" else names
        told = await watched.catch_up()
        assert (expected in told) if expected else told == set()

    async def test_silent_notifications(
        self, database: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Where notifications get lost, as behind some poolers, nothing is vouched
        for although every statement is answered."""
        made = Watched(database)
        monkeypatch.setattr(made.watch, "_on_notification", lambda _: None)
        task = asyncio.create_task(made.watch.keep())
        await asyncio.sleep(LEASE_SECONDS / 2)
        assert not made.lease.holds
        task.cancel()


class TestOtherProcesses:
    """What others change, over HTTP."""

    async def refused_in_time(self, client: httpx2.AsyncClient, person: Person) -> str:
        """Call until refused, for a second at most; return the code."""
        began = time.monotonic()
        while time.monotonic() - began < LEASE_SECONDS + SLACK:
            # What is answered from memory alone leaves the driver's thread no turn.
            await asyncio.sleep(0.01)
            answer = await client.get(f"{API}/users/me", headers=person.headers)
            if answer.status_code == 401:
                return str(answer.json()["code"])
        raise AssertionError("not refused in time")

    async def remembered(
        self, services: Services, client: httpx2.AsyncClient, person: Person
    ) -> None:
        """Have the app answer for somebody from memory."""
        for _ in range(2):
            await client.get(f"{API}/users/me", headers=person.headers)
            await caught_up(services)
        with statements() as seen:
            me = await client.get(f"{API}/users/me", headers=person.headers)
        assert me.status_code == 200 and seen == []

    @pytest.mark.one_process
    async def test_disabled_user_is_refused(
        self,
        settings: Settings,
        services: Services,
        client: httpx2.AsyncClient,
        ada: Person,
    ) -> None:
        """A user whom somebody disables in the database is refused within a second."""
        await self.remembered(services, client, ada)
        await execute(settings, "UPDATE users SET status = 'disabled'")
        assert await self.refused_in_time(client, ada) == "session_ended"

    @pytest.mark.one_process
    async def test_compromised_key_is_refused(
        self,
        settings: Settings,
        services: Services,
        client: httpx2.AsyncClient,
        ada: Person,
        clock: FakeClock,
    ) -> None:
        """Keys that the command line replaces are gone from the server, and with them
        every access token, within a second."""
        await self.remembered(services, client, ada)
        beside = Database(settings, is_owner=False)
        keys = Keys(beside, DerivedKeys(SECRET_KEY), clock, Lease())
        rotated = await keys.rotate(compromised=True)
        await beside.close()
        assert await self.refused_in_time(client, ada) == "invalid_token"
        assert [key["kid"] for key in services.keys.published()] == [rotated.kid]

    @pytest.mark.one_process
    async def test_keys_are_not_trusted_blindly(
        self,
        services: Services,
        client: httpx2.AsyncClient,
        ada: Person,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """Keys that may have changed and can't be read again let nobody in."""
        await self.remembered(services, client, ada)
        monkeypatch.setattr(services.keys, "_load", refuse)
        services.database.tell(frozenset({"signing_keys"}))
        answer = await client.get(f"{API}/users/me", headers=ada.headers)
        assert answer.status_code == 503
