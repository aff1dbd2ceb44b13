"""The ledger: what it takes as possible, and what it calls a broken promise."""

from collections import deque
from datetime import UTC, datetime, timedelta

import pytest

from tests.faults.accounts import Account, Held
from tests.faults.ledger import Seen, is_answer, observe, observe_together, see
from tests.faults.records import Finding, FindingKind, Outcome
from tests.faults.sightings import Sighting
from tests.faults.steps.administration import Administrator, SetStatus
from tests.faults.steps.base import Step
from tests.faults.steps.own import ChangePassword, Check, DeleteOwn, Rename
from tests.faults.steps.signing_in import Refresh, Register, Reuse, SignIn, SignOut
from tests.faults.worlds import OK, USER, Status, World

OLD, NEW = "old password", "new password"
HERE, THERE = "session-here", "session-there"


def held(name: str) -> Held:
    """Return a session as its client holds it."""
    return Held(name, "bearer", "a.b.c", 0.0, deque(["token"], maxlen=3))


@pytest.fixture
def account() -> Account:
    """An active account with two sessions."""
    world = World(Status.ACTIVE, OLD, "Ada", frozenset({USER}))
    world = world.with_session(HERE).with_session(THERE)
    made = Account("ada@example.com", "10.0.0.1", frozenset({world}), "an-id")
    made.held = {HERE: held(HERE), THERE: held(THERE)}
    return made


def ok(step: Step) -> Finding | None:
    """Have a step acknowledged."""
    return observe(Seen(step, Outcome.OK, OK))


def refused(step: Step, code: str) -> Finding | None:
    """Have a step refused."""
    return observe(Seen(step, Outcome.REFUSED, code))


def later(step: Step) -> Finding | None:
    """Have a step put off."""
    return observe(Seen(step, Outcome.LATER, "busy"))


def unknown(step: Step) -> Finding | None:
    """Have a step not answered."""
    return observe(Seen(step, Outcome.UNKNOWN, "connection lost"))


def change(account: Account) -> ChangePassword:
    """Return a change of password by the session here."""
    return ChangePassword(account, account.held[HERE], OLD, NEW)


def rename(account: Account, name: str = "Grace") -> Rename:
    """Return a change of name by the session here."""
    return Rename(account, account.held[HERE], name)


def sighting(account: Account, **changes: object) -> Sighting:
    """Return what is seen of the account, which is certain, but for these points."""
    (world,) = account.worlds
    seen: dict[str, object] = {
        "status": world.status,
        "display_name": world.display_name,
        "roles": world.roles,
        "sessions": dict(world.sessions),
        **changes,
    }
    return Sighting(**seen)  # type: ignore[arg-type]


def kind_of(finding: Finding | None) -> FindingKind:
    """Return what was found."""
    assert finding is not None
    return finding.kind


