"""Mail for the tests of its checks: what was asked for, stored and handled."""

from tests.faults.accounts import Account
from tests.faults.mail_ledger import Asked, Stored
from tests.faults.mail_server import Handled
from tests.faults.records import Outcome
from tests.faults.worlds import World

FORM = '[202, [["date", "*"]], "{}"]'


def account(email: str = "ada@example.com", world: World = World()) -> Account:
    """Return an address, with an account or without."""
    return Account(email, "10.0.0.1", frozenset({world}))


def asked(
    reader: Account | None = None,
    outcome: Outcome = Outcome.OK,
    *,
    challenge: str | None = "challenge-1",
    began: float = 0.0,
    seconds: float = 0.01,
    form: str | None = FORM,
    kind: str = "forgot_password",
) -> Asked:
    """Return a request for mail."""
    is_ok = outcome is Outcome.OK
    return Asked(
        kind,
        reader or account(),
        outcome,
        str(outcome),
        began,
        began + seconds,
        challenge if is_ok else None,
        form if is_ok else None,
    )


def stored(
    message: str = "message-1",
    challenge: str = "challenge-1",
    recipient: str = "ada@example.com",
    state: str = "sent",
    kind: str = "reset_password",
) -> Stored:
    """Return a message that is waiting, sent, failed or withheld."""
    states = [state == one for one in ("waiting", "sent", "failed")]
    return Stored(message, challenge, kind, recipient, 1, *states)


def handled(
    message: str = "message-1",
    recipient: str = "ada@example.com",
    *,
    at: float = 100.0,
    taken: bool = True,
    said: bool = True,
) -> Handled:
    """Return what the mail server did."""
    return Handled(message, recipient, "A subject", at, taken, said)
