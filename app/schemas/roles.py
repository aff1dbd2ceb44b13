"""Roles and permissions in requests and responses."""

from typing import Annotated

from pydantic import Field

from app.schemas.base import (
    Description,
    PermissionName,
    RequestBody,
    ResponseBody,
    RoleName,
)

MAXIMUM_PERMISSIONS = 100

PermissionNames = Annotated[list[PermissionName], Field(max_length=MAXIMUM_PERMISSIONS)]


class Role(ResponseBody):
    """A named set of permissions."""

    name: str
    description: str
    permissions: list[str]
    builtin: bool
    """Built-in roles can't be changed."""


class RoleDefinition(RequestBody):
    """What a role is and allows."""

    description: Description = ""
    permissions: PermissionNames
    """The service's own, or those of your programs: `articles:write`."""


class NewRole(RoleDefinition):
    """A role to be made."""

    name: RoleName


class Permission(ResponseBody):
    """Something a role may allow."""

    name: str
    description: str | None
    builtin: bool
    """Whether the service itself asks for it."""


class Roles(ResponseBody):
    """All roles, by name."""

    items: list[Role]


class Permissions(ResponseBody):
    """All permissions: the service's own, then those of your programs."""

    items: list[Permission]
