"""What the administrator looks at to see how an account is."""

from dataclasses import dataclass, field
from typing import Any, ClassVar
from urllib.parse import quote

from tests.faults.steps.administration import AdminStep
from tests.faults.steps.base import send
from tests.faults.wire import Answer, Request
from tests.faults.worlds import World


@dataclass(eq=False)
class Look(AdminStep):
    """A look that changes nothing."""

    is_write: ClassVar[bool] = False

    found: dict[str, Any] = field(default_factory=dict)

    def learn(self, answer: Answer) -> None:
        """Keep what was found."""
        self.found = answer.document


@dataclass(eq=False)
class SeeUser(Look):
    """Look at the account."""

    kind: ClassVar[str] = "see_user"

    def request(self) -> Request:
        """Return what is sent."""
        return send("GET", self.path, None, self.by.headers)


@dataclass(eq=False)
class FindUser(Look):
    """Look for an account whose id nobody knows."""

    kind: ClassVar[str] = "find_user"

    def request(self) -> Request:
        """Return what is sent."""
        path = f"/users?q={quote(self.account.email)}"
        return send("GET", path, None, self.by.headers)

    def refusal(self, world: World) -> str | None:
        """To find nothing is an answer too."""
        return None


@dataclass(eq=False)
class ListSessions(Look):
    """Look at the account's sessions, a page at a time."""

    kind: ClassVar[str] = "list_sessions"

    cursor: str | None = None

    def request(self) -> Request:
        """Return what is sent."""
        path = f"{self.path}/sessions?ended=true&limit=200"
        if self.cursor:
            path += f"&cursor={self.cursor}"
        return send("GET", path, None, self.by.headers)


@dataclass(eq=False)
class ListRoles(Look):
    """Look at all roles."""

    kind: ClassVar[str] = "list_roles"

    def request(self) -> Request:
        """Return what is sent."""
        return send("GET", "/roles", None, self.by.headers)

    def refusal(self, world: World) -> str | None:
        """They can always be seen."""
        return None
