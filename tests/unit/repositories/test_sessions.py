"""SessionRepository: what is changed, and what is left alone."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from app.database import Changes, Database
from app.models import EndReason, Session, User
from app.repositories import SessionRepository
from app.repositories.sessions import End, Rotation
from tests.support.rows import NOW, new_session, new_user
from tests.support.stored_sessions import change, stored

NEXT = Rotation(1, NOW, NOW + timedelta(days=1), "192.0.2.9", "curl/8.0", "curl")

Act = Callable[[SessionRepository, Session], Awaitable[object]]
CHANGES: dict[str, Act] = {
    "rotate": lambda sessions, row: sessions.rotate(row, NEXT),
    "confirm": lambda sessions, row: sessions.confirm(row),
    "end": lambda sessions, row: sessions.end(row, EndReason.SIGNED_OUT, NOW),
    "end as seen": lambda sessions, row: sessions.end_as_seen(
        row, End(EndReason.TOKEN_REUSED, NOW)
    ),
}
EACH_CHANGE = pytest.mark.parametrize("act", CHANGES.values(), ids=CHANGES)
EACH_END = pytest.mark.parametrize("act", ["end", "end as seen"])

MOVED_ON: dict[str, tuple[Act, dict[str, object]]] = {
    "rotate, rotated": (CHANGES["rotate"], {"generation": 1}),
    "rotate, confirmed": (CHANGES["rotate"], {"confirmed": True}),
    "rotate, ended": (CHANGES["rotate"], {"ended_at": NOW}),
    "confirm, rotated": (CHANGES["confirm"], {"generation": 1}),
    "end, ended": (CHANGES["end"], {"ended_at": NOW}),
    "end as seen, renewed": (
        CHANGES["end as seen"],
        {"expires_at": NOW + timedelta(days=2)},
    ),
    "end as seen, ended": (CHANGES["end as seen"], {"ended_at": NOW}),
}


def columns(row: Session) -> dict[str, object]:
    """Return what stands in a row."""
    return {column.name: getattr(row, column.name) for column in Session.__table__.c}


@pytest.fixture
async def user(database: Database) -> User:
    """Somebody with two sessions that differ in nothing but their ids."""
    user = new_user("ada@example.com")
    async with database.writing() as session:
        session.add(user)
    return user


@pytest.fixture
async def rows(database: Database, user: User) -> list[Session]:
    """Two sessions that differ in nothing but their ids."""
    rows = [new_session(user), new_session(user)]
    async with database.writing() as session:
        session.add_all(rows)
    return rows


class TestChanges:
    """rotate(), confirm(), end() and end_as_seen()."""

    @EACH_CHANGE
    async def test_one_session(
        self, database: Database, rows: list[Session], act: Act
    ) -> None:
        """The session named is changed, and no other."""
        before = [columns(await stored(database, row.id)) for row in rows]
        async with database.writing() as session:
            assert await act(SessionRepository(session), rows[0])
        after = [columns(await stored(database, row.id)) for row in rows]
        assert after[0] != before[0]
        assert after[1] == before[1]

    @EACH_END
    async def test_copies_are_dropped(
        self, database: Database, user: User, rows: list[Session], act: str
    ) -> None:
        """Who keeps copies of the user is told."""
        heard = list[Changes]()
        database.on_change(heard.append)
        async with database.writing() as session:
            await CHANGES[act](SessionRepository(session), rows[0])
        assert heard == [frozenset({str(user.id)})]

    @pytest.mark.parametrize(("act", "moved"), MOVED_ON.values(), ids=MOVED_ON)
    async def test_only_as_it_was_read(
        self,
        database: Database,
        rows: list[Session],
        act: Act,
        moved: dict[str, object],
    ) -> None:
        """A session that has moved on since is left as it is."""
        await change(database, rows[0].id, **moved)
        before = columns(await stored(database, rows[0].id))
        async with database.writing() as session:
            assert not await act(SessionRepository(session), rows[0])
        assert columns(await stored(database, rows[0].id)) == before


class TestEndAllOfUser:
    """end_all_of_user()."""

    async def test_copies_are_dropped(
        self, database: Database, user: User, rows: list[Session]
    ) -> None:
        """Who keeps copies of the user is told."""
        heard = list[Changes]()
        database.on_change(heard.append)
        async with database.writing() as session:
            await SessionRepository(session).end_all_of_user(
                user.id, EndReason.ENDED_BY_ADMIN, NOW, keep=rows[1].id
            )
        assert heard == [frozenset({str(user.id)})]
        ended = [(await stored(database, row.id)).ended_at for row in rows]
        assert ended == [NOW, None]
