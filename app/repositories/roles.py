"""Roles in the database."""

from collections.abc import Collection
from typing import cast

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.exceptions import RoleExistsError, RoleInUseError, RoleNotFoundError
from app.database import note_change
from app.models import ADMIN, Permission, Role
from app.repositories.locks import lock_table

ALL_ROLES = "roles"
"""The name under which a change of any role is noted."""


class RoleRepository:
    """Reads and writes roles."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def lock_all(self) -> None:
        """Let nobody else change who or what is an admin until the end.

        The admin role's row stands for all of them, so that locks can't cross.
        """
        await self._session.get(Role, ADMIN, with_for_update=True)

    async def lock_table(self) -> None:
        """Let nobody else add roles until the end, even when there is none yet."""
        await lock_table(self._session, Role)

    async def list_all(self) -> list[Role]:
        """Return every role, by name."""
        return list(await self._session.scalars(select(Role).order_by(Role.name)))

    async def get(self, name: str) -> Role:
        """Return the role of this name.

        Raises:
            RoleNotFoundError: If there is none.
        """
        role = await self._session.get(Role, name, populate_existing=True)
        if role is None:
            raise RoleNotFoundError
        return role

    async def get_all(self, names: Collection[str]) -> list[Role]:
        """Return the roles of these names, by name.

        Raises:
            RoleNotFoundError: If one of them does not exist.
        """
        statement = select(Role).where(Role.name.in_(names)).order_by(Role.name)
        roles = list(await self._session.scalars(statement))
        if len(roles) != len(set(names)):
            raise RoleNotFoundError
        return roles

    async def add(self, role: Role) -> None:
        """Add a role, while holding the lock on all of them.

        Raises:
            RoleExistsError: If there is one of this name.
        """
        if await self._session.get(Role, role.name) is not None:
            raise RoleExistsError
        self._session.add(role)
        await self.changed()

    async def delete(self, role: Role) -> None:
        """Delete a role that nobody has.

        Raises:
            RoleInUseError: If users have it.
        """
        await self._session.delete(role)
        try:
            await self._session.flush()
        except IntegrityError as error:
            raise RoleInUseError from error
        await self.changed()

    async def changed(self) -> None:
        """Give the admin role every permission there is, and have copies dropped."""
        roles = await self.list_all()
        every = set(Permission)
        every.update(
            cast(Permission, name)
            for role in roles
            if not role.builtin
            for name in role.permissions
        )
        admin = await self.get(ADMIN)
        if admin.permissions != sorted(every):
            admin.permissions = sorted(every)
        await self._session.flush()
        note_change(self._session, ALL_ROLES)
