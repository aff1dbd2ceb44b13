"""A service that lies is found out: nothing here talks to a network."""

import random

import pytest

from tests.faults import flows
from tests.faults.accounts import Account
from tests.faults.caller import Caller
from tests.faults.checks import Comparer
from tests.faults.fake_service import FakeService
from tests.faults.gate import Gate
from tests.faults.mail_ledger import MailLedger
from tests.faults.pace import Pace
from tests.faults.records import FindingKind, Target
from tests.faults.report import Recorder
from tests.faults.root import Root
from tests.faults.scene import Scene
from tests.faults.steps.mail import ForgotPassword
from tests.faults.steps.own import ChangePassword, Rename
from tests.faults.steps.signing_in import Refresh, Register, SignIn
from tests.faults.wire import Request
from tests.faults.worlds import Status

ROOT_EMAIL, ROOT_PASSWORD = "root@example.com", "the root password"
PASSWORD = "seven tame geese"
TARGET = Target(("http://service",), ROOT_EMAIL, ROOT_PASSWORD, 600, 30, 0)


class Stage:
    """An account that has signed up and in, at a service that is honest so far."""

    def __init__(self) -> None:
        self.service = FakeService()
        self.service.root(ROOT_EMAIL, ROOT_PASSWORD)
        self.recorder = Recorder()
        self.rng = random.Random(1)
        self.caller = Caller(TARGET, self.service, self.recorder, self.rng)
        self.root = Root(self.caller)
        self.account = Account("walker1@example.com", "10.0.0.1")

    async def enter(self) -> None:
        """Sign up and in."""
        await self.caller.do(Register(self.account, PASSWORD, "Ada"))
        await self.caller.do(SignIn(self.account, PASSWORD))

    async def found(self) -> set[FindingKind]:
        """Compare, and return what was found up to now."""
        comparer = Comparer(self.caller, self.root, self.rng)
        await comparer.compare([self.account])
        return {finding.kind for finding in self.caller.found}

    def rename(self) -> Rename:
        """Return a change of name."""
        return Rename(self.account, self.account.living()[0], "Grace")


@pytest.fixture
async def stage() -> Stage:
    """An account that has entered."""
    made = Stage()
    await made.enter()
    return made


def is_patch(request: Request) -> bool:
    """Tell whether a request changes something about an account."""
    return request.method == "PATCH"


