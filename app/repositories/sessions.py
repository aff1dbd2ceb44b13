"""Sessions in the database."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Update,
    bindparam,
    case,
    delete,
    exists,
    or_,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql.dml import ReturningUpdate

from app.core.client import Client
from app.core.metrics import SESSIONS_ENDED
from app.database import note_change
from app.models import OF_ITSELF, EndReason, Session, SessionState, UserStatus
from app.repositories.executing import rows_changed
from app.repositories.pages import Page, PageRequest, fetch_page


@dataclass(frozen=True)
class Rotation:
    """What a session becomes when a generation is handed out.

    Attributes:
        expires_at: When it is over unless it is used; it never outlives its own
            `max_expires_at`.
    """

    generation: int
    rotated_at: datetime
    expires_at: datetime
    ip: str
    user_agent: str
    device: str


@dataclass(frozen=True)
class End:
    """Why and when a session ends."""

    reason: EndReason
    at: datetime


_SESSIONS, _USERS = map(Session.metadata.tables.__getitem__, ("sessions", "users"))

STATE = [_SESSIONS.c[field.name] for field in fields(SessionState)]
"""The columns that a `SessionState` is made of, in its order."""


def _rotation(*conditions: ColumnElement[bool]) -> ReturningUpdate[Any]:
    """Return the statement that hands a generation out.

    Made once, and about the table: to make it takes as long as to execute it, and the
    ORM would make another of it each time.
    """
    new: dict[str, Any] = {
        field.name: bindparam(f"new_{field.name}") for field in fields(Rotation)
    }
    last, idle = _SESSIONS.c.max_expires_at, new["expires_at"]
    return (
        update(_SESSIONS)
        .where(_SESSIONS.c.id == bindparam("seen"))
        .where(_SESSIONS.c.generation == bindparam("seen_generation"))
        .where(_SESSIONS.c.ended_at.is_(None), *conditions)
        .values(new | {"expires_at": case((last < idle, last), else_=idle)})
        .values(last_used_at=new["rotated_at"], confirmed=False)
        .returning(*STATE)
    )


_ROTATE_SEEN = _rotation(_SESSIONS.c.confirmed == bindparam("seen_confirmed"))
_ROTATE_NEWEST = _rotation(
    _SESSIONS.c.expires_at > bindparam("new_rotated_at"),
    exists().where(
        _USERS.c.id == _SESSIONS.c.user_id, _USERS.c.status == UserStatus.ACTIVE
    ),
)


class SessionRepository:
    """Reads and writes sessions; every change is a compare-and-set."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def get(self, session_id: UUID) -> Session | None:
        """Return the session with this id as it is now, ended or not."""
        return await self._session.get(Session, session_id, populate_existing=True)

    async def lock(self, session_id: UUID) -> None:
        """Keep others from ending this session until the end of the transaction."""
        await self._session.get(Session, session_id, with_for_update=True)

    def add(self, row: Session) -> None:
        """Add a new session."""
        self._session.add(row)

    async def has_been_begun_by(self, user_id: UUID, client: Client) -> bool:
        """Tell whether a client like this has signed in to an account before.

        Not if it was thrown out: that may have been a stranger.
        """
        same = (
            Session.user_id == user_id,
            Session.ip == client.ip,
            Session.device == client.device,
            or_(Session.end_reason.is_(None), Session.end_reason.in_(OF_ITSELF)),
        )
        found = await self._session.scalar(select(Session.id).where(*same).limit(1))
        return found is not None

    async def page_of_user(
        self, user_id: UUID, request: PageRequest, now: datetime, *, ended: bool
    ) -> Page[Session]:
        """Return a user's sessions, newest first; ended ones too if asked for."""
        statement = select(Session).where(Session.user_id == user_id)
        if not ended:
            statement = statement.where(
                Session.ended_at.is_(None), Session.expires_at > now
            )
        return await fetch_page(self._session, statement, Session.id, request)

    async def rotate(self, row: Session, to: Rotation) -> SessionState | None:
        """Change a session that still is as it was read; None if it has moved on."""
        seen = {"seen_generation": row.generation, "seen_confirmed": row.confirmed}
        return await self._rotate(_ROTATE_SEEN, row.id, to, seen)

    async def rotate_newest(
        self, session_id: UUID, to: Rotation
    ) -> SessionState | None:
        """Change a session without having read it, if nothing speaks against it.

        It must live, its user must be active, and the generation that is handed out
        must be the next. None if anything of this is not so.
        """
        seen = {"seen_generation": to.generation - 1}
        return await self._rotate(_ROTATE_NEWEST, session_id, to, seen)

    async def confirm(self, row: Session | SessionState) -> bool:
        """Note that something issued at the session's generation has come back."""
        statement = (
            update(Session)
            .where(Session.id == row.id, Session.generation == row.generation)
            .values(confirmed=True)
        )
        return await rows_changed(self._session, statement) > 0

    async def end(
        self, row: Session | SessionState, reason: EndReason, now: datetime
    ) -> bool:
        """End a session; False if it had ended already."""
        statement = update(Session).where(Session.id == row.id)
        return await self._end(statement, End(reason, now), row.user_id)

    async def end_as_seen(self, row: Session, end: End) -> bool:
        """End a session that has not been renewed or ended since; False if it has."""
        statement = update(Session).where(
            Session.id == row.id, Session.expires_at == row.expires_at
        )
        return await self._end(statement, end, row.user_id)

    async def end_all_of_user(
        self,
        user_id: UUID,
        reason: EndReason,
        now: datetime,
        *,
        keep: UUID | None = None,
    ) -> None:
        """End all sessions of a user, but the one to keep."""
        statement = update(Session).where(Session.user_id == user_id)
        if keep is not None:
            statement = statement.where(Session.id != keep)
        await self._end(statement, End(reason, now), user_id)

    async def end_expired(self, now: datetime) -> int:
        """Give every session whose time is over its end and reason; return how many."""
        too_old = Session.expires_at >= Session.max_expires_at
        over = (
            select(Session.id).where(
                Session.ended_at.is_(None), Session.expires_at <= now
            )
            # Others who end several sessions lock them in an order of their own.
            .with_for_update(skip_locked=True)
        )
        statement = (
            update(Session)
            .where(Session.id.in_(over))
            .values(
                ended_at=Session.expires_at,
                end_reason=case(
                    (too_old, EndReason.MAX_AGE), else_=EndReason.IDLE_TIMEOUT
                ),
            )
            .returning(Session.end_reason)
            .execution_options(synchronize_session=False)
        )
        reasons = (await self._session.scalars(statement)).all()
        for reason in reasons:
            SESSIONS_ENDED.labels(reason).inc()
        return len(reasons)

    async def delete_ended_before(self, moment: datetime) -> int:
        """Delete sessions that ended before a moment; return how many."""
        return await rows_changed(
            self._session, delete(Session).where(Session.ended_at < moment)
        )

    async def _rotate(
        self,
        statement: ReturningUpdate[Any],
        session_id: UUID,
        to: Rotation,
        seen: Mapping[str, object],
    ) -> SessionState | None:
        values = {f"new_{name}": value for name, value in vars(to).items()}
        found = await self._session.execute(
            statement, {"seen": session_id, **seen, **values}
        )
        row = found.one_or_none()
        return None if row is None else SessionState(*row)

    async def _end(self, statement: Update, end: End, user_id: UUID) -> bool:
        note_change(self._session, user_id)
        still_alive = statement.where(Session.ended_at.is_(None))
        ended = await rows_changed(
            self._session, still_alive.values(ended_at=end.at, end_reason=end.reason)
        )
        SESSIONS_ENDED.labels(end.reason).inc(ended)
        return ended > 0
