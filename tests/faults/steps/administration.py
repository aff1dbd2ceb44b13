"""What an administrator does with an account, and with the roles made for it."""

from dataclasses import dataclass, replace
from typing import ClassVar

from tests.faults.accounts import Account, Held
from tests.faults.records import FindingKind
from tests.faults.steps.base import Step, send, signed
from tests.faults.wire import Request
from tests.faults.worlds import USER, Role, Status, World

NO_USER = "user_not_found"


@dataclass(eq=False)
class Administrator:
    """Who administers; the session changes as it is renewed."""

    account: Account
    held: Held

    @property
    def headers(self) -> dict[str, str]:
        """What is sent along."""
        return signed(self.account, self.held)


@dataclass(eq=False)
class AdminStep(Step):
    """Something done to the account by an administrator."""

    if_refused: ClassVar[FindingKind] = FindingKind.LOST

    by: Administrator

    def refusal(self, world: World) -> str | None:
        """There must be an account."""
        return None if world.exists else NO_USER

    @property
    def bearer(self) -> Held:
        """The administrator's session."""
        return self.by.held

    @property
    def path(self) -> str:
        """Where the account is."""
        return f"/users/{self.account.id}"


@dataclass(eq=False)
class SetStatus(AdminStep):
    """Disable or enable the account."""

    kind: ClassVar[str] = "set_status"

    status: Status

    def request(self) -> Request:
        """Return what is sent."""
        return send("PATCH", self.path, {"status": self.status}, self.by.headers)

    def effect(self, world: World) -> World:
        """The status is set; disabling ends every session."""
        changed = replace(world, status=self.status)
        if self.status is Status.DISABLED:
            return changed.ended("user_disabled")
        return changed


@dataclass(eq=False)
class SetRoles(AdminStep):
    """Give the account these roles and no others."""

    kind: ClassVar[str] = "set_roles"

    roles: frozenset[str]

    def request(self) -> Request:
        """Return what is sent."""
        body = {"roles": sorted(self.roles)}
        return send("PUT", f"{self.path}/roles", body, self.by.headers)

    def refusal(self, world: World) -> str | None:
        """Roles must be there to be given."""
        known = {role.name for role in world.made} | {USER}
        missing = "role_not_found" if self.roles - known else None
        return super().refusal(world) or missing

    def effect(self, world: World) -> World:
        """The roles are these."""
        return replace(world, roles=self.roles)


@dataclass(eq=False)
class SignOutUser(AdminStep):
    """End all sessions of the account."""

    kind: ClassVar[str] = "sign_out_user"

    def request(self) -> Request:
        """Return what is sent."""
        return send("POST", f"{self.path}/logout", None, self.by.headers)

    def effect(self, world: World) -> World:
        """No session is left."""
        return world.ended("ended_by_admin")


@dataclass(eq=False)
class Delete(AdminStep):
    """Delete the account."""

    kind: ClassVar[str] = "delete"

    def request(self) -> Request:
        """Return what is sent."""
        return send("DELETE", self.path, None, self.by.headers)

    def effect(self, world: World) -> World:
        """The account is gone."""
        return replace(world, status=Status.DELETED)


@dataclass(eq=False)
class RoleStep(AdminStep):
    """Something done to a role that was made for the account."""

    name: str

    def found(self, world: World) -> Role | None:
        """Return the role if it exists."""
        return next((role for role in world.made if role.name == self.name), None)

    def without(self, world: World) -> frozenset[Role]:
        """Return the other roles."""
        return frozenset(role for role in world.made if role.name != self.name)


@dataclass(eq=False)
class MakeRole(RoleStep):
    """Make a role."""

    kind: ClassVar[str] = "make_role"

    permissions: tuple[str, ...]

    def request(self) -> Request:
        """Return what is sent."""
        body = {"name": self.name, "permissions": self.permissions}
        return send("POST", "/roles", body, self.by.headers)

    def refusal(self, world: World) -> str | None:
        """A name is given once."""
        return "role_exists" if self.found(world) else None

    def effect(self, world: World) -> World:
        """The role is there."""
        made = self.without(world) | {Role(self.name, tuple(sorted(self.permissions)))}
        return replace(world, made=made)


@dataclass(eq=False)
class ChangeRole(MakeRole):
    """Change what a role allows."""

    kind: ClassVar[str] = "change_role"

    def request(self) -> Request:
        """Return what is sent."""
        body = {"permissions": self.permissions}
        return send("PUT", f"/roles/{self.name}", body, self.by.headers)

    def refusal(self, world: World) -> str | None:
        """It must be there."""
        return None if self.found(world) else "role_not_found"


@dataclass(eq=False)
class DeleteRole(RoleStep):
    """Delete a role that nobody has."""

    kind: ClassVar[str] = "delete_role"

    def request(self) -> Request:
        """Return what is sent."""
        return send("DELETE", f"/roles/{self.name}", None, self.by.headers)

    def refusal(self, world: World) -> str | None:
        """It must be there, and the account must not have it."""
        if not self.found(world):
            return "role_not_found"
        in_use = world.exists and self.name in world.roles
        return "role_in_use" if in_use else None

    def effect(self, world: World) -> World:
        """The role is gone."""
        return replace(world, made=self.without(world))
