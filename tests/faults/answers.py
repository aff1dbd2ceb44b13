"""What an answer means, and how it is called."""

from tests.faults.records import Outcome
from tests.faults.wire import Answer
from tests.faults.worlds import OK

TOO_MANY = "too_many_requests"


def classify(answer: Answer) -> tuple[Outcome, str]:
    """Return what an answer means and how it is called."""
    if 200 <= answer.status < 300:
        return Outcome.OK, OK
    code = _code(answer)
    if answer.status == 429:
        return Outcome.LATER, TOO_MANY
    if answer.status == 503 and code == "busy":
        return Outcome.LATER, code
    if answer.status >= 500:
        return Outcome.UNKNOWN, f"{answer.status} {code}"
    if 400 <= answer.status < 500:
        return Outcome.REFUSED, code
    return Outcome.UNKNOWN, f"{answer.status}"


def _code(answer: Answer) -> str:
    body = answer.document if isinstance(answer.document, dict) else {}
    code = str(body.get("code") or body.get("error") or answer.status)
    return f"{code}/{body['reason']}" if "reason" in body else code
