"""The load: everybody who uses the service during a run, and the intruder."""

import asyncio
import random

from tests.faults.accounts import Account
from tests.faults.actors import Actor, Stage
from tests.faults.bystanders import Bystanders
from tests.faults.caller import Caller
from tests.faults.checks import Compared, Comparer
from tests.faults.correspondents import Correspondents
from tests.faults.gate import Gate
from tests.faults.intrusions import Intrusions
from tests.faults.mail_ledger import MailLedger
from tests.faults.pace import Pace
from tests.faults.records import Finding, Target
from tests.faults.report import Recorder
from tests.faults.root import Root
from tests.faults.wire import Sender, Wire

ACTORS = 12
OPERATIONS_A_SECOND = 75.0
CATCH_UP = 2.5
COMPARE_SECONDS = 3.0
SAMPLED = (
    "After a fault the accounts in doubt are compared first, then others by lot, for "
    "as long as the time allows; those left wait for the next comparison, and at the "
    "end every account is compared."
)


class Load:
    """Everybody who uses the service during a run, and the intruder.

    Args:
        target: Where the service is.
        seed: What chance begins with; the order of things still depends on the servers.
        recorder: Who keeps what happens.
        sender: How requests are sent; over the network, unless said otherwise.
        operations_a_second: How many the actors try, all together.

    Attributes:
        compared: How much the last comparison took in.
        root: The administrator.
        mail: Every request for mail.
        correspondents: Those who ask for mail.
    """

    def __init__(
        self,
        target: Target,
        seed: int,
        recorder: Recorder,
        *,
        sender: Sender | None = None,
        operations_a_second: float = OPERATIONS_A_SECOND,
    ) -> None:
        rng = random.Random(seed)
        self._recorder = recorder
        self._sender = sender or Wire()
        self.caller = Caller(target, self._sender, recorder, rng)
        self._gate = Gate()
        self.root = Root(self.caller)
        self._intrusions = Intrusions(target, seed, recorder)
        self._stage = Stage(
            self.caller,
            self.root,
            self._gate,
            self._intrusions,
            Pace(operations_a_second, CATCH_UP),
        )
        self._comparer = Comparer(self.caller, self.root, random.Random(seed + 1))
        self._seed = seed
        self.compared = Compared(0, 0, 0.0)
        self._touched: dict[Account, int] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self.caller.on_answer(self._intrusions.learn)
        self.mail = MailLedger()
        self.caller.on_seen(self.mail.learn)
        self.correspondents = Correspondents(
            self._stage, self.caller, self._gate, random.Random(f"{seed} mail")
        )

    @property
    def accounts(self) -> list[Account]:
        """Every account there has been."""
        return self._stage.accounts

    async def start(self) -> None:
        """Let everybody begin."""
        await self._intrusions.start()
        self._recorder.start()
        bystanders = Bystanders(
            self._stage.new_scene(random.Random(f"{self._seed} stranger")),
            self._stage.new_scene(random.Random(f"{self._seed} victim")),
            self._sender,
            self._intrusions,
        )
        actors = [Actor(self._stage, f"{self._seed} {n}") for n in range(ACTORS)]
        self._gate.open()
        works = [bystanders.live(), *[actor.act() for actor in actors]]
        works.append(self.correspondents.write())
        self._tasks = [asyncio.create_task(work) for work in works]

    async def settle(self) -> None:
        """Let nobody begin anything new; return when all answers are there."""
        await self._gate.shut()
        self._raise_what_broke_down()

    async def resume(self) -> None:
        """Let everybody go on."""
        self._gate.open()

    def trust_clocks(self, are_right: bool) -> None:
        """Say whether every server's clock is ours.

        While one is not, tokens may well be called expired or too new, and those that
        have expired may be good again.
        """
        self.caller.clock_is_wrong = not are_right
        self._intrusions.withhold([] if are_right else ["expired_access"])

    async def stop(self) -> None:
        """Send everybody home, and compare every account there has been."""
        try:
            await self.settle()
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            await self._intrusions.stop()
            self._recorder.stop()
        await self._compare_all()

    async def compare(self, seconds: float | None = COMPARE_SECONDS) -> list[Finding]:
        """Compare what was used since the last time with what was acknowledged.

        Args:
            seconds: How long it may take; None to compare every account there has been.

        Returns:
            What was found since the last time; the recorder knows of it already.
        """
        waiting = [
            account
            for account in self.accounts
            if seconds is None or account.operations > self._touched.get(account, 0)
        ]
        self.compared, accounts = await self._comparer.compare(waiting, seconds)
        for account in accounts:
            self._touched[account] = account.operations
        if self.compared.left:
            self._recorder.note(SAMPLED)
        found, self.caller.found = self.caller.found, []
        return found

    async def _compare_all(self) -> None:
        whole = False
        try:
            await self.compare(None)
            whole = True
        finally:
            if not whole:
                self._recorder.incomplete("the last comparison was not finished")
            self._recorder.describe(last_comparison=vars(self.compared))

    def _raise_what_broke_down(self) -> None:
        for task in self._tasks:
            if task.done() and not task.cancelled():
                task.result()
