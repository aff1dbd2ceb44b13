"""What people do with their own account and sessions."""

from dataclasses import dataclass, replace
from typing import ClassVar

from tests.faults.accounts import Held
from tests.faults.steps.base import Step, send, signed
from tests.faults.wire import Answer, Request
from tests.faults.worlds import Status, World


@dataclass(eq=False)
class OwnStep(Step):
    """Something that a session's access token allows."""

    held: Held

    @property
    def caller(self) -> Held:
        """The session that asks."""
        return self.held

    def refusal(self, world: World) -> str | None:
        """A session that has ended says so."""
        return world.refuses(self.held.id)


@dataclass(eq=False)
class Check(OwnStep):
    """See whether the token is good, and as whose."""

    kind: ClassVar[str] = "token_check"
    is_write: ClassVar[bool] = False

    seen: dict[str, object] | None = None

    def request(self) -> Request:
        """Return what is sent."""
        return send("GET", "/users/me", None, signed(self.account, self.held))

    def learn(self, answer: Answer) -> None:
        """Take what it says about the account."""
        self.seen = answer.document


@dataclass(eq=False)
class Rename(OwnStep):
    """Change the name that is shown."""

    kind: ClassVar[str] = "rename"

    display_name: str

    def request(self) -> Request:
        """Return what is sent."""
        body = {"display_name": self.display_name}
        return send("PATCH", "/users/me", body, signed(self.account, self.held))

    def effect(self, world: World) -> World:
        """The name is the new one."""
        return replace(world, display_name=self.display_name)


@dataclass(eq=False)
class ChangePassword(OwnStep):
    """Change the password; all other sessions end."""

    kind: ClassVar[str] = "change_password"

    current: str
    new: str

    def request(self) -> Request:
        """Return what is sent."""
        body = {"current_password": self.current, "new_password": self.new}
        headers = signed(self.account, self.held)
        return send("POST", "/users/me/password", body, headers)

    def refusal(self, world: World) -> str | None:
        """The current password must be the right one."""
        ended = super().refusal(world)
        return ended or ("wrong_password" if world.password != self.current else None)

    def effect(self, world: World) -> World:
        """The password is new, and only the session that asked is left."""
        changed = replace(world, password=self.new)
        return changed.ended("password_changed", keep=self.held.id)


@dataclass(eq=False)
class SignOutOther(OwnStep):
    """End another session, or the same by its name."""

    kind: ClassVar[str] = "sign_out_other"

    other: str

    def request(self) -> Request:
        """Return what is sent."""
        path = f"/users/me/sessions/{self.other}"
        return send("DELETE", path, None, signed(self.account, self.held))

    def refusal(self, world: World) -> str | None:
        """What has ended is not there any more."""
        ended = super().refusal(world)
        gone = self.other not in world.alive
        return ended or ("session_not_found" if gone else None)

    def effect(self, world: World) -> World:
        """The other session is over, and its reason tells from where."""
        here = self.other == self.held.id
        return world.ended("signed_out" if here else "signed_out_elsewhere", self.other)


@dataclass(eq=False)
class SignOutAll(OwnStep):
    """End all sessions, or all others."""

    kind: ClassVar[str] = "sign_out_all"

    keep_current: bool

    def request(self) -> Request:
        """Return what is sent."""
        body = {"keep_current": self.keep_current}
        headers = signed(self.account, self.held)
        return send("POST", "/auth/logout-all", body, headers)

    def effect(self, world: World) -> World:
        """At most this session is left."""
        keep = self.held.id if self.keep_current else None
        return world.ended("signed_out_elsewhere", keep=keep)


@dataclass(eq=False)
class DeleteOwn(OwnStep):
    """Delete the account."""

    kind: ClassVar[str] = "delete_own"

    password: str

    def request(self) -> Request:
        """Return what is sent."""
        body = {"password": self.password}
        return send("DELETE", "/users/me", body, signed(self.account, self.held))

    def refusal(self, world: World) -> str | None:
        """Only whoever knows the password deletes."""
        ended = super().refusal(world)
        return ended or ("wrong_password" if world.password != self.password else None)

    def effect(self, world: World) -> World:
        """Nothing of the account is left but roles that were made for it."""
        return replace(world, status=Status.DELETED)
