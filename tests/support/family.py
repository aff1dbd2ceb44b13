"""One session in a real service, driven step by step by those who hold its tokens."""

import asyncio
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import func, select

from app.core.client import Client
from app.core.config import Settings
from app.core.exceptions import SessionEndedError
from app.main import running
from app.models import EndReason, Session, User
from app.services.container import Services
from app.services.issuing import SignedIn
from tests.support.clock import FakeClock
from tests.support.people import PASSWORD

Result = TypeVar("Result")
OWNER = Client("192.0.2.1", "curl/8.0")


@dataclass(frozen=True)
class Pair:
    """What one good answer carries, and at which generation."""

    refresh_token: str
    access_token: str
    generation: int
    issued_at: datetime

    @classmethod
    def of(cls, signed_in: SignedIn, now: datetime) -> "Pair":
        """Return what a client keeps of an answer."""
        generation = signed_in.session.generation
        return cls(signed_in.refresh_token, signed_in.access_token, generation, now)


class Family:
    """A service with one user and one session, in a loop of its own."""

    def __init__(self, settings: Settings) -> None:
        self.clock = FakeClock()
        self._runner = asyncio.Runner()
        self._stack = AsyncExitStack()
        self._services = self._run(self._open(settings))
        self.first = self._run(self._sign_in())

    def refresh(self, refresh_token: str) -> Pair | EndReason:
        """Present a refresh token; return the new pair, or why there is none."""
        work = self._services.auth.refresh(refresh_token, OWNER)
        try:
            return Pair.of(self._run(work), self.clock())
        except SessionEndedError as error:
            return EndReason(str(error.extra["reason"]))

    def use(self, access_token: str) -> EndReason | None:
        """Ask for something with an access token; return why it is refused, if so."""
        try:
            self._run(self._services.principals.authenticate(access_token))
        except SessionEndedError as error:
            return EndReason(str(error.extra["reason"]))
        return None

    def row(self) -> Session:
        """Return the session as it is stored."""
        return self._run(self._only_row())

    def other_rows(self) -> tuple[int, int, datetime]:
        """Return how many sessions and users there are, and when the user changed."""
        return self._run(self._count())

    def close(self) -> None:
        """Stop the service."""
        self._run(self._stack.aclose())
        self._runner.close()

    def _run(self, work: Coroutine[Any, Any, Result]) -> Result:
        return self._runner.run(work)

    async def _open(self, settings: Settings) -> Services:
        return await self._stack.enter_async_context(running(settings, self.clock))

    async def _sign_in(self) -> Pair:
        auth, sign_up = self._services.auth, self._services.sign_up
        await sign_up.register("ada@example.com", PASSWORD, None, OWNER)
        signed_in = await auth.sign_in("ada@example.com", PASSWORD, OWNER)
        return Pair.of(signed_in, self.clock())

    async def _only_row(self) -> Session:
        async with self._services.database.reading() as session:
            return (await session.scalars(select(Session))).one()

    async def _count(self) -> tuple[int, int, datetime]:
        async with self._services.database.reading() as session:
            sessions = await session.scalar(select(func.count(Session.id)))
            users = await session.scalar(select(func.count(User.id)))
            changed = await session.scalar(select(User.updated_at))
        assert sessions is not None and users is not None and changed is not None
        return sessions, users, changed


@dataclass
class Ledger:
    """What an onlooker knows of a family: the rule told once more, as history.

    Attributes:
        handed_out: When each generation was last given to somebody before anything of
            it was seen.
        seen: The generations of which something has come back.
    """

    grace: timedelta
    handed_out: dict[int, datetime] = field(default_factory=dict)
    seen: set[int] = field(default_factory=set)

    def goes_on(self, generation: int, now: datetime) -> bool:
        """Tell whether whoever presents a token of this generation may go on."""
        successor = generation + 1
        if successor not in self.handed_out:
            return True
        if successor + 1 in self.handed_out:
            return False
        on_its_way = now - self.handed_out[successor] <= self.grace
        return on_its_way or successor not in self.seen

    def note_answer(self, generation: int, now: datetime) -> None:
        """Note that tokens of a generation were given out."""
        if generation not in self.seen:
            self.handed_out[generation] = now

    def note_sight(self, generation: int) -> None:
        """Note that something of a generation has come back."""
        self.seen.add(generation)
