"""What may have kept a process from noting that a message was sent."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tests.faults.mail_server import Handled

LEASE_SECONDS = 120.0
"""For how long a message is nobody else's that somebody has taken; see
`app/services/delivery.py`."""

SENDING_SECONDS = 25.0
"""So long before it was handed over a message may have been taken."""

LEAST_PUT_OFF_SECONDS = 10.0
"""A message whose fate was not heard comes again after twelve seconds, or later."""

SLACK_SECONDS = 2.0
"""To note what was sent takes one short transaction; the rest is for busy machines."""

Span = tuple[float, float]


@dataclass(frozen=True)
class Disturbances:
    """What happened to the service during a run, as far as sent mail goes.

    Attributes:
        ends: When server processes ended.
        unsaved: While nothing could be saved, or not surely.
        bent: While a server's clock was wrong, so that no lease can be relied on.
        skipped: Each moment at which all clocks were moved ahead, and by how much.
    """

    ends: Sequence[float] = ()
    unsaved: Sequence[Span] = ()
    bent: Sequence[Span] = ()
    skipped: Sequence[tuple[float, float]] = ()

    def objection(self, first: Handled, again: Handled) -> str | None:
        """Return why a message should not have come again; None if it might."""
        if first.said and not self._may_be_unnoted(first.at):
            return "nothing kept it from being noted"
        waits = LEASE_SECONDS - SENDING_SECONDS if first.said else LEAST_PUT_OFF_SECONDS
        is_bent = _meets(self.bent, first.at - SENDING_SECONDS, again.at)
        if not is_bent and self._passed(first.at, again.at) < waits:
            return "it came again too soon"
        return None

    def may_be_unnoted(self, one: Handled) -> bool:
        """Tell whether a process may not have noted what the server said."""
        return not one.said or self._may_be_unnoted(one.at)

    def _may_be_unnoted(self, at: float) -> bool:
        since, until = at - SLACK_SECONDS, at + SLACK_SECONDS
        has_ended = any(since <= end <= until for end in self.ends)
        return has_ended or _meets(self.unsaved, since, until)

    def _passed(self, since: float, until: float) -> float:
        skipped = (more for at, more in self.skipped if since < at <= until)
        return until - since + sum(skipped)


def _meets(spans: Iterable[Span], since: float, until: float) -> bool:
    return any(began <= until and ended >= since for began, ended in spans)
