"""Seeded defects: the service with one guard removed, to show that it would be seen.

Only the launcher applies them, in a server process of the harness.
"""

import asyncio
import random
from collections.abc import Callable
from contextlib import suppress
from contextvars import ContextVar
from typing import Any

from sqlalchemy import select, update

from app.core.exceptions import AppError
from app.core.logging import request_id
from app.database import Database
from app.models import Message, Session
from app.repositories.sessions import SessionRepository
from app.services.delivery import Delivery
from app.services.mail_requests import MailRequests
from app.services.principals import PrincipalCache
from app.services.sessions import Sessions

LATE_SECONDS = (0.05, 0.2)
"""How long after the answer a late commit comes."""

STALE_SECONDS = 0.02
"""How old what a careless rotation rests on is."""


MAIL_SECONDS = 30.0
"""How long a request waits at most for its mail to be sent."""


def apply(name: str) -> None:
    """Remove a guard.

    Raises:
        KeyError: If there is no such defect.
        LookupError: If the service has changed, and the guard is no longer there.
    """
    DEFECTS[name]()


def commit_after_answer() -> None:
    """Answer first, and save a moment later."""
    original = _replaceable(Database, "_commit")
    under_way: set[asyncio.Task[None]] = set()

    async def save_late(self: Database, session: Any, close: Any) -> None:
        await asyncio.sleep(random.uniform(*LATE_SECONDS))
        try:
            await original(self, session)
        finally:
            await close()

    async def commit(self: Database, session: Any) -> Any:
        if request_id.get() is None:
            return await original(self, session)  # No answer waits for it.
        await session.flush()  # Gives new rows their ids.
        close = session.close
        session.close = _nothing  # The caller's, which would roll back.
        task = asyncio.create_task(save_late(self, session, close))
        under_way.add(task)
        task.add_done_callback(under_way.discard)

    Database._commit = commit  # type: ignore[method-assign]


def no_compare_and_set() -> None:
    """Judge a refresh by what was read before, and count on without looking again."""
    refresh = _replaceable(Sessions, "refresh")
    get = _replaceable(SessionRepository, "get")
    _replaceable(SessionRepository, "rotate")
    _replaceable(Sessions, "_rotate_newest")
    seen: ContextVar[Any] = ContextVar("seen", default=None)

    async def refresh_carelessly(self: Sessions, claim: Any, client: Any) -> Any:
        async with self._database.reading() as session:
            row = await get(SessionRepository(session), claim.session_id)
        await asyncio.sleep(STALE_SECONDS)
        token = seen.set(row)
        try:
            return await refresh(self, claim, client)
        finally:
            seen.reset(token)

    async def get_stale(self: SessionRepository, session_id: Any) -> Any:
        return seen.get() or await get(self, session_id)

    async def rotate(self: SessionRepository, row: Session, to: Any) -> Any:
        values = {**vars(to), "generation": Session.generation + 1}
        statement = (
            update(Session)
            .where(Session.id == row.id)
            .values(confirmed=False, last_used_at=to.rotated_at, **values)
            .returning(Session)
            .execution_options(populate_existing=True, synchronize_session=False)
        )
        return await self._session.scalar(statement)

    async def never_first(*_: Any) -> None:
        return None

    Sessions._rotate_newest = never_first  # type: ignore[assignment,method-assign]
    Sessions.refresh = refresh_carelessly  # type: ignore[method-assign]
    SessionRepository.get = get_stale  # type: ignore[method-assign]
    SessionRepository.rotate = rotate  # type: ignore[method-assign]


def drops_kept_writes() -> None:
    """Roll back what must be kept although the request is refused."""
    keeping = [kind for kind in _subclasses(AppError) if kind.keeps_writes]
    if not keeping:
        raise LookupError("no error keeps writes any more")
    for kind in keeping:
        kind.keeps_writes = False


def no_cache_drop() -> None:
    """Never forget callers who have changed."""
    _replaceable(PrincipalCache, "drop")

    def keep(self: PrincipalCache, changes: object) -> None:
        """Hear of changes, and do nothing."""

    PrincipalCache.drop = keep  # type: ignore[method-assign]


def notes_before_sending() -> None:
    """Note a mail as sent, and send it then, if that works."""
    deliver = _replaceable(Delivery, "_deliver")
    sent = _replaceable(Delivery, "_sent")

    async def deliver_carelessly(self: Delivery, connection: Any, message: Any) -> None:
        await sent(self, message)
        await deliver(self, connection, message)

    Delivery._deliver = deliver_carelessly  # type: ignore[method-assign]


def answers_after_sending() -> None:
    """Answer a request for mail when the mail server has taken it."""
    ask = _replaceable(MailRequests, "ask")

    async def ask_and_wait(self: MailRequests, *given: Any, **named: Any) -> Any:
        challenge = await ask(self, *given, **named)
        sent = select(Message.sent_at).where(Message.challenge_id == challenge)
        with suppress(TimeoutError):
            async with asyncio.timeout(MAIL_SECONDS):
                while not await _scalar(self._database, sent):
                    await asyncio.sleep(STALE_SECONDS)
        return challenge

    MailRequests.ask = ask_and_wait  # type: ignore[method-assign]


DEFECTS: dict[str, Callable[[], None]] = {
    defect.__name__: defect
    for defect in (
        commit_after_answer,
        no_compare_and_set,
        drops_kept_writes,
        no_cache_drop,
        notes_before_sending,
        answers_after_sending,
    )
}


def _replaceable(owner: type, name: str) -> Any:
    """Return a method that is about to be replaced; fail if there is none."""
    if name not in vars(owner):
        raise LookupError(f"{owner.__name__}.{name} is no longer there")
    return vars(owner)[name]


def _subclasses(kind: type[AppError]) -> list[type[AppError]]:
    below = [kind.__subclasses__(), *map(_subclasses, kind.__subclasses__())]
    return [one for several in below for one in several]


async def _scalar(database: Database, statement: Any) -> Any:
    async with database.reading() as session:
        return await session.scalar(statement)


async def _nothing() -> None:
    """Leave closing to whoever saves."""
