"""Mail that is lost, invented, sent twice or not at all is found."""

from collections.abc import Iterable

import pytest

from tests.faults.disturbances import LEASE_SECONDS, Disturbances
from tests.faults.mail_checks import compare, compare_failed
from tests.faults.mail_ledger import Mail, Stored
from tests.faults.mail_samples import account, asked, handled, stored
from tests.faults.mail_server import Handled
from tests.faults.records import Finding, FindingKind, Outcome
from tests.faults.worlds import Status, World

AT = 100.0
AFTER_THE_LEASE = AT + LEASE_SECONDS
KILLED = Disturbances(ends=[AT + 0.1])


def kinds(findings: Iterable[Finding]) -> list[FindingKind]:
    """Return what the findings are called."""
    return [finding.kind for finding in findings]


def told(findings: Iterable[Finding]) -> str:
    """Return what the one finding says."""
    [finding] = findings
    return finding.what


def twice(second: Handled, disturbances: Disturbances = Disturbances()) -> Mail:
    """Return the mail of a run in which one message was handled twice."""
    first = handled(at=AT)
    return Mail([asked()], [stored()], [first, second], disturbances=disturbances)


class TestStored:
    """Requests against the outbox."""

    def test_all_is_well(self) -> None:
        """One request, one message, one arrival."""
        assert not kinds(compare(Mail([asked()], [stored()], [handled()])))

    def test_lost(self) -> None:
        """A mail was acknowledged and is not there."""
        assert kinds(compare(Mail([asked()]))) == [FindingKind.LOST]

    def test_twice(self) -> None:
        """One request has made two messages."""
        both = [stored("message-1"), stored("message-2")]
        arrived = [handled("message-1"), handled("message-2")]
        found = kinds(compare(Mail([asked()], both, arrived)))
        assert set(found) == {FindingKind.BROKEN, FindingKind.PHANTOM}

    @pytest.mark.parametrize("outcome", [Outcome.REFUSED, Outcome.LATER])
    def test_phantom(self, outcome: Outcome) -> None:
        """A request was refused, and its mail is there."""
        found = kinds(compare(Mail([asked(outcome=outcome)], [stored()], [handled()])))
        assert FindingKind.PHANTOM in found

    @pytest.mark.parametrize("is_there", [True, False])
    def test_unknown(self, is_there: bool) -> None:
        """A request without an answer may have its mail or not."""
        rows, arrived = ([stored()], [handled()]) if is_there else ([], [])
        unknown = asked(outcome=Outcome.UNKNOWN)
        assert not kinds(compare(Mail([unknown], rows, arrived)))

    @pytest.mark.parametrize("status", [Status.ACTIVE, Status.DELETED])
    def test_deleted(self, status: Status) -> None:
        """Mail goes with its account, and with no other."""
        reader = account(world=World(status))
        found = kinds(compare(Mail([asked(reader)])))
        assert found == ([] if status is Status.DELETED else [FindingKind.LOST])

    def test_limited(self) -> None:
        """A sign-up whose answer names no challenge has caused no mail."""
        assert not kinds(compare(Mail([asked(challenge=None)])))


class TestArrived:
    """The outbox against what the server has taken."""

    def test_never(self) -> None:
        """A message was noted as sent and never came."""
        assert kinds(compare(Mail([asked()], [stored()]))) == [FindingKind.LOST]

    def test_only_refused(self) -> None:
        """To be refused is not to arrive."""
        refused = handled(taken=False)
        assert kinds(compare(Mail([asked()], [stored()], [refused])))

    @pytest.mark.parametrize("state", ["waiting", "failed"])
    def test_not_sent(self, state: str) -> None:
        """At the end everything must be sent."""
        found = kinds(compare(Mail([asked()], [stored(state=state)])))
        assert found == [FindingKind.LOST]

    def test_withheld(self) -> None:
        """Who asks again at once gets no other mail; who asks once gets one."""
        rows = [stored(state="withheld")]
        assert kinds(compare(Mail([asked()], rows))) == [FindingKind.LOST]
        twice = [asked(outcome=Outcome.UNKNOWN), asked()]
        assert not kinds(compare(Mail(twice, rows)))

    def test_other_name(self) -> None:
        """A message came under two names."""
        arrived = [handled("message-1"), handled("message-2")]
        found = told(compare(Mail([asked()], [stored()], arrived)))
        assert "Message-ID that is not in the outbox" in found

    def test_notices(self) -> None:
        """What tells of something was not asked for."""
        rows = [stored(), stored("message-2", "challenge-2", kind="new_device")]
        arrived = [handled("message-1"), handled("message-2")]
        assert not kinds(compare(Mail([asked()], rows, arrived)))

    def test_of_the_deleted(self) -> None:
        """What has come for an account that is gone is not in the outbox."""
        reader = account(world=World(Status.DELETED))
        assert not kinds(compare(Mail([asked(reader)], [], [handled()])))

    def test_two_requests(self) -> None:
        """Two requests for one address make two messages."""
        requests = [asked(challenge=f"challenge-{n}") for n in (1, 2)]
        rows = [stored(f"message-{n}", f"challenge-{n}") for n in (1, 2)]
        arrived = [handled(f"message-{n}") for n in (1, 2)]
        assert not kinds(compare(Mail(requests, rows, arrived)))


