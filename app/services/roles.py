"""Roles: made, changed, deleted; nobody grants what they do not hold."""

import logging
from dataclasses import dataclass

from app.core.clock import Clock
from app.core.exceptions import RoleBuiltinError
from app.database import Database
from app.models import Permission, Role
from app.repositories import RoleRepository
from app.services.principals import Actor, Principal, Principals

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class KnownPermission:
    """A permission that some role holds or the service itself asks for."""

    name: str
    description: str | None
    builtin: bool


class RoleService:
    """The rules of roles."""

    def __init__(
        self, database: Database, clock: Clock, principals: Principals
    ) -> None:
        self._database = database
        self._clock = clock
        self._principals = principals

    async def list_all(self) -> list[Role]:
        """Return every role, by name."""
        async with self._database.reading() as session:
            return await RoleRepository(session).list_all()

    async def permissions(self) -> list[KnownPermission]:
        """Return every permission there is: the service's, then other programs'."""
        own = [KnownPermission(p.value, p.description, True) for p in Permission]
        names = {name for role in await self.list_all() for name in role.permissions}
        others = sorted(names - set(Permission))
        return own + [KnownPermission(name, None, False) for name in others]

    async def create(
        self, by: Principal, name: str, description: str, permissions: list[str]
    ) -> Role:
        """Make a role.

        Raises:
            PermissionDeniedError: If the caller lacks one of the permissions.
            RoleExistsError: If there is one of this name.
        """
        role = Role(
            name=name,
            description=description,
            permissions=sorted(set(permissions)),
            builtin=False,
            created_at=self._clock(),
        )
        async with self._principals.writing(by) as (session, actor):
            actor.must_hold(Permission.ROLES_WRITE, *permissions)
            await RoleRepository(session).add(role)
        logger.info("role.created", extra={"role": name})
        return role

    async def replace(
        self, by: Principal, name: str, description: str, permissions: list[str]
    ) -> Role:
        """Change what a role is and allows, for everybody who has it.

        Raises:
            RoleNotFoundError: If there is none of this name.
            RoleBuiltinError: If it is built in.
            PermissionDeniedError: If the caller lacks a permission given or taken.
        """
        async with self._principals.writing(by) as (session, actor):
            repository = RoleRepository(session)
            role = await self._changeable(repository, actor, name)
            actor.must_hold(*permissions)
            role.description = description
            role.permissions = sorted(set(permissions))
            await repository.changed()
        logger.info("role.changed", extra={"role": name})
        return role

    async def delete(self, by: Principal, name: str) -> None:
        """Delete a role that nobody has.

        Raises:
            RoleNotFoundError: If there is none of this name.
            RoleBuiltinError: If it is built in.
            RoleInUseError: If users have it.
            PermissionDeniedError: If the caller lacks one of its permissions.
        """
        async with self._principals.writing(by) as (session, actor):
            repository = RoleRepository(session)
            await repository.delete(await self._changeable(repository, actor, name))
        logger.info("role.deleted", extra={"role": name})

    async def _changeable(
        self, repository: RoleRepository, actor: Actor, name: str
    ) -> Role:
        actor.must_hold(Permission.ROLES_WRITE)
        role = await repository.get(name)
        if role.builtin:
            raise RoleBuiltinError
        actor.must_hold(*role.permissions)
        return role
