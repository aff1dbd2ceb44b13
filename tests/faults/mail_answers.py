"""Do answers tell, or take longer, when the mail server is not as it should be?"""

import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from statistics import median

from tests.faults.mail_ledger import Asked
from tests.faults.records import Finding, FindingKind, MailTrouble, Outcome

LEAST_ANSWERS = 5
"""The median of fewer says nothing."""

MOST_TIMES = 2.0
MORE_SECONDS = 0.5
"""So much longer than in the calm before may the median of answers be: machines get
busy. Who waits for a mail server that hangs waits for longer than callers do."""

ALIKE = "forgot_password and resend_verification"
GROUPS = {"forgot_password": ALIKE, "resend_verification": ALIKE}
"""Requests that do the same, and are counted together."""


@dataclass(frozen=True)
class Times:
    """How long one kind of request took under one kind of fault, and before.

    Attributes:
        calm_seconds: The median while all was well.
        held_seconds: The median under the fault.
    """

    fault: str
    request: str
    calm: int
    held: int
    calm_seconds: float
    held_seconds: float

    @property
    def are_longer(self) -> bool:
        """Whether the fault has made answers slow."""
        return self.held_seconds > self.calm_seconds * MOST_TIMES + MORE_SECONDS


def times_of(asked: Sequence[Asked], troubles: Sequence[MailTrouble]) -> list[Times]:
    """Return the times of all faults under which there were enough answers."""
    calm: defaultdict[tuple[str, str], list[float]] = defaultdict(list)
    held: defaultdict[tuple[str, str], list[float]] = defaultdict(list)
    for trouble in troubles:
        for span, seconds in ((trouble.calm, calm), (trouble.held, held)):
            for one in _within(asked, span):
                group = GROUPS.get(one.kind, one.kind)
                seconds[trouble.name, group].append(one.ended - one.began)
    return [
        Times(
            *key, len(calm[key]), len(held[key]), median(calm[key]), median(held[key])
        )
        for key in sorted(calm.keys() & held.keys())
        if min(len(calm[key]), len(held[key])) >= LEAST_ANSWERS
    ]


def compare_answers(
    asked: Sequence[Asked], troubles: Sequence[MailTrouble]
) -> Iterator[Finding]:
    """Hold the answers under each fault against those without."""
    return chain(
        _longer(times_of(asked, troubles)),
        _different(asked, troubles),
        _failed(asked, troubles),
    )


def _longer(times: Sequence[Times]) -> Iterator[Finding]:
    for one in times:
        if one.are_longer:
            yield _broken("answers wait for the mail server", **vars(one))


def _different(
    asked: Sequence[Asked], troubles: Sequence[MailTrouble]
) -> Iterator[Finding]:
    under = {id(one) for trouble in troubles for one in _within(asked, trouble.held)}
    with_fault, without = set[tuple[str, str]](), set[tuple[str, str]]()
    for one in asked:
        if one.form is not None:
            (with_fault if id(one) in under else without).add((one.kind, one.form))
    for kind, form in sorted(with_fault - without):
        usual = [form for other, form in sorted(without) if other == kind]
        what = "an answer tells that the mail server has failed"
        yield _broken(what, request=kind, answer=form, usual=usual)


def _failed(
    asked: Sequence[Asked], troubles: Sequence[MailTrouble]
) -> Iterator[Finding]:
    for trouble in troubles:
        for one in _within(asked, trouble.held):
            if one.outcome in (Outcome.REFUSED, Outcome.UNKNOWN):
                what = "a request failed because of the mail server"
                details = {"fault": trouble.name, "answer": one.label}
                seconds = round(one.ended - one.began, 3)
                yield _broken(what, request=one.kind, seconds=seconds, **details)


def _within(asked: Sequence[Asked], span: tuple[float, float]) -> Iterator[Asked]:
    """Yield what was asked in this time, but what was put off by a limit."""
    began, ended = span
    for one in asked:
        if began <= one.began < ended and one.outcome is not Outcome.LATER:
            yield one


def _broken(what: str, **details: object) -> Finding:
    return Finding(FindingKind.BROKEN, what, time.monotonic(), details)