class TestCameAgain:
    """A message that arrived more than once."""

    def test_for_no_reason(self) -> None:
        """Nothing had happened to whoever had sent it."""
        assert "came once more" in told(compare(twice(handled(at=AFTER_THE_LEASE))))

    def test_killed(self) -> None:
        """A process was killed before it could note that it was sent."""
        assert not kinds(compare(twice(handled(at=AFTER_THE_LEASE), KILLED)))

    def test_too_soon(self) -> None:
        """Whoever takes a message has two minutes, dead or not."""
        assert kinds(compare(twice(handled(at=AT + 5), KILLED)))

    def test_clocks_moved(self) -> None:
        """The two minutes are those of the service's clock."""
        moved = Disturbances(ends=KILLED.ends, skipped=[(AT + 2, 3600)])
        assert not kinds(compare(twice(handled(at=AT + 5), moved)))

    def test_wrong_clock(self) -> None:
        """A clock that is wrong ends them early."""
        bent = Disturbances(ends=KILLED.ends, bent=[(AT + 1, AT + 4)])
        assert not kinds(compare(twice(handled(at=AT + 5), bent)))

    @pytest.mark.parametrize(("at", "is_excused"), [(AT + 1, True), (AT + 9, False)])
    def test_killed_at_another_time(self, at: float, is_excused: bool) -> None:
        """A kill excuses only what was being noted."""
        disturbances = Disturbances(ends=[at])
        found = kinds(compare(twice(handled(at=AFTER_THE_LEASE), disturbances)))
        assert bool(found) != is_excused

    def test_not_saved(self) -> None:
        """The database could not be written to."""
        unsaved = Disturbances(unsaved=[(AT - 30, AT - 1)])
        assert not kinds(compare(twice(handled(at=AFTER_THE_LEASE), unsaved)))

    def test_once_for_each_kill(self) -> None:
        """One kill excuses one more arrival."""
        third = handled(at=AFTER_THE_LEASE + LEASE_SECONDS)
        mail = twice(handled(at=AFTER_THE_LEASE), KILLED)
        again = Mail(
            mail.asked, mail.stored, [*mail.handled, third], disturbances=KILLED
        )
        assert kinds(compare(again)) == [FindingKind.BROKEN]

    def test_lost_answer(self) -> None:
        """The server took it and never said so; it comes again when it is due."""
        first = handled(at=AT, said=False)
        for seconds, count in ((12, 0), (5, 1)):
            both = [first, handled(at=AT + seconds)]
            assert len(kinds(compare(Mail([asked()], [stored()], both)))) == count


class TestRefused:
    """Messages that were refused for good."""

    def refused(
        self,
        failed: frozenset[str] = frozenset(),
        rows: tuple[Stored, ...] = (stored(state="failed"),),
        disturbances: Disturbances = Disturbances(),
    ) -> list[FindingKind]:
        """Return what is found when a message was refused."""
        mail = Mail(
            [asked()],
            rows,
            [handled(taken=False)],
            failed=failed,
            disturbances=disturbances,
        )
        return kinds(compare_failed(mail))

    def test_shown(self) -> None:
        """It is shown as failed."""
        assert not self.refused(failed=frozenset({"message-1"}))

    def test_not_shown(self) -> None:
        """It is not: nobody could send it again."""
        assert self.refused() == [FindingKind.LOST]

    def test_deleted(self) -> None:
        """Its account is gone, and it with it."""
        assert not self.refused(rows=())

    def test_not_heard(self) -> None:
        """Whoever was told has died."""
        assert not self.refused(disturbances=KILLED)

    def test_given_up_for_nothing(self) -> None:
        """One is shown as failed that nobody refused."""
        mail = Mail(stored=[stored()], failed=frozenset({"message-1"}))
        assert kinds(compare_failed(mail)) == [FindingKind.BROKEN]

    @pytest.mark.parametrize(("at", "is_right"), [(AT + 50, True), (AT + 70, False)])
    def test_sent_again(self, at: float, is_right: bool) -> None:
        """It comes again when the administrator wants it to, and not before."""
        both = [handled(at=AT, taken=False), handled(at=AT + 60)]
        mail = Mail([asked()], [stored()], both, sent_again={"message-1": at})
        assert bool(kinds(compare(mail))) != is_right
