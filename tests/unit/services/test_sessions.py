"""Sessions being refreshed, on a real database."""

import logging
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm.attributes import set_committed_value

from app.core.client import Client
from app.core.config import Settings
from app.core.exceptions import (
    BusyError,
    InvalidRefreshTokenError,
    SessionEndedError,
)
from app.core.security import RefreshClaim
from app.database import Database
from app.models import (
    Account,
    EndReason,
    Session,
    SessionState,
    User,
    UserStatus,
    new_id,
)
from app.repositories import SessionRepository
from app.services.container import Services
from app.services.rotation import Verdict
from app.services.sessions import Sessions
from tests.support.clock import FakeClock
from tests.support.people import Person
from tests.support.services import mail_of
from tests.support.stored_sessions import change, found, orphan, stored, stored_user

AT_HOME = Client("192.0.2.7", "Mozilla/5.0 (X11; Linux) Firefox/140.0")


class Late(Sessions):
    """Is never the first who wants to change a session, and so reads it before."""

    async def _rotate_newest(self, *_: object) -> None:
        return None


class OutpacedOnce(Late):
    """Sees a row the first time as it was before somebody else changed it."""

    earlier: Callable[[Session], None] | None = None

    def _judge(self, presented: int, row: Session) -> Verdict:
        if self.earlier is not None:
            self.earlier(row)
            self.earlier = None
        return super()._judge(presented, row)


class OutpacedAlways(Late):
    """Never sees a row as it is: somebody else rotates it all the time."""

    def _judge(self, presented: int, row: Session) -> Verdict:
        set_committed_value(row, "generation", presented - 1)
        return super()._judge(presented, row)


class EndedMeanwhile(Late):
    """Has the session end after it was seen alive."""

    async def _owner(
        self, session: AsyncSession, row: Session | SessionState
    ) -> Account:
        reason, now = EndReason.SIGNED_OUT, self._clock()
        assert await SessionRepository(session).end(row, reason, now)
        return await super()._owner(session, row)


@pytest.fixture
def session_id(ada: Person) -> UUID:
    """Ada's session."""
    return UUID(ada.session_id)


async def refresh(services: Services, session_id: UUID, generation: int) -> int:
    """Present a genuine token; return the generation of the answer."""
    claim = RefreshClaim(session_id, generation)
    _, row = await services.sessions.refresh(claim, AT_HOME)
    return row.generation


async def refused(services: Services, session_id: UUID, generation: int) -> str:
    """Present a genuine token that must be refused; return why."""
    with pytest.raises(SessionEndedError) as refusal:
        await refresh(services, session_id, generation)
    return str(refusal.value.extra["reason"])


