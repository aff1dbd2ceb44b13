"""Answers that tell of the mail server, or wait for it, are found."""

from typing import Any

import pytest

from tests.faults.ledger import Seen
from tests.faults.mail_answers import LEAST_ANSWERS, compare_answers, times_of
from tests.faults.mail_ledger import Asked, MailLedger, form_of
from tests.faults.mail_samples import FORM, account, asked
from tests.faults.records import MailTrouble, Outcome
from tests.faults.steps.mail import ForgotPassword
from tests.faults.steps.signing_in import SignIn
from tests.faults.wire import Answer

TROUBLE = MailTrouble("smtp_later", calm=(0.0, 10.0), held=(10.0, 20.0))
CALM, UNDER = 1.0, 11.0


def several(began: float, **more: Any) -> list[Asked]:
    """Return just enough requests."""
    return [asked(began=began, **more) for _ in range(LEAST_ANSWERS)]


def found(requests: list[Asked]) -> list[str]:
    """Return what is found."""
    return [finding.what for finding in compare_answers(requests, [TROUBLE])]


class TestTimes:
    """How long answers take."""

    @pytest.mark.parametrize(
        ("seconds", "is_found"), [(0.01, False), (0.5, False), (0.6, True)]
    )
    def test_median(self, seconds: float, is_found: bool) -> None:
        """Twice as long and half a second more are allowed."""
        requests = several(CALM) + several(UNDER, seconds=seconds)
        assert bool(found(requests)) == is_found

    def test_one_slow_answer(self) -> None:
        """One that is slow for another reason is not the mail server's fault."""
        slow = asked(began=UNDER, seconds=3)
        assert not found(several(CALM) + several(UNDER) + [slow])

    def test_too_few(self) -> None:
        """Of a few nothing is said."""
        requests = several(CALM) + several(UNDER)[1:]
        assert times_of(requests, [TROUBLE]) == []

    def test_no_answer(self) -> None:
        """Those who gave up waiting count with all that they waited."""
        waited = several(UNDER, outcome=Outcome.UNKNOWN, seconds=10)
        assert "answers wait for the mail server" in found(several(CALM) + waited)

    def test_limited(self) -> None:
        """What a limit refuses at once would hide those who wait."""
        requests = several(CALM) + several(UNDER, outcome=Outcome.LATER)
        assert times_of(requests, [TROUBLE]) == []

    def test_same_kind(self) -> None:
        """A sign-up, which takes longer, is compared with sign-ups."""
        calm = several(CALM) + several(CALM, kind="register", seconds=0.3)
        under = several(UNDER) + several(UNDER, kind="register", seconds=0.3)
        assert not found(calm + under)
        assert [one.request for one in times_of(calm + under, [TROUBLE])] == [
            "forgot_password and resend_verification",
            "register",
        ]


class TestBytes:
    """What answers say."""

    def test_other_bytes(self) -> None:
        """An answer is another one than without the fault."""
        other = FORM.replace("{}", '{\\"mail\\": \\"late\\"}')
        assert found([asked(began=CALM), asked(began=UNDER, form=other)])

    def test_same_bytes(self) -> None:
        """A form that comes without the fault too tells nothing."""
        forms = [FORM, FORM.replace("{}", "[]")]
        requests = [
            asked(began=at, form=form) for at in (CALM, UNDER) for form in forms
        ]
        assert not found(requests)

    @pytest.mark.parametrize("outcome", [Outcome.REFUSED, Outcome.UNKNOWN])
    def test_failed(self, outcome: Outcome) -> None:
        """A request fails."""
        assert found([asked(began=UNDER, outcome=outcome)])
        assert not found([asked(began=CALM, outcome=outcome)])


class TestForm:
    """What is compared of an answer."""

    def form(self, body: bytes = b"{}", /, **headers: str) -> str:
        """Return the form of an answer."""
        pairs = tuple(
            (name.replace("_", "-"), value) for name, value in headers.items()
        )
        return form_of(Answer(202, pairs, body))

    @pytest.mark.parametrize("name", ["date", "x_request_id", "cardea_challenge"])
    def test_own_headers(self, name: str) -> None:
        """Names and times differ from answer to answer."""
        assert self.form(**{name: "one"}) == self.form(**{name: "two"})
        assert self.form(**{name: "one"}) != self.form()

    def test_other_headers(self) -> None:
        """Everything else must not."""
        assert self.form(vary="a") != self.form(vary="b")
        assert self.form(content_length="1") != self.form(content_length="2")

    def test_bodies(self) -> None:
        """Of an account's own body its own members may differ."""
        ada, bob = b'{"id": 1, "status": "active"}', b'{"id": 22, "status": "active"}'
        off = b'{"id": 1, "status": "disabled"}'
        assert self.form(ada, content_length="1") == self.form(bob, content_length="2")
        assert self.form(ada) != self.form(off)


class TestLedger:
    """What is kept of requests."""

    def test_learn(self) -> None:
        """The challenge that an answer names, and when it came."""
        ledger = MailLedger()
        headers = (("cardea-challenge", "challenge-1"),)
        step = ForgotPassword(account())
        seen = Seen(step, Outcome.OK, "ok", Answer(202, headers, b"{}"), 1.0, 2.0)
        ledger.learn(seen)
        [one] = ledger.asked
        assert (one.challenge, one.began, one.ended) == ("challenge-1", 1.0, 2.0)
        assert one.must_have_mail

    def test_other_steps(self) -> None:
        """What causes no mail is left out."""
        ledger = MailLedger()
        ledger.learn(Seen(SignIn(account(), "a password"), Outcome.OK, "ok"))
        assert ledger.asked == []

    def test_no_answer(self) -> None:
        """A request without an answer may have caused one."""
        ledger = MailLedger()
        ledger.learn(Seen(ForgotPassword(account()), Outcome.UNKNOWN, "deadline"))
        [one] = ledger.asked
        assert one.may_have_mail and not one.must_have_mail