class TestFound:
    """Each lie, and how it is called."""

    async def test_honest(self, stage: Stage) -> None:
        """An honest service is not accused."""
        await stage.caller.do(stage.rename())
        await stage.caller.do(Refresh(stage.account, stage.account.living()[0]))
        assert await stage.found() == set()
        assert stage.recorder.failures() == ["only 0 attempts, 1 wanted"]

    async def test_lost(self, stage: Stage) -> None:
        """A change is acknowledged and not made."""
        stage.service.skips = is_patch
        await stage.caller.do(stage.rename())
        assert await stage.found() == {FindingKind.LOST}

    async def test_lost_account(self, stage: Stage) -> None:
        """An account is acknowledged and gone."""
        del stage.service.users[str(stage.account.id)]
        assert await stage.found() == {FindingKind.LOST}

    async def test_phantom(self, stage: Stage) -> None:
        """A change is made and the caller told to come back later."""
        stage.service.lie = lambda request, _: 429 if is_patch(request) else None
        await stage.caller.do(stage.rename())
        assert await stage.found() == {FindingKind.PHANTOM}

    async def test_let_in(self, stage: Stage) -> None:
        """A session is honoured that has ended."""
        await stage.caller.do(SignIn(stage.account, PASSWORD))
        here, there = stage.account.living()
        step = ChangePassword(stage.account, here, PASSWORD, "another one")
        await stage.caller.do(step)
        stage.service.sessions[there.id].reason = None
        await stage.caller.do(Refresh(stage.account, there))
        assert await stage.found() == {FindingKind.LET_IN}

    async def test_broken(self, stage: Stage) -> None:
        """A session is ended that nobody ended."""
        stage.service.end(stage.account.living()[0].id, "idle_timeout")
        assert await stage.found() == {FindingKind.BROKEN}

    async def test_500(self, stage: Stage) -> None:
        """A crash is found, and the change may have been made or not."""
        stage.service.lie = lambda request, _: 500 if is_patch(request) else None
        await stage.caller.do(stage.rename())
        assert len(stage.account.worlds) == 2
        stage.account.quiet_until = 0
        assert await stage.found() == {FindingKind.BROKEN}
        assert stage.recorder.failures()[0] == "1 broken"

    async def test_unknown_may_be_either(self, stage: Stage) -> None:
        """A change behind a 503 is looked at, and is then known."""
        stage.service.lie = lambda request, _: 503 if is_patch(request) else None
        await stage.caller.do(stage.rename())
        stage.account.quiet_until = 0
        assert await stage.found() == set()
        (world,) = stage.account.worlds
        assert world.display_name == "Grace"

    async def test_undone_after_it_was_seen(self, stage: Stage) -> None:
        """What was seen after an unknown outcome must stay."""
        await self.test_unknown_may_be_either(stage)
        stage.service.users[str(stage.account.id)].display_name = "Ada"
        assert await stage.found() == {FindingKind.LOST}

    async def test_mail(self, stage: Stage) -> None:
        """A request for mail is kept with the challenge that its answer names."""
        ledger = MailLedger()
        stage.caller.on_seen(ledger.learn)
        await stage.caller.do(ForgotPassword(stage.account))
        await stage.caller.do(stage.rename())
        assert [one.challenge for one in ledger.asked] == list(stage.service.challenges)
        assert await stage.found() == set()

    async def test_mail_without_challenge(self, stage: Stage) -> None:
        """An answer with which nobody could give the code in the mail."""
        stage.service.names_challenges = False
        await stage.caller.do(ForgotPassword(stage.account))
        assert await stage.found() == {FindingKind.BROKEN}

    async def test_not_what_was_agreed(self, stage: Stage) -> None:
        """A good status with a body that brings nothing."""
        stage.service.lie = lambda request, _: 200 if "login" in request.path else None
        await stage.caller.do(SignIn(stage.account, PASSWORD))
        assert stage.caller.found[0].kind is FindingKind.BROKEN


class TestFlows:
    """What actors do, with an honest service."""

    def scene(self, stage: Stage) -> Scene:
        """Return the account in an actor's hands."""
        gate = Gate()
        gate.open()
        pace = Pace(10_000)
        return Scene(stage.caller, stage.root, gate, pace, stage.rng, stage.account)

    async def test_sacrifice(self, stage: Stage) -> None:
        """A session is sacrificed, and ends for the right reason."""
        await flows.sacrifice(self.scene(stage))
        (world,) = stage.account.worlds
        assert {reason for _, reason in world.sessions} == {"token_reused"}
        assert await stage.found() == set()

    async def test_sacrifice_survived(self, stage: Stage) -> None:
        """Rotations are forgotten: the session does not end, and that is found."""
        for session in stage.service.sessions.values():
            session.generation = -10
        stage.service.lie = lambda request, status: self.forget(stage)
        await flows.sacrifice(self.scene(stage))
        assert FindingKind.LET_IN in await stage.found()

    def forget(self, stage: Stage) -> None:
        """Have the service lose every rotation."""
        for session in stage.service.sessions.values():
            session.generation = -10

    async def test_stale_view(self, stage: Stage) -> None:
        """A token that shows an account as it was is found out."""
        stage.service.users[str(stage.account.id)].display_name = "Somebody"
        await flows.check(self.scene(stage))
        assert [finding.kind for finding in stage.caller.found] == [FindingKind.BROKEN]

    async def test_deleted(self, stage: Stage) -> None:
        """A deleted account is gone for good, and its sessions with it."""
        await flows.delete_own(self.scene(stage))
        assert stage.account.must_be(Status.DELETED)
        assert await stage.found() == set()
