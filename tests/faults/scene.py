"""What a flow works with: one account, a way to call, and chance."""

import asyncio
import random
import time
from dataclasses import dataclass

from tests.faults.accounts import Account, Held
from tests.faults.answers import TOO_MANY
from tests.faults.caller import Caller
from tests.faults.gate import Gate
from tests.faults.ledger import Seen
from tests.faults.pace import Pace
from tests.faults.root import Root
from tests.faults.steps.administration import Administrator
from tests.faults.steps.base import Step

BACKING_OFF_SECONDS = 0.25
LIMITED_SECONDS = 5.0
HEARING_MARGIN_SECONDS = 0.3


@dataclass
class Scene:
    """One account in the hands of one actor."""

    caller: Caller
    root: Root
    gate: Gate
    pace: Pace
    rng: random.Random
    account: Account

    async def do(self, step: Step) -> Seen:
        """Carry a step out once the gate is open."""
        await self.pace.turn()
        async with self.gate.pass_through():
            seen = await self.caller.do(step)
        if seen.label == TOO_MANY:
            self.account.quiet_until = time.monotonic() + LIMITED_SECONDS
        if not seen.is_answered:
            # Nobody hammers a server that is down.
            await asyncio.sleep(BACKING_OFF_SECONDS)
        return seen

    async def do_together(self, *steps: Step) -> list[Seen]:
        """Carry several out at the same moment."""
        for _ in steps:
            await self.pace.turn()
        async with self.gate.pass_through():
            return await self.caller.do_together(list(steps))

    async def administrator(self) -> Administrator:
        """Return the administrator with a good token."""
        async with self.gate.pass_through():
            return await self.root.administrator()

    @property
    def heard_seconds(self) -> float:
        """How long it may take until every process knows of a change."""
        seconds = self.caller.target.heard_seconds
        return seconds + HEARING_MARGIN_SECONDS if seconds else 0

    async def until_heard(self) -> None:
        """Wait until every process must know what has ended."""
        await asyncio.sleep(self.heard_seconds)

    def now(self) -> float:
        """Return the time that the account's times are told in."""
        return time.monotonic()

    @property
    def may_go_on(self) -> bool:
        """Whether nothing is in doubt about the account but what a step may settle."""
        return not self.account.given_up and self.account.is_at_rest

    def one_living(self) -> Held:
        """Return one of the living sessions."""
        return self.rng.choice(self.account.living())

    def new_password(self) -> str:
        """Return a password that nobody has had."""
        return f"{self.rng.getrandbits(80):020x} and a word"

    def new_name(self) -> str:
        """Return a name to show."""
        return f"Walker {self.rng.getrandbits(32):08x}"
