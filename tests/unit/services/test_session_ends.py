"""How sessions begin, end and are forgotten, on a real database."""

import logging
from datetime import timedelta
from uuid import UUID

import httpx2
import pytest

from app.core.client import Client
from app.core.exceptions import SessionNotFoundError
from app.database import Database
from app.models import EndReason, Method, Session, new_id
from app.repositories import UserRepository
from app.repositories.pages import PageRequest
from app.services.container import Services
from tests.support.clock import FakeClock
from tests.support.people import Person, sign_in
from tests.support.stored_sessions import change, found, stored, stored_user


async def ids_of(services: Services, person: Person, *, ended: bool) -> list[UUID]:
    """Return the sessions that a person's list shows."""
    page = await services.sessions.page_of_user(
        UUID(person.id), PageRequest(), ended=ended
    )
    return [row.id for row in page.items]


def ends_logged(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return the reasons of the ends that were logged."""
    records = [r for r in caplog.records if r.message == "session.ended"]
    return [str(vars(record)["reason"]) for record in records]


class TestBegin:
    """Sessions.begin."""

    async def test_new_session(
        self, services: Services, ada: Person, database: Database, clock: FakeClock
    ) -> None:
        """It starts at generation 0, unconfirmed, and knows how long it may last."""
        user = await stored_user(database, UUID(ada.id))
        row = services.sessions.begin(
            user, Client("2001:db8::1", "curl/8.0"), Method.PASSWORD
        )
        assert (row.generation, row.confirmed) == (0, False)
        assert row.created_at == row.rotated_at == row.last_used_at == clock()
        assert row.expires_at == clock() + timedelta(days=30)
        assert row.max_expires_at == clock() + timedelta(days=90)
        assert (row.ip, row.device) == ("2001:db8::1", "curl")

    async def test_nothing_is_saved_yet(
        self, services: Services, ada: Person, database: Database
    ) -> None:
        """Saving is left to the transaction of the sign-in."""
        user = await stored_user(database, UUID(ada.id))
        services.sessions.begin(user, Client("192.0.2.1"), Method.PASSWORD)
        assert len(await ids_of(services, ada, ended=True)) == 1


class TestSignOut:
    """Sessions.sign_out."""

    async def test_ends_once(
        self,
        services: Services,
        ada: Person,
        database: Database,
        clock: FakeClock,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        """The first time and reason stay, and only they are logged."""
        caplog.set_level(logging.INFO)
        session_id, first = UUID(ada.session_id), clock()
        await services.sessions.sign_out(session_id)
        clock.tick(minutes=1)
        await services.sessions.sign_out(session_id)
        row = await stored(database, session_id)
        assert (row.end_reason, row.ended_at) == (EndReason.SIGNED_OUT, first)
        assert ends_logged(caplog) == ["signed_out"]
        (line,) = [r for r in caplog.records if r.message == "session.ended"]
        logged = vars(line)
        assert (logged["ended"], logged["of_user"]) == (ada.session_id, ada.id)

    async def test_session_that_is_gone(
        self, services: Services, ada: Person, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Signing out of a deleted session is done already."""
        caplog.set_level(logging.INFO)
        await services.sessions.sign_out(new_id())
        assert ends_logged(caplog) == []


class TestEndOwn:
    """Sessions.end_own."""

    async def test_here_and_elsewhere(
        self,
        services: Services,
        client: httpx2.AsyncClient,
        ada: Person,
        database: Database,
        clock: FakeClock,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        """The reason says from where a session was ended."""
        caplog.set_level(logging.INFO)
        here, there = UUID(ada.session_id), UUID(
            (await sign_in(client, ada)).session_id
        )
        user = UUID(ada.id)
        await services.sessions.end_own(user, there, current=here)
        await services.sessions.end_own(user, here, current=here)
        rows = [await stored(database, one) for one in (there, here)]
        reasons = [row.end_reason for row in rows]
        assert reasons == [EndReason.SIGNED_OUT_ELSEWHERE, EndReason.SIGNED_OUT]
        assert [row.ended_at for row in rows] == [clock(), clock()]
        assert ends_logged(caplog) == ["signed_out_elsewhere", "signed_out"]

    async def test_somebody_elses(
        self, services: Services, ada: Person, bob: Person, database: Database
    ) -> None:
        """Another user's session is not found, and lives."""
        theirs, mine = UUID(bob.session_id), UUID(ada.session_id)
        with pytest.raises(SessionNotFoundError):
            await services.sessions.end_own(UUID(ada.id), theirs, current=mine)
        assert (await stored(database, theirs)).ended_at is None

    async def test_unknown(self, services: Services, ada: Person) -> None:
        """An id that is no session's is not found."""
        mine = UUID(ada.session_id)
        with pytest.raises(SessionNotFoundError):
            await services.sessions.end_own(UUID(ada.id), new_id(), current=mine)

    async def test_ended(
        self, services: Services, ada: Person, database: Database
    ) -> None:
        """A session that has ended is not found, and keeps its reason."""
        mine = UUID(ada.session_id)
        await services.sessions.end_all(UUID(ada.id), EndReason.ENDED_BY_ADMIN)
        with pytest.raises(SessionNotFoundError):
            await services.sessions.end_own(UUID(ada.id), mine, current=mine)
        row = await stored(database, mine)
        assert row.end_reason == EndReason.ENDED_BY_ADMIN

    async def test_over(
        self, services: Services, ada: Person, database: Database, clock: FakeClock
    ) -> None:
        """A session whose time is over, but not noted yet, is not found."""
        mine = UUID(ada.session_id)
        clock.tick(days=30)
        with pytest.raises(SessionNotFoundError):
            await services.sessions.end_own(UUID(ada.id), mine, current=mine)


class TestEndAll:
    """Sessions.end_all."""

    @pytest.mark.parametrize("reason", list(EndReason), ids=str)
    async def test_every_reason_is_kept(
        self,
        services: Services,
        ada: Person,
        database: Database,
        reason: EndReason,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        """Each reason can be stored and is read back, for this user's sessions."""
        caplog.set_level(logging.INFO)
        await services.sessions.end_all(UUID(ada.id), reason)
        row = await stored(database, UUID(ada.session_id))
        assert row.end_reason == reason
        (line,) = [r for r in caplog.records if r.message == "session.all_ended"]
        logged = vars(line)
        assert (logged["of_user"], logged["reason"]) == (ada.id, reason)

    async def test_only_living_ones_of_this_user(
        self,
        services: Services,
        client: httpx2.AsyncClient,
        ada: Person,
        bob: Person,
        database: Database,
    ) -> None:
        """The kept one, ended ones and other people's stay as they are."""
        kept, ended, last = ada, await sign_in(client, ada), await sign_in(client, ada)
        await services.sessions.sign_out(UUID(ended.session_id))
        await services.sessions.end_all(
            UUID(ada.id), EndReason.PASSWORD_CHANGED, keep=UUID(kept.session_id)
        )
        reasons = [
            (await stored(database, UUID(one.session_id))).end_reason
            for one in (kept, ended, last, bob)
        ]
        assert reasons == [None, EndReason.SIGNED_OUT, EndReason.PASSWORD_CHANGED, None]

    async def test_account_that_is_gone(
        self,
        services: Services,
        ada: Person,
        database: Database,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        """Of an account that was deleted meanwhile nothing is ended, or logged."""
        caplog.set_level(logging.INFO)
        async with database.writing() as session:
            gone = await services.users.find(session, UUID(ada.id))
            await UserRepository(session).delete(gone)
        await services.sessions.end_all(UUID(ada.id), EndReason.ENDED_BY_ADMIN)
        assert "session.all_ended" not in {one.message for one in caplog.records}


class TestPage:
    """Sessions.page_of_user."""

    async def test_living_or_all(
        self,
        services: Services,
        client: httpx2.AsyncClient,
        ada: Person,
        bob: Person,
        clock: FakeClock,
    ) -> None:
        """Newest first; ended and expired ones only when asked for; nobody else's."""
        second = await sign_in(client, ada)
        await services.sessions.sign_out(UUID(second.session_id))
        clock.tick(days=31)
        third = await sign_in(client, ada)
        every = [UUID(p.session_id) for p in (third, second, ada)]
        assert await ids_of(services, ada, ended=False) == every[:1]
        assert await ids_of(services, ada, ended=True) == every


class TestTidy:
    """Sessions.tidy."""

    async def test_notes_the_end_of_idle_and_old_sessions(
        self,
        services: Services,
        ada: Person,
        bob: Person,
        database: Database,
        clock: FakeClock,
    ) -> None:
        """Each gets the moment and the reason that a refresh would have given it."""
        idle, old = UUID(ada.session_id), UUID(bob.session_id)
        over = clock() + timedelta(days=30)
        await change(database, old, max_expires_at=over)
        clock.tick(days=30)
        await services.sessions.tidy()
        rows = [await stored(database, one) for one in (idle, old)]
        assert [row.end_reason for row in rows] == ["idle_timeout", "max_age"]
        assert [row.ended_at for row in rows] == [over, over]

    async def test_living_ones_stay(
        self,
        services: Services,
        ada: Person,
        database: Database,
        clock: FakeClock,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        """One moment before its time a session is left alone; nothing is logged."""
        caplog.set_level(logging.INFO)
        clock.tick(days=30, microseconds=-1)
        await services.sessions.tidy()
        assert (await stored(database, UUID(ada.session_id))).ended_at is None
        assert not [r for r in caplog.records if r.message == "session.tidied"]

    async def test_reasons_are_not_overwritten(
        self, services: Services, ada: Person, database: Database, clock: FakeClock
    ) -> None:
        """What has ended for another reason keeps it when its time is over too."""
        await services.sessions.sign_out(UUID(ada.session_id))
        clock.tick(days=30)
        await services.sessions.tidy()
        row = await stored(database, UUID(ada.session_id))
        assert row.end_reason == EndReason.SIGNED_OUT

    async def test_forgets_what_ended_long_ago(
        self,
        services: Services,
        ada: Person,
        database: Database,
        clock: FakeClock,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        """An ended session can be looked at for 90 days, and then is deleted."""
        caplog.set_level(logging.INFO)
        session_id = UUID(ada.session_id)
        await services.sessions.sign_out(session_id)
        clock.tick(days=90)
        await services.sessions.tidy()
        assert await found(database, session_id) is not None
        clock.tick(microseconds=1)
        await services.sessions.tidy()
        assert await found(database, session_id) is None
        (line,) = [r for r in caplog.records if r.message == "session.tidied"]
        assert (vars(line)["ended"], vars(line)["deleted"]) == (0, 1)


class TestShortLife:
    """Sessions that may last less than they may idle."""

    def test_age_comes_first(self, clock: FakeClock) -> None:
        """Where both are over at the same moment, it ended by age."""
        row = Session(expires_at=clock(), max_expires_at=clock())
        assert row.why_ended(clock()) is EndReason.MAX_AGE
        assert row.why_ended(clock() - timedelta(microseconds=1)) is None