class TestRefresh:
    """Sessions.refresh."""

    async def test_current_token_rotates(
        self, services: Services, session_id: UUID, database: Database, clock: FakeClock
    ) -> None:
        """The row holds the next generation, unconfirmed, and who asked when."""
        await change(database, session_id, confirmed=True)
        clock.tick(minutes=10)
        assert await refresh(services, session_id, 0) == 1
        row = await stored(database, session_id)
        assert (row.generation, row.confirmed) == (1, False)
        assert (row.rotated_at, row.last_used_at) == (clock(), clock())
        assert row.expires_at == clock() + timedelta(days=30)
        assert (row.ip, row.user_agent) == (AT_HOME.ip, AT_HOME.user_agent)
        assert row.device == "Firefox on Linux"

    async def test_owner_comes_with_the_session(
        self, services: Services, ada: Person, session_id: UUID
    ) -> None:
        """The answer names the user with the roles that the tokens will carry."""
        user, _ = await services.sessions.refresh(RefreshClaim(session_id, 0), AT_HOME)
        assert (str(user.id), user.role_names) == (ada.id, ("user",))

    async def test_previous_token_within_grace_rotates_nothing(
        self, services: Services, session_id: UUID, database: Database, clock: FakeClock
    ) -> None:
        """A second tab gets the same generation, though the first has used it."""
        await refresh(services, session_id, 0)
        await change(database, session_id, confirmed=True)
        before = vars(await stored(database, session_id)).copy()
        clock.tick(seconds=30)
        assert await refresh(services, session_id, 0) == 1
        after = vars(await stored(database, session_id)).copy()
        del before["_sa_instance_state"], after["_sa_instance_state"]
        assert after == before

    async def test_lost_answer_is_given_again_days_later(
        self, services: Services, session_id: UUID, database: Database, clock: FakeClock
    ) -> None:
        """Nothing rotates, and the session lives."""
        await refresh(services, session_id, 0)
        clock.tick(days=3)
        assert await refresh(services, session_id, 0) == 1
        row = await stored(database, session_id)
        assert (row.generation, row.confirmed, row.ended_at) == (1, False, None)

    async def test_lost_answer_given_again_keeps_the_session_alive(
        self, services: Services, session_id: UUID, database: Database, clock: FakeClock
    ) -> None:
        """Who comes back just before the idle time is over has all of it again."""
        await refresh(services, session_id, 0)
        clock.tick(days=29)
        await refresh(services, session_id, 0)
        clock.tick(days=29)
        assert await refresh(services, session_id, 1) == 2

    async def test_second_tab_may_ask_for_the_lost_answer_too(
        self, services: Services, session_id: UUID, database: Database, clock: FakeClock
    ) -> None:
        """Days after a lost answer two tabs ask; the faster one's use hurts nobody."""
        await refresh(services, session_id, 0)
        clock.tick(days=3)
        await refresh(services, session_id, 0)
        await change(database, session_id, confirmed=True)
        clock.tick(seconds=30)
        assert await refresh(services, session_id, 0) == 1

    async def test_confirmed_generation_is_not_handed_out_for_longer_by_asking(
        self, services: Services, session_id: UUID, database: Database, clock: FakeClock
    ) -> None:
        """Asking again and again does not prolong the grace period for a thief."""
        await refresh(services, session_id, 0)
        await change(database, session_id, confirmed=True)
        clock.tick(seconds=20)
        await refresh(services, session_id, 0)
        clock.tick(seconds=11)
        assert await refused(services, session_id, 0) == "token_reused"

    async def test_reused_token_ends_the_session(
        self,
        services: Services,
        session_id: UUID,
        database: Database,
        clock: FakeClock,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        """The end is stored though the request is refused, and logged as a warning."""
        await refresh(services, session_id, 0)
        await change(database, session_id, confirmed=True)
        clock.tick(seconds=31)
        assert await refused(services, session_id, 0) == "token_reused"
        row = await stored(database, session_id)
        assert (row.end_reason, row.ended_at) == (EndReason.TOKEN_REUSED, clock())
        (line,) = [r for r in caplog.records if r.message == "session.ended"]
        assert line.levelno == logging.WARNING

    async def test_token_of_two_rotations_ago_is_reused(
        self, services: Services, session_id: UUID
    ) -> None:
        """Even at once; then the newest token is worth nothing either."""
        await refresh(services, session_id, 0)
        await refresh(services, session_id, 1)
        assert await refused(services, session_id, 0) == "token_reused"
        assert await refused(services, session_id, 2) == "token_reused"

    async def test_token_newer_than_the_database_goes_on(
        self, services: Services, session_id: UUID, database: Database
    ) -> None:
        """After a restored backup the generation jumps to the token's successor."""
        assert await refresh(services, session_id, 7) == 8
        assert (await stored(database, session_id)).generation == 8

    async def test_session_that_is_gone(self, services: Services, ada: Person) -> None:
        """A genuine token of a deleted session is an invalid one."""
        with pytest.raises(InvalidRefreshTokenError):
            await refresh(services, new_id(), 0)

    async def test_owner_that_is_gone(
        self, services: Services, ada: Person, settings: Settings, database: Database
    ) -> None:
        """A session whose user vanished meanwhile gets nothing."""
        await orphan(settings, database, UUID(ada.id))
        with pytest.raises(InvalidRefreshTokenError):
            await refresh(services, UUID(ada.session_id), 0)

    async def test_disabled_owner(
        self,
        services: Services,
        ada: Person,
        database: Database,
        clock: FakeClock,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        """The session ends with the reason, though nothing has ended it before."""
        session_id = UUID(ada.session_id)
        async with database.writing() as session:
            user = await stored_user(database, UUID(ada.id))
            user.status = UserStatus.DISABLED
            await session.merge(user)
        caplog.set_level(logging.INFO)
        assert await refused(services, session_id, 0) == "user_disabled"
        row = await stored(database, session_id)
        assert (row.end_reason, row.ended_at) == (EndReason.USER_DISABLED, clock())
        (line,) = [r for r in caplog.records if r.message == "session.ended"]
        assert line.levelno == logging.INFO


class TestTimeIsOver:
    """Sessions.refresh, when the session has lasted long enough."""

    async def test_idle(
        self, services: Services, session_id: UUID, database: Database, clock: FakeClock
    ) -> None:
        """30 days without a refresh end it, at that moment."""
        over = clock() + timedelta(days=30)
        clock.tick(days=31)
        assert await refused(services, session_id, 0) == "idle_timeout"
        row = await stored(database, session_id)
        assert (row.end_reason, row.ended_at) == (EndReason.IDLE_TIMEOUT, over)

    async def test_one_moment_before(
        self, services: Services, session_id: UUID, clock: FakeClock
    ) -> None:
        """A refresh just in time counts; at the very moment it is too late."""
        clock.tick(days=30, microseconds=-1)
        assert await refresh(services, session_id, 0) == 1
        clock.tick(days=30)
        assert await refused(services, session_id, 1) == "idle_timeout"

    async def test_age(
        self, services: Services, session_id: UUID, database: Database, clock: FakeClock
    ) -> None:
        """90 days end it, however busy it was."""
        born = clock()
        for generation in range(4):
            clock.tick(days=20)
            await refresh(services, session_id, generation)
        row = await stored(database, session_id)
        assert row.expires_at == row.max_expires_at == born + timedelta(days=90)
        clock.tick(days=10)
        assert await refused(services, session_id, 4) == "max_age"
        assert (await stored(database, session_id)).end_reason == EndReason.MAX_AGE


class TestOutpaced:
    """Sessions.refresh, when somebody else changes the session in between."""

    def outpaced(
        self,
        settings: Settings,
        database: Database,
        clock: FakeClock,
        **earlier: object,
    ) -> OutpacedOnce:
        """Return sessions that see one row once as it was earlier."""
        sessions = OutpacedOnce(
            settings, database, clock, mail_of(settings, database, clock).notices
        )

        def look_back(row: Session) -> None:
            for name, value in earlier.items():
                set_committed_value(row, name, value)

        sessions.earlier = look_back
        return sessions

    async def test_by_a_rotation(
        self,
        services: Services,
        session_id: UUID,
        settings: Settings,
        database: Database,
        clock: FakeClock,
    ) -> None:
        """The loser of two rotations gets the winner's generation."""
        await refresh(services, session_id, 0)
        await change(database, session_id, confirmed=True)
        first = clock()
        clock.tick(seconds=5)
        sessions = self.outpaced(settings, database, clock, generation=0)
        _, answered = await sessions.refresh(RefreshClaim(session_id, 0), AT_HOME)
        assert answered.generation == 1
        row = await stored(database, session_id)
        assert (row.generation, row.rotated_at, row.confirmed) == (1, first, True)

    async def test_by_a_use_of_the_lost_answer(
        self,
        services: Services,
        session_id: UUID,
        settings: Settings,
        database: Database,
        clock: FakeClock,
    ) -> None:
        """An answer that turns out to have arrived is not given again days later."""
        await refresh(services, session_id, 0)
        await change(database, session_id, confirmed=True)
        clock.tick(days=3)
        sessions = self.outpaced(settings, database, clock, confirmed=False)
        with pytest.raises(SessionEndedError):
            await sessions.refresh(RefreshClaim(session_id, 0), AT_HOME)

    @pytest.mark.parametrize(
        "generation", [0, 1, 2], ids=["reused", "renewed", "rotated"]
    )
    async def test_by_a_sign_out(
        self,
        services: Services,
        session_id: UUID,
        settings: Settings,
        database: Database,
        clock: FakeClock,
        generation: int,
    ) -> None:
        """A session that ended in between keeps its end, and nothing is handed out."""
        await refresh(services, session_id, 0)
        await refresh(services, session_id, 1)
        sessions = EndedMeanwhile(
            settings, database, clock, mail_of(settings, database, clock).notices
        )
        with pytest.raises(SessionEndedError) as refusal:
            await sessions.refresh(RefreshClaim(session_id, generation), AT_HOME)
        assert refusal.value.extra["reason"] == EndReason.SIGNED_OUT
        row = await stored(database, session_id)
        assert (row.generation, row.end_reason) == (2, EndReason.SIGNED_OUT)

    async def test_by_a_deletion(
        self, services: Services, session_id: UUID, database: Database
    ) -> None:
        """A session deleted meanwhile is gone."""
        row = await stored(database, session_id)
        async with database.writing() as session:
            await session.execute(delete(User).where(User.id == row.user_id))
        assert await found(database, session_id) is None
        with pytest.raises(InvalidRefreshTokenError):
            await refresh(services, session_id, 0)

    async def test_for_ever(
        self, session_id: UUID, settings: Settings, database: Database, clock: FakeClock
    ) -> None:
        """Who is always outpaced is told to come back, and nothing is changed."""
        sessions = OutpacedAlways(
            settings, database, clock, mail_of(settings, database, clock).notices
        )
        with pytest.raises(BusyError):
            await sessions.refresh(RefreshClaim(session_id, 0), AT_HOME)
        row = await stored(database, session_id)
        assert (row.generation, row.ended_at) == (0, None)
