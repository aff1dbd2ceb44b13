"""Is every mail that was asked for there, and has it arrived, once?"""

import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from itertools import chain, pairwise

from tests.faults.mail_ledger import Asked, Mail, Stored
from tests.faults.mail_server import Handled
from tests.faults.records import Finding, FindingKind

ASKED_FOR = frozenset({"verify_email", "reset_password"})
"""What is sent because it was asked for; other mail tells what happened."""


def compare_failed(mail: Mail) -> Iterator[Finding]:
    """Compare what was given up with what the server has refused for good."""
    known = {one.id for one in mail.stored}
    refused = {one.message: one for one in mail.handled if not one.taken}
    taken = {one.message for one in mail.handled if one.taken}
    for message, one in refused.items():
        is_settled = message in mail.failed or message in taken or message not in known
        if not is_settled and not mail.disturbances.may_be_unnoted(one):
            what = "a mail was refused for good and does not show as failed"
            yield _found(FindingKind.LOST, what, **vars(one))
    for message in sorted(mail.failed - refused.keys()):
        what = "a mail was given up that the server has not refused for good"
        yield _found(FindingKind.BROKEN, what, message=message)


def compare(mail: Mail) -> Iterator[Finding]:
    """Compare what was acknowledged with what is stored, and that with what arrived.

    All that can be sent must have been sent by now.
    """
    return chain(
        _not_stored(mail),
        _stored_for_nothing(mail),
        _withheld_for_nothing(mail),
        _not_delivered(mail),
        _came_again(mail),
        _came_under_another_name(mail),
    )


def _not_stored(mail: Mail) -> Iterator[Finding]:
    stored = Counter(one.challenge for one in mail.stored)
    for one in mail.asked:
        count = stored[str(one.challenge)]
        if one.must_have_mail and count != 1:
            kind = FindingKind.BROKEN if count else FindingKind.LOST
            what = "a mail was acknowledged and is not in the outbox"
            if count:
                what = "a mail was asked for once and is in the outbox more often"
            yield _about(one, kind, what, count=count)


def _stored_for_nothing(mail: Mail) -> Iterator[Finding]:
    stored = Counter(one.recipient for one in mail.stored if one.kind in ASKED_FOR)
    for recipient, most in _most_mail(mail).items():
        if stored[recipient] > most:
            what = "mail is in the outbox that was refused, or not asked for"
            details = {"asked": most, "stored": stored[recipient]}
            yield _found(FindingKind.PHANTOM, what, recipient=recipient, **details)


def _withheld_for_nothing(mail: Mail) -> Iterator[Finding]:
    """Find what was withheld though nobody had asked for mail to its address before."""
    times = Counter(one.account.email for one in mail.asked)
    for one in mail.stored:
        if one.is_withheld and times[one.recipient] < 2:
            what = "a mail was withheld and its address had none before"
            yield _found(FindingKind.LOST, what, **vars(one))


def _not_delivered(mail: Mail) -> Iterator[Finding]:
    taken = {one.message for one in mail.handled if one.taken}
    for one in mail.stored:
        if one.is_sent and one.id not in taken:
            what = "a mail was noted as sent and has never arrived"
            yield _found(FindingKind.LOST, what, **vars(one))
        elif not (one.is_sent or one.is_withheld):
            what = "a mail was not sent although the server takes everything"
            yield _found(FindingKind.LOST, what, **vars(one))


def _came_again(mail: Mail) -> Iterator[Finding]:
    for events in _by_message(mail.handled).values():
        for first, again in pairwise(events):
            why = mail.disturbances.objection(first, again)
            if why and not _is_sent_again(mail, first, again):
                details = {"first": vars(first), "again": vars(again), "why": why}
                yield _found(FindingKind.BROKEN, "a mail came once more", **details)


def _came_under_another_name(mail: Mail) -> Iterator[Finding]:
    stored = {one.id for one in mail.stored}
    kept = {one.account.email for one in mail.asked if one.is_kept}
    for one in mail.handled:
        if one.recipient in kept and one.message not in stored:
            what = "a mail came under a Message-ID that is not in the outbox"
            yield _found(FindingKind.BROKEN, what, **vars(one))


def _most_mail(mail: Mail) -> Counter[str]:
    """Return how much mail each of those may have got for whom it was asked for."""
    most: Counter[str] = Counter()
    for one in mail.asked:
        most[one.account.email] += one.may_have_mail
    return most


def _by_message(handled: Iterable[Handled]) -> dict[str, list[Handled]]:
    events: defaultdict[str, list[Handled]] = defaultdict(list)
    for one in handled:
        events[one.message].append(one)
    return events


def _is_sent_again(mail: Mail, first: Handled, again: Handled) -> bool:
    """Tell whether the administrator wanted it: after it was refused for good."""
    at = mail.sent_again.get(first.message)
    return not first.taken and at is not None and again.at >= at


def waiting(stored: Iterable[Stored]) -> int:
    """Return how many messages are still to be sent."""
    return sum(one.is_waiting for one in stored)


def _about(asked: Asked, kind: FindingKind, what: str, /, **details: object) -> Finding:
    names = {"request": asked.kind, "challenge": asked.challenge}
    times = {"began": asked.began, "ended": asked.ended}
    return _found(kind, what, account=asked.account.email, **names, **times, **details)


def _found(kind: FindingKind, what: str, /, **details: object) -> Finding:
    return Finding(kind, what, time.monotonic(), details)
