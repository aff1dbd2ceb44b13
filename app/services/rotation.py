"""What to do with a refresh token: the whole rule, and nothing else.

A token carries the generation at which it was issued. The session knows its current
generation, when that began (or was handed out again because the answer had been lost),
and whether anything issued at it has come back (`confirmed`).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto


class Verdict(Enum):
    """What a presented refresh token gets."""

    ROTATE = auto()
    """A new generation begins, unconfirmed, with a new pair of tokens."""

    RENEW = auto()
    """The current pair once more, as fresh as after a rotation: nobody has used it."""

    REPEAT = auto()
    """The current pair once more; nothing changes."""

    REUSED = auto()
    """The token is in two hands: the session ends."""


@dataclass(frozen=True)
class Position:
    """Where a session stands."""

    generation: int
    rotated_at: datetime
    confirmed: bool


def judge(
    presented: int, position: Position, now: datetime, grace: timedelta
) -> Verdict:
    """Decide what a genuine token of generation `presented` gets (RFC 9700, 4.14.2).

    The current token rotates. So does one that is newer than the database, which can
    only be after a backup was restored: it is the newest there is. The previous one is
    answered again while its successor may still be on the way: for as long as nothing
    issued with the successor has been seen, and then within the grace period. Anything
    else is in two hands: its rightful owner holds a later one.
    """
    if presented >= position.generation:
        return Verdict.ROTATE
    if presented < position.generation - 1:
        return Verdict.REUSED
    if not position.confirmed:
        return Verdict.RENEW
    in_grace = now - position.rotated_at <= grace
    return Verdict.REPEAT if in_grace else Verdict.REUSED
