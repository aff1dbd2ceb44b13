"""What an account may be like, as far as it can be known from outside.

A `World` is one complete way an account can be. An operation whose outcome is unknown
leaves two of them, one in which it happened and one in which it did not; whatever is
seen later rules worlds out. When none is left, a promise was broken. Worlds keep what
belongs together: a password that has changed and a session that has not ended for it
cannot both be seen.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

OK = "ok"
"""How a 2xx answer is written where others stand with their problem's code."""

USER = "user"
GONE = "session_ended/user_deleted"


class Status(StrEnum):
    """Whether there is an account, and whether it may sign in."""

    ABSENT = "absent"
    ACTIVE = "active"
    DISABLED = "disabled"
    DELETED = "deleted"


@dataclass(frozen=True)
class Role:
    """A role that was made for one account to hold."""

    name: str
    permissions: tuple[str, ...]


@dataclass(frozen=True)
class World:
    """One way an account can be.

    Attributes:
        sessions: Every known session with the reason of its end, None while it lives.
        made: The roles that exist because of this account, whether it holds them.
    """

    status: Status = Status.ABSENT
    password: str = ""
    display_name: str | None = None
    roles: frozenset[str] = frozenset()
    sessions: frozenset[tuple[str, str | None]] = frozenset()
    made: frozenset[Role] = frozenset()

    @property
    def exists(self) -> bool:
        """Whether there is an account now."""
        return self.status in (Status.ACTIVE, Status.DISABLED)

    @property
    def alive(self) -> list[str]:
        """The sessions that have not ended."""
        if not self.exists:
            return []
        return [name for name, reason in self.sessions if reason is None]

    def reason(self, session: str) -> str | None:
        """Return why a session has ended; None if it lives or is not known."""
        return next((why for name, why in self.sessions if name == session), None)

    def refuses(self, session: str) -> str | None:
        """Return what a caller is told who comes with this session; None if it lives.

        Access tokens outlive the deletion of their user, sessions do not.
        """
        if not self.exists:
            return GONE
        reason = self.reason(session)
        return f"session_ended/{reason}" if reason else None

    def with_session(self, session: str, reason: str | None = None) -> "World":
        """Return the world with one session more."""
        return replace(self, sessions=self.sessions | {(session, reason)})

    def ended(self, reason: str, *sessions: str, keep: str | None = None) -> "World":
        """Return the world with these sessions ended; all of them if none is named.

        What has ended already keeps its reason.
        """
        after = {
            (name, reason if self._ends(name, why, sessions, keep) else why)
            for name, why in self.sessions
        }
        return replace(self, sessions=frozenset(after))

    @staticmethod
    def _ends(
        name: str, why: str | None, sessions: tuple[str, ...], keep: str | None
    ) -> bool:
        named = name in sessions if sessions else name != keep
        return why is None and named
