"""What the load itself remembers of an account: tokens, history, doubts."""

import asyncio
import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.faults.records import Finding, FindingKind
from tests.faults.worlds import Status, World

if TYPE_CHECKING:
    from tests.faults.steps.base import Step

REMEMBERED = 20
"""So many operations of an account are told with a finding."""

TOKENS_KEPT = 3
WRONG_CLOCK_SECONDS = 15
SETTLING_SECONDS = 1.5
"""A server that died may have left its database a last statement to carry out."""


@dataclass(eq=False)
class Held:
    """A session as its client holds it.

    Attributes:
        refresh_tokens: The newest last; one per generation that came back.
        access_since: When the access token came, on this process's monotonic clock.
        presented_at: Wall time when the newest refresh token was first presented.
        rotated_at: Wall time when the one before it was: the session's rotation can't
            be older.
    """

    id: str
    transport: str
    access_token: str
    access_since: float
    refresh_tokens: deque[str]
    access_cookie: str = "cardea_access"
    refresh_cookie: str = "cardea_refresh"
    presented_at: float | None = None
    rotated_at: float | None = None
    sacrificed: bool = False

    @property
    def refresh_token(self) -> str:
        """The newest one."""
        return self.refresh_tokens[-1]

    def renew(self, access_token: str, refresh_token: str, issued_at: int) -> None:
        """Keep the tokens of an answer; parallel ones bring the same successor."""
        self.access_token = access_token
        self.access_since = time.monotonic()
        if refresh_token in self.refresh_tokens:
            return
        self.refresh_tokens.append(refresh_token)
        # Of a server whose clock is wrong no time can be told.
        is_right = abs(time.time() - issued_at) < WRONG_CLOCK_SECONDS
        self.rotated_at = self.presented_at if is_right else None
        self.presented_at = None

    def distrust_times(self) -> None:
        """Forget when it was refreshed: a server's clock is wrong."""
        self.presented_at = self.rotated_at = None


@dataclass(eq=False)
class Account:
    """One account: all ways it may be, and what its people hold.

    Attributes:
        network: The client address its people come from.
        stray_sign_ins: Sign-ins of unknown outcome; each may have left a session.
        given_up: Whether a contradiction was found: what is known of it is wrong.
        used: Passwords that it had before, and that must never open it again.
    """

    email: str
    network: str
    worlds: frozenset[World] = frozenset({World()})
    id: str | None = None
    device_token: str | None = None
    held: dict[str, Held] = field(default_factory=dict)
    history: deque[dict[str, object]] = field(
        default_factory=lambda: deque(maxlen=REMEMBERED)
    )
    refused: deque["Step"] = field(default_factory=lambda: deque(maxlen=5))
    used: list[str] = field(default_factory=list)
    stray_sign_ins: int = 0
    given_up: bool = False
    operations: int = 0
    ended_at: float = 0.0
    changed_at: float = 0.0
    quiet_until: float = 0.0
    unfinished: list["asyncio.Future[None]"] = field(default_factory=list)

    @property
    def is_certain(self) -> bool:
        """Whether there is one way left it can be."""
        return len(self.worlds) == 1 and not self.stray_sign_ins

    @property
    def is_at_rest(self) -> bool:
        """Whether no request of unknown outcome can still be at work."""
        self.unfinished = [over for over in self.unfinished if not over.done()]
        return not self.unfinished and time.monotonic() >= self.quiet_until

    @property
    def passwords(self) -> list[str]:
        """The passwords it may have, in a stable order."""
        return sorted({world.password for world in self.worlds if world.password})

    @property
    def name(self) -> str:
        """The e-mail's name, which the names of its roles begin with."""
        return self.email.partition("@")[0]

    @property
    def roles_made(self) -> list[str]:
        """The names of the roles that may exist because of this account."""
        return sorted({role.name for world in self.worlds for role in world.made})

    def owns_role(self, role: str) -> bool:
        """Tell whether a role was made for this account."""
        return role.rpartition("_")[0] == self.name

    def may_be(self, *statuses: Status) -> bool:
        """Tell whether the account may have one of these statuses."""
        return any(world.status in statuses for world in self.worlds)

    def must_be(self, *statuses: Status) -> bool:
        """Tell whether the account has one of these statuses for certain."""
        return all(world.status in statuses for world in self.worlds)

    def living(self) -> list[Held]:
        """Return the sessions with tokens that may be alive, oldest first."""
        alive = {name for world in self.worlds for name in world.alive}
        return [held for name, held in self.held.items() if name in alive]

    def dead(self) -> list[Held]:
        """Return the sessions with tokens that have ended for certain."""
        alive = {held.id for held in self.living()}
        return [held for name, held in self.held.items() if name not in alive]

    def finding(self, kind: FindingKind, what: str, **details: object) -> Finding:
        """Return a finding with what led to it; the account is used no more."""
        self.given_up = True
        about = {"account": self.email, "id": self.id, **details}
        about["history"] = list(self.history)
        return Finding(kind, what, time.monotonic(), about)

    def leave_in_doubt(self, over: "asyncio.Future[None] | None") -> None:
        """Note that a request may be at work until `over` is done, and a little on."""
        self.quiet_until = time.monotonic() + SETTLING_SECONDS
        if over is not None and not over.done():
            self.unfinished.append(over)
            over.add_done_callback(self._rest)

    def _rest(self, _: "asyncio.Future[None]") -> None:
        self.quiet_until = time.monotonic() + SETTLING_SECONDS
