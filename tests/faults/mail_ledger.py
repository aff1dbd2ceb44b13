"""The ledger of mail: what was asked for, and what became of it.

A request for mail that was acknowledged has put one message into the outbox, in the
transaction that the acknowledgement is about; one that was refused has put none there.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from app.core.config import Settings
from tests.faults.accounts import Account
from tests.faults.disturbances import Disturbances
from tests.faults.ledger import Seen
from tests.faults.mail_server import Handled
from tests.faults.records import MailTrouble, Outcome
from tests.faults.steps.mail import CHALLENGE_HEADER
from tests.faults.wire import Answer
from tests.faults.worlds import Status
from tests.support.outsiders import execute

OUTBOX = """
SELECT id, challenge_id, kind, recipient, attempts,
    due_at IS NOT NULL, sent_at IS NOT NULL, failed_at IS NOT NULL
FROM outbox ORDER BY id
"""

OWN_HEADERS = frozenset({"date", "x-request-id", CHALLENGE_HEADER})
"""Headers that differ from answer to answer."""

OWN_MEMBERS = frozenset({"id", "email", "display_name", "created_at", "updated_at"})
"""What differs from account to account."""


@dataclass(frozen=True)
class Asked:
    """A request that asks for mail, and its answer.

    Attributes:
        challenge: What the answer names; None if it names none.
        form: The answer without what is this request's own; None without an answer.
    """

    kind: str
    account: Account
    outcome: Outcome
    label: str
    began: float
    ended: float
    challenge: str | None = None
    form: str | None = None

    @property
    def may_have_mail(self) -> bool:
        """Whether there may be a message for it."""
        return self.outcome in (Outcome.OK, Outcome.UNKNOWN)

    @property
    def is_kept(self) -> bool:
        """Whether the mail of this address must still be there: it goes with the
        account."""
        return not self.account.given_up and not self.account.may_be(Status.DELETED)

    @property
    def must_have_mail(self) -> bool:
        """Whether there must be a message for it."""
        is_asked = self.outcome is Outcome.OK and self.challenge is not None
        return is_asked and self.is_kept


@dataclass(frozen=True)
class Stored:
    """A message as it stands in the outbox."""

    id: str
    challenge: str
    kind: str
    recipient: str
    attempts: int
    is_waiting: bool
    is_sent: bool
    is_failed: bool

    @property
    def is_withheld(self) -> bool:
        """Whether its address has had enough: it is not to be sent."""
        return not (self.is_waiting or self.is_sent or self.is_failed)


@dataclass(frozen=True)
class Mail:
    """All that is known of the mail of a run.

    Attributes:
        handled: What the mail server has done.
        failed: The messages that were given up, as the administrator sees them.
        sent_again: When those were to be sent again.
    """

    asked: Sequence[Asked] = ()
    stored: Sequence[Stored] = ()
    handled: Sequence[Handled] = ()
    failed: frozenset[str] = frozenset()
    sent_again: Mapping[str, float] = field(default_factory=dict)
    disturbances: Disturbances = Disturbances()
    troubles: Sequence[MailTrouble] = ()


class MailLedger:
    """Keeps every request for mail.

    Attributes:
        asked: The requests, in the order of their answers.
    """

    def __init__(self) -> None:
        self.asked: list[Asked] = []

    def learn(self, seen: Seen) -> None:
        """Take in how a step was answered, if it asks for mail."""
        if not seen.step.asks_for_mail:
            return
        answer = seen.answer
        is_ok = seen.is_ok and answer is not None
        self.asked.append(
            Asked(
                seen.step.kind,
                seen.step.account,
                seen.outcome,
                seen.label,
                seen.began,
                seen.ended,
                answer.header(CHALLENGE_HEADER) if is_ok and answer else None,
                form_of(answer) if is_ok and answer else None,
            )
        )


def form_of(answer: Answer) -> str:
    """Return an answer's bytes without what is one request's own."""
    document = answer.document
    is_own = isinstance(document, dict) and not OWN_MEMBERS.isdisjoint(document)
    own = OWN_HEADERS | ({"content-length"} if is_own else frozenset())
    headers = [[name, "*" if name in own else value] for name, value in answer.headers]
    body: object = answer.body.decode()
    if is_own:
        body = {k: "*" if k in OWN_MEMBERS else v for k, v in document.items()}
    return json.dumps([answer.status, headers, body])


async def read_outbox(settings: Settings) -> list[Stored]:
    """Return every message, read past the service."""
    return list(_stored(await execute(settings, OUTBOX)))


def _stored(rows: Iterable[tuple[object, ...]]) -> Iterable[Stored]:
    for message, challenge, kind, recipient, attempts, waits, sent, failed in rows:
        yield Stored(
            id=str(UUID(str(message))),
            challenge=str(UUID(str(challenge))),
            kind=str(kind),
            recipient=str(recipient),
            attempts=int(str(attempts)),
            is_waiting=bool(waits),
            is_sent=bool(sent),
            is_failed=bool(failed),
        )
