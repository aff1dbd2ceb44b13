"""The administrator, whose session all actors share."""

import asyncio

from tests.faults.accounts import Account, Held
from tests.faults.caller import RETRY_SECONDS, Caller
from tests.faults.steps.administration import Administrator
from tests.faults.steps.signing_in import Refresh, SignIn
from tests.faults.worlds import Status, World

ADMIN = "admin"
NETWORK = "10.255.255.254"


class Root:
    """Signs in once, and renews its token in time, one actor at a time."""

    def __init__(self, caller: Caller) -> None:
        target = caller.target
        world = World(
            Status.ACTIVE, target.root_password, roles=frozenset({ADMIN, "user"})
        )
        self.account = Account(target.root_email, NETWORK, frozenset({world}))
        self._caller = caller
        self._held: Held | None = None
        self._renewing = asyncio.Lock()
        caller.attend = self.administrator

    async def administrator(self) -> Administrator:
        """Return the administrator with a token that is good for a while."""
        async with self._renewing:
            while self._held is None or self._caller.is_stale(self._held):
                await self._renew()
            return Administrator(self.account, self._held)

    async def _renew(self) -> None:
        if not self.account.is_at_rest:
            await asyncio.sleep(RETRY_SECONDS)
            return
        living = self._held is not None and self._held in self.account.living()
        if self._held is None or not living:
            await self._sign_in()
        elif not (await self._caller.do(Refresh(self.account, self._held))).is_ok:
            await asyncio.sleep(RETRY_SECONDS)

    async def _sign_in(self) -> None:
        step = SignIn(self.account, self._caller.target.root_password)
        await self._caller.do(step)
        self._held = step.begun
        if self._held is None:
            await asyncio.sleep(RETRY_SECONDS)
