"""What the parts of the harness tell each other, and what the report is made of.

All times are `time.monotonic()` of the harness's own process, in seconds.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Outcome(StrEnum):
    """What the caller knows of an operation afterwards."""

    OK = "ok"
    """Acknowledged: a 2xx answer came."""

    REFUSED = "refused"
    """Answered with 4xx: nothing may have changed."""

    LATER = "later"
    """Answered with 429 or 503 `busy`, or never sent: nothing may have changed."""

    UNKNOWN = "unknown"
    """No answer, half an answer, 500, or 503 `database_unavailable`, which also comes
    when the database broke down while saving: it may have happened or not."""


@dataclass(frozen=True)
class Operation:
    """One request of the load, as its caller saw it."""

    kind: str
    """`register`, `sign_in`, `refresh`, `change_password`, ..."""

    is_write: bool
    began: float
    ended: float
    outcome: Outcome
    server: str
    """The base URL of the process that was asked."""

    detail: str = ""
    """The problem's code, or the kind of the network error."""


@dataclass(frozen=True)
class Target:
    """Where the load and the intruder send their requests, and as whom."""

    urls: tuple[str, ...]
    """One base URL per server process; any of them may be down for a while."""

    root_email: str
    root_password: str
    access_token_seconds: int
    refresh_grace_seconds: int
    heard_seconds: float
    """How long other processes may go on trusting what one has ended: 0 or 1."""


@dataclass
class FaultRecord:
    """One fault as it was injected."""

    name: str
    """`kill`, `disk_full`, `redis_freeze`, ..."""

    began: float
    healed: float
    """When the world outside the service was whole again."""

    recovered: float | None = None
    """When every process acknowledged a write again; None if it never did."""

    kills: int = 0
    details: dict[str, Any] = field(default_factory=dict)
    """What shows that the fault took place, such as errors that were injected."""

    shown: bool = True
    """Whether they do show it; what was not shown does not count as injected."""


@dataclass(frozen=True)
class MailTrouble:
    """A fault of the mail server, and the calm that it is compared with.

    Attributes:
        calm: From when to when all was well.
        held: From when to when it was not.
    """

    name: str
    calm: tuple[float, float]
    held: tuple[float, float]


class FindingKind(StrEnum):
    """What must never be found."""

    LOST = "lost"
    """Acknowledged, and not there afterwards."""

    PHANTOM = "phantom"
    """Refused, and there afterwards."""

    LET_IN = "let_in"
    """A forbidden attempt succeeded."""

    BROKEN = "broken"
    """Anything else that breaks a promise: an unexplained sign-out, a 500."""


@dataclass(frozen=True)
class Finding:
    """A broken promise, with what is needed to understand it."""

    kind: FindingKind
    what: str
    at: float
    details: dict[str, Any] = field(default_factory=dict)
