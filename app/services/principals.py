"""Who is calling: the user, session and permissions behind an access token."""

import logging
import weakref
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cached_property
from uuid import UUID

from cachetools import LRUCache
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import Clock
from app.core.exceptions import PermissionDeniedError, SessionEndedError
from app.core.metrics import PRINCIPAL_LOOKUPS
from app.core.security import AccessClaims, AccessTokens
from app.database import EVERYTHING, Changes, Database
from app.models import ADMIN, Account, EndReason, Session, SessionState, User
from app.repositories import RoleRepository, SessionRepository, UserRepository
from app.repositories.roles import ALL_ROLES
from app.services.invalidation import Lease
from app.services.keys import Keys

logger = logging.getLogger(__name__)

REMEMBERED_USERS = 10_000
REMEMBERED_SESSIONS = 16
"""Of one user."""

_HITS = PRINCIPAL_LOOKUPS.labels("hit")
_MISSES = PRINCIPAL_LOOKUPS.labels("miss")
_OF_EVERYBODY = frozenset({ALL_ROLES, EVERYTHING})


class _Permitted:
    """Somebody who may do what the roles of their account allow."""

    user: User | Account

    def holds(self, permission: str) -> bool:
        """Tell whether the caller has a permission; an admin has every one."""
        return permission in self.user.permissions or ADMIN in self.user.role_names

    def must_hold(self, *permissions: str) -> None:
        """Refuse a caller who lacks one of these.

        Raises:
            PermissionDeniedError: If so.
        """
        if not all(self.holds(permission) for permission in permissions):
            raise PermissionDeniedError


@dataclass(frozen=True, eq=False)
class Principal(_Permitted):
    """A caller whose token, session and account have been checked."""

    user: Account
    session: SessionState

    @cached_property
    def names(self) -> dict[str, str]:
        """What the log calls the caller."""
        return {"user_id": str(self.user.id), "session_id": str(self.session.id)}


@dataclass(frozen=True)
class Actor(_Permitted):
    """A caller who is about to change something: nobody else changes them meanwhile."""

    user: User
    session: Session


@dataclass(eq=False)
class Load:
    """A principal on its way from the database, and what changed meanwhile."""

    changed: set[str] = field(default_factory=set)


class PrincipalCache:
    """Remembers principals until anything about their user changes.

    What is read while a change is being saved may be the old state: a load during which
    its user changed is not kept. Nothing is given out while the lease does not hold.
    """

    def __init__(self, enabled: bool, lease: Lease) -> None:
        self._enabled = enabled
        self._lease = lease
        self._kept: LRUCache[UUID, LRUCache[UUID, Principal]] = LRUCache(
            REMEMBERED_USERS
        )
        self._loads: weakref.WeakSet[Load] = weakref.WeakSet()

    def get(self, user_id: UUID, session_id: UUID) -> Principal | None:
        """Return what is remembered of this user's session, and vouched for."""
        if not self._lease.holds:
            return None
        sessions = self._kept.get(user_id)
        return None if sessions is None else sessions.get(session_id)

    def begin_load(self) -> Load:
        """Say that a principal is about to be read."""
        load = Load()
        self._loads.add(load)
        return load

    def keep(self, principal: Principal, load: Load) -> None:
        """Remember a principal, unless it may be out of date already."""
        user_id = principal.user.id
        if self._enabled and not load.changed & {str(user_id), *_OF_EVERYBODY}:
            sessions = self._kept.setdefault(user_id, LRUCache(REMEMBERED_SESSIONS))
            sessions[principal.session.id] = principal

    def drop(self, changes: Changes) -> None:
        """Forget the users that changed; all of them if roles did."""
        for load in self._loads:
            load.changed.update(changes)
        if changes & _OF_EVERYBODY:
            self._kept.clear()
            return
        for name in changes:
            self._forget(name)

    def _forget(self, name: str) -> None:
        try:
            self._kept.pop(UUID(name), None)
        except ValueError:
            return


class Principals:
    """Turns access tokens into principals, and lets principals act."""

    def __init__(
        self,
        database: Database,
        keys: Keys,
        tokens: AccessTokens,
        cache: PrincipalCache,
        clock: Clock,
    ) -> None:
        self._database = database
        self._keys = keys
        self._tokens = tokens
        self._cache = cache
        self._clock = clock

    async def authenticate(self, access_token: str) -> Principal:
        """Return who is calling.

        Raises:
            InvalidTokenError: If we did not issue this token.
            TokenExpiredError: If its time is over.
            SessionEndedError: If its session has ended.
        """
        await self._keys.keep_up()
        claims = self._tokens.read(access_token)
        principal = self._remembered(claims)
        (_HITS if principal else _MISSES).inc()
        if principal is None:
            principal = await self._load(claims)
            if reason := principal.session.why_ended(self._clock()):
                raise SessionEndedError(reason)
        if _is_news(claims, principal.session):
            await self._confirm(principal.session)
        return principal

    @asynccontextmanager
    async def writing(
        self, by: Principal, *targets: UUID
    ) -> AsyncIterator[tuple[AsyncSession, Actor]]:
        """Give a writing session, and the caller as they are now.

        Time has passed since the request began: a password was hashed, others wrote.
        Whoever has been signed out, disabled or stripped meanwhile acts no more.

        Args:
            by: The caller as they were.
            targets: The accounts to be changed. They and the caller are locked, in one
                order for all, so that two who act on each other don't block each other.

        Raises:
            SessionEndedError: If the caller's session has ended.
        """
        async with self._database.writing() as session:
            for user_id in sorted({by.user.id, *targets}):
                await UserRepository(session).lock(user_id)
            if by.user.permissions:
                # What follows may rest on what roles allow.
                await RoleRepository(session).lock_all()
            await SessionRepository(session).lock(by.session.id)
            row = await SessionRepository(session).get(by.session.id)
            user = await UserRepository(session).get(by.user.id)
            if row is None or user is None:
                raise SessionEndedError(EndReason.USER_DELETED)
            _refuse_disabled(user, row)
            if reason := row.why_ended(self._clock()):
                raise SessionEndedError(reason)
            yield session, Actor(user, row)

    def _remembered(self, claims: AccessClaims) -> Principal | None:
        """Return who this is if that is known, and no refresh may have changed it.

        A refresh takes nothing away, so nobody is told of it: what it has renewed is
        read when it matters.
        """
        known = self._cache.get(claims.sub, claims.sid)
        if known is None or claims.gen > known.session.generation:
            return None
        return None if known.session.why_ended(self._clock()) else known

    async def _load(self, claims: AccessClaims) -> Principal:
        load = self._cache.begin_load()
        async with self._database.reading() as session:
            users = UserRepository(session)
            found = await users.read_with_session(claims.sub, claims.sid)
        if found is None:
            # Access tokens outlive nothing but the deletion of their user.
            raise SessionEndedError(EndReason.USER_DELETED)
        _refuse_disabled(*found)
        principal = Principal(*found)
        self._cache.keep(principal, load)
        return principal

    async def _confirm(self, row: SessionState) -> None:
        async with self._database.writing() as session:
            await SessionRepository(session).confirm(row)
        self._cache.drop(frozenset({str(row.user_id)}))


def _refuse_disabled(user: User | Account, row: Session | SessionState) -> None:
    if not user.is_active:
        raise SessionEndedError(row.end_reason or EndReason.USER_DISABLED)


def _is_news(claims: AccessClaims, row: SessionState) -> bool:
    """Tell whether this token is the first sign that its generation has arrived."""
    return claims.gen == row.generation and not row.confirmed