class TestObserve:
    """Answers, one after the other."""

    def test_acknowledged(self, account: Account) -> None:
        """What was acknowledged has happened, and nothing else can be."""
        assert ok(change(account)) is None
        (world,) = account.worlds
        assert world.password == NEW
        assert world.reason(THERE) == "password_changed"
        assert world.reason(HERE) is None

    def test_refused(self, account: Account) -> None:
        """What was refused as it had to be has not happened."""
        step = ChangePassword(account, account.held[HERE], "a guess", NEW)
        before = account.worlds
        assert refused(step, "wrong_password") is None
        assert account.worlds == before

    def test_unknown(self, account: Account) -> None:
        """What was not answered leaves two worlds, and the next answer one."""
        assert unknown(change(account)) is None
        assert account.passwords == [NEW, OLD]
        assert refused(Refresh(account, account.held[THERE]), ENDED) is None
        assert account.passwords == [NEW]

    def test_worlds_keep_together_what_belongs_together(self, account: Account) -> None:
        """A password that changed, and a session that did not end: that can't be."""
        unknown(change(account))
        assert ok(Refresh(account, account.held[THERE])) is None
        assert kind_of(ok(SignIn(account, NEW))) is FindingKind.LET_IN

    def test_unknown_twice(self, account: Account) -> None:
        """A step may be tried again whether it happened or not."""
        step = DeleteOwn(account, account.held[HERE], OLD)
        unknown(step)
        unknown(step)
        assert refused(step, "session_ended/user_deleted") is None
        assert account.must_be(Status.DELETED)

    def test_unknown_sign_up(self) -> None:
        """A sign-up in doubt is settled by signing in."""
        account = Account("ada@example.com", "10.0.0.1")
        unknown(Register(account, OLD, None))
        assert account.may_be(Status.ABSENT) and account.may_be(Status.ACTIVE)
        assert refused(SignIn(account, OLD), "invalid_credentials") is None
        assert account.must_be(Status.ABSENT)

    def test_password_lost(self, account: Account) -> None:
        """The new password is refused: the acknowledged change is lost."""
        ok(change(account))
        finding = refused(SignIn(account, NEW), "invalid_credentials")
        assert kind_of(finding) is FindingKind.LOST
        assert account.given_up

    def test_old_password_let_in(self, account: Account) -> None:
        """The old password still opens the account."""
        ok(change(account))
        assert kind_of(ok(SignIn(account, OLD))) is FindingKind.LET_IN

    def test_ended_session_let_in(self, account: Account) -> None:
        """A session that signed out is honoured."""
        ok(SignOut(account, account.held[HERE]))
        finding = ok(Check(account, account.held[HERE]))
        assert kind_of(finding) is FindingKind.LET_IN

    def test_thrown_out(self, account: Account) -> None:
        """A session that nothing ended is refused."""
        finding = refused(Refresh(account, account.held[HERE]), ENDED)
        assert kind_of(finding) is FindingKind.BROKEN

    def test_wrong_reason(self, account: Account) -> None:
        """A session that ended says why, and the reason is the right one."""
        ok(SignOut(account, account.held[HERE]))
        finding = refused(Refresh(account, account.held[HERE]), ENDED)
        assert kind_of(finding) is FindingKind.BROKEN

    def test_put_off_and_there(self, account: Account) -> None:
        """A change was put off, and then the new password is the right one."""
        later(change(account))
        assert kind_of(ok(SignIn(account, NEW))) is FindingKind.PHANTOM

    def test_refused_and_there(self, account: Account) -> None:
        """A change was refused, and then the new password is the right one."""
        wrong = ChangePassword(account, account.held[HERE], "a guess", NEW)
        refused(wrong, "wrong_password")
        assert kind_of(ok(SignIn(account, NEW))) is FindingKind.PHANTOM

    def test_reuse_ends_the_session(self, account: Account) -> None:
        """A token that was rotated twice is refused, and so is all of its session."""
        step = Reuse(account, account.held[HERE])
        assert refused(step, "session_ended/token_reused") is None
        assert held(HERE).id not in next(iter(account.worlds)).alive

    def test_reuse_let_in(self, account: Account) -> None:
        """It is accepted: a rotation was lost, or nobody looks."""
        assert kind_of(ok(Reuse(account, account.held[HERE]))) is FindingKind.LET_IN

    def test_the_finding_tells_what_led_to_it(self, account: Account) -> None:
        """The account, what was expected and what came."""
        finding = refused(Refresh(account, account.held[HERE]), ENDED)
        assert finding is not None
        assert finding.details["account"] == account.email
        assert finding.details["expected"] == [["ok"]]
        assert finding.details["answered"] == [ENDED]


ENDED = "session_ended/password_changed"


class TestObserveTogether:
    """Answers to what ran at the same time."""

    def together(
        self, account: Account, *seen: tuple[Step, Outcome, str]
    ) -> Finding | None:
        """Observe these at once."""
        return observe_together([Seen(*one) for one in seen])

    def test_one_of_two_changes(self, account: Account) -> None:
        """The second finds another password than it was told."""
        first = ChangePassword(account, account.held[HERE], OLD, "first new one")
        second = ChangePassword(account, account.held[HERE], OLD, "second new one")
        found = self.together(
            account,
            (first, Outcome.REFUSED, "wrong_password"),
            (second, Outcome.OK, OK),
        )
        assert found is None
        assert account.passwords == ["second new one"]

    def test_both_changes(self, account: Account) -> None:
        """Both acknowledged: one of them overwrote the other."""
        first = ChangePassword(account, account.held[HERE], OLD, "first new one")
        second = ChangePassword(account, account.held[HERE], OLD, "second new one")
        seen = [Seen(step, Outcome.OK, OK) for step in (first, second)]
        assert kind_of(observe_together(seen)) is FindingKind.LET_IN

    def test_either_order(self, account: Account) -> None:
        """A refresh beside a sign-out may be answered either way; then it is over."""
        steps = (
            SignOut(account, account.held[HERE]),
            Refresh(account, account.held[HERE]),
        )
        seen = [Seen(step, Outcome.OK, OK) for step in steps]
        assert observe_together(seen) is None
        assert account.dead() == [account.held[HERE]]

    def test_ten_refreshes(self, account: Account) -> None:
        """Ten tabs get ten good answers; a refusal among them is a finding."""
        steps = [Refresh(account, account.held[HERE]) for _ in range(10)]
        seen = [Seen(step, Outcome.OK, OK) for step in steps]
        assert observe_together(seen) is None
        seen[4] = Seen(steps[4], Outcome.REFUSED, "session_ended/token_reused")
        assert kind_of(observe_together(seen)) is FindingKind.BROKEN

    def test_unknown_among_them(self, account: Account) -> None:
        """What was not answered may have come first, last or never."""
        by = Administrator(account, account.held[THERE])
        found = self.together(
            account,
            (SetStatus(account, by, Status.DISABLED), Outcome.UNKNOWN, "deadline"),
            (Refresh(account, account.held[HERE]), Outcome.OK, OK),
        )
        assert found is None
        assert account.may_be(Status.DISABLED) and account.may_be(Status.ACTIVE)


