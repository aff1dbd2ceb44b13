"""Accounts in the database."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, bindparam, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from app.core.emails import email_key
from app.core.exceptions import EmailTakenError
from app.database import note_change
from app.models import (
    ADMIN,
    Account,
    Profile,
    SessionState,
    User,
    UserStatus,
    user_roles,
)
from app.repositories.pages import Page, PageRequest, limited, page_of
from app.repositories.sessions import STATE

_USERS, _ROLES, _SESSIONS = map(
    User.metadata.tables.__getitem__, ("users", "roles", "sessions")
)
_SHOWN = [_USERS.c[one.name] for one in fields(Profile) if one.name in _USERS.c]
_OWN = (*_SHOWN, _USERS.c.password_hash)

_READ = (
    select(*_OWN, _ROLES.c.name, _ROLES.c.permissions)
    # Not a join within a join: SQLite would first put the roles of all users together.
    .select_from(_USERS.outerjoin(user_roles).outerjoin(_ROLES))
    .where(_USERS.c.id == bindparam("user_id"))
    .order_by(_ROLES.c.name)
)
"""One row for each role; made once, and about the tables: to have the ORM read a user
takes twice as long."""

_READ_WITH_SESSION = (
    _READ.add_columns(*STATE)
    .join(_SESSIONS, _SESSIONS.c.user_id == _USERS.c.id)
    .where(_SESSIONS.c.id == bindparam("session_id"))
)


class UserRepository:
    """Reads and writes accounts, with their roles unless said otherwise."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def get(self, user_id: UUID) -> User | None:
        """Return the account with this id, to be changed."""
        return await self._session.scalar(_with_roles().where(User.id == user_id))

    async def read(self, user_id: UUID) -> Account | None:
        """Return the account with this id as it is now."""
        found = await self._session.execute(_READ, {"user_id": user_id})
        rows = found.all()
        return _account(rows) if rows else None

    async def read_with_session(
        self, user_id: UUID, session_id: UUID
    ) -> tuple[Account, SessionState] | None:
        """Return an account and a session of it, ended or not, in one statement."""
        ids = {"user_id": user_id, "session_id": session_id}
        rows = (await self._session.execute(_READ_WITH_SESSION, ids)).all()
        if not rows:
            return None
        return _account(rows), SessionState(*rows[0][-len(STATE) :])

    async def lock(self, user_id: UUID) -> User | None:
        """Return the account and keep others from changing it until the end."""
        statement = _with_roles().where(User.id == user_id).with_for_update()
        return await self._session.scalar(statement)

    async def lock_by_email(self, email: str) -> User | None:
        """Return the account with this e-mail address, as `lock` does."""
        statement = _with_roles().where(User.email_key == email_key(email))
        return await self._session.scalar(statement.with_for_update())

    async def find_by_email(self, email: str) -> User | None:
        """Return the account with this e-mail address, however it is spelt.

        Without its roles: asking for an account that exists takes one statement, like
        asking for one that does not, so that the time tells nothing.
        """
        statement = select(User).where(User.email_key == email_key(email))
        return await self._session.scalar(statement)

    async def devices_since(self, account: str) -> datetime | None:
        """Return since when devices are known to the account with this e-mail key."""
        return await self._session.scalar(
            select(User.devices_since).where(User.email_key == account)
        )

    async def due_for_deletion(self, now: datetime) -> Sequence[UUID]:
        """Return the accounts whose owners can't undo their deletion any more."""
        due = select(User.id).where(User.delete_at <= now).order_by(User.delete_at)
        return (await self._session.scalars(due)).all()

    async def page(
        self,
        request: PageRequest,
        *,
        text: str | None = None,
        role: str | None = None,
        status: UserStatus | None = None,
    ) -> Page[Profile]:
        """Return accounts, newest first, that match every filter given."""
        statement = select(*_SHOWN)
        if text:
            statement = statement.where(
                or_(
                    _USERS.c.email_key.contains(text.lower(), autoescape=True),
                    _USERS.c.email.icontains(text, autoescape=True),
                    # Both sides are folded by the database: SQLite's folds ASCII only.
                    _USERS.c.display_name.icontains(text, autoescape=True),
                )
            )
        if role:
            having = select(user_roles.c.user_id).where(user_roles.c.role_name == role)
            statement = statement.where(_USERS.c.id.in_(having))
        if status:
            statement = statement.where(_USERS.c.status == status)
        statement = limited(statement, _USERS.c.id, request)
        rows = (await self._session.execute(statement)).all()
        roles = await self._roles_of([row.id for row in rows])
        shown = [Profile(**row._mapping, roles=(*roles[row.id],)) for row in rows]
        return page_of(shown, request)

    async def add(self, user: User) -> None:
        """Add an account.

        Raises:
            EmailTakenError: If another account has the e-mail address.
        """
        self._session.add(user)
        await self._save_address()

    async def move(self, user: User, email: str) -> None:
        """Give an account another address.

        Raises:
            EmailTakenError: If another account has it.
        """
        user.email = email
        user.email_key = email_key(email)
        self.changed(user)
        await self._save_address()

    async def _save_address(self) -> None:
        try:
            await self._session.flush()
        except IntegrityError as error:
            raise EmailTakenError from error

    async def delete(self, user: User) -> None:
        """Delete an account and all that hangs on it."""
        self.changed(user)
        await self._session.delete(user)
        await self._session.flush()

    def changed(self, user: User) -> None:
        """Have copies of this account dropped when the transaction is saved."""
        note_change(self._session, user.id)

    async def has_other_active_admin(self, user: User) -> bool:
        """Tell whether somebody else is an active admin.

        Ask only while holding the lock on the admin role: two admins who disable each
        other at the same moment would both see the other.
        """
        statement = (
            select(User.id)
            .join(user_roles, user_roles.c.user_id == User.id)
            .where(user_roles.c.role_name == ADMIN)
            .where(User.status == UserStatus.ACTIVE, User.id != user.id)
            # Who was invited may never come.
            .where(User.invited_at.is_(None))
            .limit(1)
        )
        return await self._session.scalar(statement) is not None

    async def _roles_of(self, ids: Sequence[UUID]) -> Mapping[UUID, Sequence[str]]:
        statement = select(user_roles.c.user_id, user_roles.c.role_name)
        rows = await self._session.execute(
            statement.where(user_roles.c.user_id.in_(ids))
            # In one order on every database, as the ORM has it too.
            .order_by(user_roles.c.role_name)
        )
        roles = defaultdict[UUID, list[str]](list)
        for user_id, name in rows:
            roles[user_id].append(name)
        return roles

    async def has_admin(self) -> bool:
        """Tell whether there is any admin, active or not."""
        statement = select(user_roles.c.user_id).where(user_roles.c.role_name == ADMIN)
        return await self._session.scalar(statement.limit(1)) is not None


def _with_roles() -> Select[User]:
    # What a lock waited for must be read anew, so loaded rows are overwritten.
    loading = select(User).options(selectinload(User.roles))
    return loading.execution_options(populate_existing=True)


def _account(rows: Sequence[Any]) -> Account:
    """Put the rows of one user together; who has no role has one row without any."""
    end = len(_OWN)
    roles = [(row[end], row[end + 1]) for row in rows if row[end] is not None]
    return Account(
        **{column.name: value for column, value in zip(_OWN, rows[0])},
        roles=tuple(name for name, _ in roles),
        permissions=frozenset(one for _, allowed in roles for one in allowed),
    )
