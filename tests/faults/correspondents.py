"""People who ask for mail, for addresses that have an account and for others."""

import asyncio
import random
from itertools import count

from tests.faults.accounts import Account
from tests.faults.actors import Stage
from tests.faults.caller import Caller
from tests.faults.gate import Gate
from tests.faults.pace import Pace
from tests.faults.steps.mail import AskForMail, ForgotPassword, ResendVerification
from tests.faults.worlds import Status

MAILS_A_SECOND = 1.5
"""The service sends two hundred a minute, those of sign-ups among them."""

AT_ONCE = 6
"""So that some go on asking while others are kept waiting."""

KNOWN_SHARE = 0.4
WAYS = (ForgotPassword, ForgotPassword, ResendVerification)


class Correspondents:
    """Have mail sent at a modest pace.

    To no address twice: the service leaves out what comes within a minute, and does
    not say so.
    """

    def __init__(
        self, stage: Stage, caller: Caller, gate: Gate, rng: random.Random
    ) -> None:
        self._stage = stage
        self._caller = caller
        self._gate = gate
        self._rng = rng
        self._pace = Pace(MAILS_A_SECOND)
        self._numbers = count(1)
        self._asked: set[str] = set()

    async def write(self) -> None:
        """Go on until cancelled."""
        await asyncio.gather(*[self._write() for _ in range(AT_ONCE)])

    async def ask(self, account: Account) -> None:
        """Ask for one mail to this address."""
        self._asked.add(account.email)
        await self._caller.do(self._step(account))

    def stranger(self) -> Account:
        """Return an address that has no account."""
        number = next(self._numbers)
        high, low = divmod(number, 250)
        return Account(f"reader{number}@example.org", f"10.254.{high % 250}.{low + 1}")

    async def _write(self) -> None:
        while True:
            await self._pace.turn()
            async with self._gate.pass_through():
                await self.ask(self._reader())

    def _step(self, account: Account) -> AskForMail:
        return self._rng.choice(WAYS)(account)

    def _reader(self) -> Account:
        known = [one for one in self._stage.accounts[-200:] if self._may_ask(one)]
        if known and self._rng.random() < KNOWN_SHARE:
            return self._rng.choice(known)
        return self.stranger()

    def _may_ask(self, account: Account) -> bool:
        is_there = not account.given_up and account.must_be(Status.ACTIVE)
        is_known = bool(account.device_token)
        return is_there and is_known and account.email not in self._asked
