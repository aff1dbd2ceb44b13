"""Refreshes that meet others in the database at the same moment."""

import asyncio
from contextlib import AsyncExitStack
from datetime import timedelta
from uuid import UUID, uuid4

import httpx2
import pytest
from sqlalchemy import text, update

from app.core.client import Client
from app.core.config import Settings
from app.core.exceptions import (
    InvalidRefreshTokenError,
    SessionEndedError,
    SessionNotFoundError,
)
from app.core.security import RefreshClaim
from app.database import Database
from app.models import Account, EndReason, Session, SessionState, User, UserStatus
from app.repositories import SessionRepository, UserRepository
from app.services.container import Services
from tests.support.clock import FakeClock
from tests.support.people import Person, sign_in
from tests.support.stored_sessions import stored

HOME = Client("192.0.2.7")
DEADLINE_SECONDS = 5
CALLERS = 20

Outcome = tuple[Account, Session | SessionState]


async def until_it_waits(settings: Settings, database: Database) -> None:
    """Return once a transaction waits for another one's row.

    SQLite does not show it: there the whole file waits, however late one comes.
    """
    if settings.is_sqlite:
        return
    question = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
    async with asyncio.timeout(DEADLINE_SECONDS):
        while True:
            async with database.reading() as session:
                if await session.scalar(question):
                    return


def begin_refresh(services: Services, ada: Person) -> "asyncio.Task[Outcome]":
    """Start a refresh with the first token of Ada's session."""
    claim = RefreshClaim(UUID(ada.session_id), 0)
    return asyncio.create_task(services.sessions.refresh(claim, HOME))


