"""Roles and permissions."""

from typing import Annotated

from fastapi import Path, status

from app.api.deps import RoleServiceDep, RolesReadDep, RolesWriteDep
from app.api.v1.endpoints import endpoints
from app.core.exceptions import (
    PermissionDeniedError,
    RoleBuiltinError,
    RoleExistsError,
    RoleInUseError,
    RoleNotFoundError,
)
from app.schemas.base import RoleName
from app.schemas.problems import problems
from app.schemas.roles import (
    NewRole,
    Permission,
    Permissions,
    Role,
    RoleDefinition,
    Roles,
)

NamedRole = Annotated[RoleName, Path()]
"""The role in a path; what can't be a name never reaches the database."""

router = endpoints("", "Roles")


@router.get("/roles", responses=problems(PermissionDeniedError))
async def list_roles(_: RolesReadDep, roles: RoleServiceDep) -> Roles:
    """List all roles."""
    rows = await roles.list_all()
    return Roles(items=[Role.model_validate(row) for row in rows])


@router.get("/permissions", responses=problems(PermissionDeniedError))
async def list_permissions(_: RolesReadDep, roles: RoleServiceDep) -> Permissions:
    """List all permissions: the service's own, and those roles give for others."""
    known = await roles.permissions()
    return Permissions(items=[Permission.model_validate(one) for one in known])


@router.post(
    "/roles",
    status_code=status.HTTP_201_CREATED,
    responses=problems(PermissionDeniedError, RoleExistsError),
)
async def create_role(
    body: NewRole, principal: RolesWriteDep, roles: RoleServiceDep
) -> Role:
    """Make a role; you must hold every permission it gives."""
    role = await roles.create(principal, body.name, body.description, body.permissions)
    return Role.model_validate(role)


@router.put(
    "/roles/{name}",
    responses=problems(PermissionDeniedError, RoleNotFoundError, RoleBuiltinError),
)
async def replace_role(
    name: NamedRole,
    body: RoleDefinition,
    principal: RolesWriteDep,
    roles: RoleServiceDep,
) -> Role:
    """Change what a role is and allows, for everybody who has it."""
    role = await roles.replace(principal, name, body.description, body.permissions)
    return Role.model_validate(role)


@router.delete(
    "/roles/{name}",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problems(
        PermissionDeniedError, RoleNotFoundError, RoleBuiltinError, RoleInUseError
    ),
)
async def delete_role(
    name: NamedRole, principal: RolesWriteDep, roles: RoleServiceDep
) -> None:
    """Delete a role that nobody has."""
    await roles.delete(principal, name)