class TestSee:
    """What an account looks like afterwards."""

    def test_as_it_should_be(self, account: Account) -> None:
        """Nothing is found."""
        assert see(account, sighting(account)) is None

    def test_settles_doubt(self, account: Account) -> None:
        """What is seen stays: later it can't be the other."""
        before = sighting(account)
        unknown(rename(account))
        assert see(account, before) is None
        after = sighting(account, display_name="Grace")
        assert kind_of(see(account, after)) is FindingKind.LOST

    @pytest.mark.parametrize(
        "changes",
        [
            {"display_name": "somebody"},
            {"status": Status.DISABLED},
            {"status": Status.ABSENT},
            {"roles": frozenset({USER, "editor"})},
            {"sessions": {HERE: None}},
        ],
        ids=["name", "status", "absent", "roles", "session"],
    )
    def test_lost(self, account: Account, changes: dict[str, object]) -> None:
        """Something that was acknowledged is not there."""
        assert kind_of(see(account, sighting(account, **changes))) is FindingKind.LOST

    def test_lost_end(self, account: Account) -> None:
        """A session that signed out is alive again."""
        before = sighting(account)
        ok(SignOut(account, account.held[HERE]))
        assert kind_of(see(account, before)) is FindingKind.LOST

    def test_lost_deletion(self, account: Account) -> None:
        """An account that was deleted is back."""
        before = sighting(account)
        ok(DeleteOwn(account, account.held[HERE], OLD))
        assert kind_of(see(account, before)) is FindingKind.LOST

    def test_phantom(self, account: Account) -> None:
        """A name that was put off is there."""
        later(rename(account))
        seen = sighting(account, display_name="Grace")
        assert kind_of(see(account, seen)) is FindingKind.PHANTOM

    def test_phantom_account(self) -> None:
        """A sign-up that was put off made an account."""
        account = Account("ada@example.com", "10.0.0.1")
        later(Register(account, OLD, None))
        seen = Sighting(Status.ACTIVE, None, frozenset({USER}))
        assert kind_of(see(account, seen)) is FindingKind.PHANTOM

    def test_thrown_out(self, account: Account) -> None:
        """A session has ended that nothing ended."""
        seen = sighting(account, sessions={HERE: "idle_timeout", THERE: None})
        assert kind_of(see(account, seen)) is FindingKind.BROKEN

    def test_session_that_nobody_began(self, account: Account) -> None:
        """A session more than sign-ins is a phantom."""
        sessions = {HERE: None, THERE: None, "stray": None}
        seen = sighting(account, sessions=sessions)
        assert kind_of(see(account, seen)) is FindingKind.PHANTOM

    def test_session_of_an_unknown_sign_in(self, account: Account) -> None:
        """A sign-in that was not answered may have begun one; then it is known."""
        account.stray_sign_ins = 1
        sessions = {HERE: None, THERE: None, "stray": None}
        assert see(account, sighting(account, sessions=sessions)) is None
        ok(change(account))
        assert next(iter(account.worlds)).reason("stray") == "password_changed"

    def test_rotated(self, account: Account) -> None:
        """A session was last used when it was refreshed, or later."""
        now = datetime.now(UTC)
        account.held[HERE].rotated_at = now.timestamp()
        used = {HERE: now + timedelta(seconds=1)}
        assert see(account, sighting(account, last_used=used)) is None

    def test_lost_rotation(self, account: Account) -> None:
        """A session was last used before a refresh that was acknowledged."""
        now = datetime.now(UTC)
        account.held[HERE].rotated_at = now.timestamp()
        used = {HERE: now - timedelta(seconds=60)}
        found = see(account, sighting(account, last_used=used))
        assert kind_of(found) is FindingKind.LOST


class TestIsAnswer:
    """The words of two protocols."""

    @pytest.mark.parametrize(
        ("expected", "label", "same"),
        [
            (OK, OK, True),
            ("invalid_credentials", "invalid_grant", True),
            ("session_ended/signed_out", "invalid_grant", True),
            (OK, "invalid_grant", False),
            ("session_ended/signed_out", "session_ended/max_age", False),
        ],
    )
    def test_same(self, expected: str, label: str, same: bool) -> None:
        """OAuth has one word for every refused grant."""
        assert is_answer(expected, label) is same