class TestRivals:
    """Sessions.refresh, while another transaction holds the same row."""

    async def test_many_with_one_token(
        self, services: Services, ada: Person, database: Database
    ) -> None:
        """All get the one successor."""
        answers = await asyncio.gather(
            *[begin_refresh(services, ada) for _ in range(CALLERS)]
        )
        assert {row.generation for _, row in answers} == {1}
        assert (await stored(database, UUID(ada.session_id))).generation == 1

    async def test_reuse_while_all_are_ended(
        self, services: Services, ada: Person, settings: Settings, database: Database
    ) -> None:
        """A token that is used again waits for who changes the account, and neither
        stands in the other's way."""
        for generation in range(2):
            claim = RefreshClaim(UUID(ada.session_id), generation)
            await services.sessions.refresh(claim, HOME)
        async with database.writing() as held:
            user = await UserRepository(held).lock(UUID(ada.id))
            assert user is not None
            waiting = begin_refresh(services, ada)
            await until_it_waits(settings, database)
            await SessionRepository(held).end_all_of_user(
                user.id, EndReason.PASSWORD_CHANGED, services.clock()
            )
        with pytest.raises(SessionEndedError) as refusal:
            await waiting
        assert refusal.value.extra["reason"] == EndReason.PASSWORD_CHANGED

    async def test_all_are_ended_twice(
        self,
        client: httpx2.AsyncClient,
        services: Services,
        ada: Person,
        settings: Settings,
        database: Database,
    ) -> None:
        """Who signs out everywhere waits for who changes the account, whichever of its
        sessions that one has locked first."""
        newest = await sign_in(client, ada)
        async with database.writing() as held:
            await UserRepository(held).lock(UUID(ada.id))
            await SessionRepository(held).lock(UUID(newest.session_id))
            ending = services.sessions.end_all(UUID(ada.id), EndReason.ENDED_BY_ADMIN)
            waiting = asyncio.create_task(ending)
            await until_it_waits(settings, database)
            await SessionRepository(held).end_all_of_user(
                UUID(ada.id), EndReason.PASSWORD_CHANGED, services.clock()
            )
        await waiting
        row = await stored(database, UUID(ada.session_id))
        assert row.end_reason == EndReason.PASSWORD_CHANGED

    async def test_the_rival_rotates(
        self, services: Services, ada: Person, settings: Settings, database: Database
    ) -> None:
        """Whoever waited for another rotation looks again, and repeats it."""
        session_id = UUID(ada.session_id)
        async with database.writing() as held:
            row = await SessionRepository(held).get(session_id)
            assert row is not None
            row.generation = 1
            await held.flush()
            waiting = begin_refresh(services, ada)
            await until_it_waits(settings, database)
        _, answered = await waiting
        assert answered.generation == 1
        assert (await stored(database, session_id)).generation == 1

    async def test_the_rival_renews(
        self,
        services: Services,
        ada: Person,
        settings: Settings,
        database: Database,
        clock: FakeClock,
    ) -> None:
        """A session that was renewed just before its time was over goes on."""
        clock.tick(days=30)
        async with database.writing() as held:
            row = await SessionRepository(held).get(UUID(ada.session_id))
            assert row is not None
            row.expires_at += timedelta(days=1)
            await held.flush()
            waiting = begin_refresh(services, ada)
            await until_it_waits(settings, database)
        _, answered = await waiting
        assert (answered.generation, answered.end_reason) == (1, None)

    async def test_the_rival_signs_out(
        self, services: Services, ada: Person, settings: Settings, database: Database
    ) -> None:
        """A session that ends while a refresh waits stays ended."""
        session_id = UUID(ada.session_id)
        async with database.writing() as held:
            row = await SessionRepository(held).get(session_id)
            assert row is not None
            await SessionRepository(held).end(
                row, EndReason.SIGNED_OUT, services.clock()
            )
            waiting = begin_refresh(services, ada)
            await until_it_waits(settings, database)
        with pytest.raises(SessionEndedError):
            await waiting
        after = await stored(database, session_id)
        assert (after.generation, after.end_reason) == (0, EndReason.SIGNED_OUT)

    async def test_two_end_it(
        self, services: Services, ada: Person, settings: Settings, database: Database
    ) -> None:
        """Who ends a session that somebody else is just ending is told that it is gone,
        and the first reason stays."""
        user_id, session_id = UUID(ada.id), UUID(ada.session_id)
        async with database.writing() as held:
            row = await SessionRepository(held).get(session_id)
            assert row is not None
            await SessionRepository(held).end(
                row, EndReason.SIGNED_OUT, services.clock()
            )
            ending = services.sessions.end_own(user_id, session_id, uuid4())
            waiting = asyncio.create_task(ending)
            await until_it_waits(settings, database)
        with pytest.raises(SessionNotFoundError):
            await waiting
        after = await stored(database, session_id)
        assert after.end_reason == EndReason.SIGNED_OUT

    async def test_the_rival_deletes_the_user(
        self, services: Services, ada: Person, settings: Settings, database: Database
    ) -> None:
        """A refresh that waited for a deletion finds nothing any more."""
        async with database.writing() as held:
            user = await UserRepository(held).lock(UUID(ada.id))
            assert user is not None
            await UserRepository(held).delete(user)
            waiting = begin_refresh(services, ada)
            await until_it_waits(settings, database)
        with pytest.raises(InvalidRefreshTokenError):
            await waiting

    async def test_the_user_is_disabled(
        self, services: Services, ada: Person, settings: Settings, database: Database
    ) -> None:
        """Also by somebody who forgets to end the sessions."""
        session_id, user_id = UUID(ada.session_id), UUID(ada.id)
        async with database.writing() as held:
            for change in (
                update(User)
                .where(User.id == user_id)
                .values(status=UserStatus.DISABLED),
                update(Session).where(Session.id == session_id).values(confirmed=True),
            ):
                await held.execute(change)
            waiting = begin_refresh(services, ada)
            await until_it_waits(settings, database)
        with pytest.raises(SessionEndedError) as refusal:
            await waiting
        assert refusal.value.extra["reason"] == EndReason.USER_DISABLED
        row = await stored(database, session_id)
        assert row.end_reason == EndReason.USER_DISABLED


async def refreshed_late(
    services: Services, ada: Person, clock: FakeClock, **wait: int
) -> Outcome:
    """Refresh while nobody may write for so long: all connections are in use."""
    settings = services.settings
    connections = 1 if settings.is_sqlite else settings.database_pool_size
    async with AsyncExitStack() as stack:
        for _ in range(connections):
            held = await stack.enter_async_context(services.database.writing())
            await held.connection()
        waiting = begin_refresh(services, ada)
        await asyncio.sleep(0)
        clock.tick(**wait)
    return await waiting


class TestTurn:
    """Sessions.refresh, when it is long until its turn to write."""

    async def test_is_when_it_is_dated(
        self, services: Services, ada: Person, clock: FakeClock, database: Database
    ) -> None:
        """The grace period begins with the rotation, not with the wait for it."""
        await refreshed_late(services, ada, clock, seconds=20)
        row = await stored(database, UUID(ada.session_id))
        assert row.rotated_at == clock()

    async def test_is_when_it_is_judged(
        self, services: Services, ada: Person, clock: FakeClock
    ) -> None:
        """A session whose time ends meanwhile has ended."""
        with pytest.raises(SessionEndedError) as refusal:
            await refreshed_late(services, ada, clock, days=30)
        assert refusal.value.extra["reason"] == EndReason.IDLE_TIMEOUT
