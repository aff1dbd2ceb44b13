"""Actors, who do at random what people and administrators do."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from itertools import count

from tests.faults import admin_flows, flows, parallel_flows
from tests.faults.accounts import Account
from tests.faults.caller import Caller
from tests.faults.gate import Gate
from tests.faults.intrusions import Intrusions
from tests.faults.pace import Pace
from tests.faults.root import Root
from tests.faults.scene import Scene
from tests.faults.worlds import Status

Flow = Callable[[Scene], Awaitable[None]]

ACCOUNTS_EACH = 5
SIGN_UPS_A_SECOND = 1.2
"""The service takes a hundred a minute."""

LIVES = (40, 140)
"""An account is used for so many operations, and then deleted, shut or left alone."""


DAILY: dict[Flow, int] = {
    flows.refresh: 26,
    flows.sign_in_and_refresh: 10,
    flows.check: 10,
    flows.rename: 14,
    flows.change_password: 5,
    flows.sign_out: 5,
    flows.sign_out_other: 5,
    flows.sign_out_all: 3,
    flows.sacrifice: 3,
    flows.try_old_password: 1,
    admin_flows.change_roles: 9,
    admin_flows.disable_for_a_while: 2,
    admin_flows.sign_user_out: 2,
    parallel_flows.refresh_in_many_tabs: 2,
    parallel_flows.change_password_twice: 2,
    parallel_flows.sign_out_while_refreshing: 2,
    parallel_flows.sign_out_each_other: 2,
    parallel_flows.disable_while_signing_in: 1,
}
"""What people do, and how often compared with the rest."""

NEED_CERTAINTY = {
    parallel_flows.change_password_twice,
    parallel_flows.sign_out_each_other,
    parallel_flows.disable_while_signing_in,
}
ENDINGS: dict[Flow, int] = {
    flows.delete_own: 3,
    admin_flows.delete: 2,
    admin_flows.disable: 2,
}
LEFT_ALONE_SHARE = 0.3


class Stage:
    """What all actors share."""

    def __init__(
        self,
        caller: Caller,
        root: Root,
        gate: Gate,
        intrusions: Intrusions,
        pace: Pace,
    ) -> None:
        self.caller = caller
        self.intrusions = intrusions
        self.sign_ups = Pace(SIGN_UPS_A_SECOND)
        self.accounts: list[Account] = []
        self._root = root
        self._gate = gate
        self._pace = pace
        self._numbers = count(1)

    def new_scene(self, rng: random.Random) -> Scene:
        """Return a scene with an account that is not there yet."""
        number = next(self._numbers)
        high, low = divmod(number, 250)
        network = f"10.{high // 250}.{high % 250}.{low + 1}"
        account = Account(f"walker{number}@example.com", network)
        self.accounts.append(account)
        return Scene(self.caller, self._root, self._gate, self._pace, rng, account)


class Actor:
    """Somebody who owns a few accounts and does one thing after the other."""

    def __init__(self, stage: Stage, seed: str) -> None:
        self._stage = stage
        self._rng = random.Random(seed)
        self._scenes: list[Scene] = []
        self._lives: dict[Account, int] = {}

    async def act(self) -> None:
        """Go on until cancelled."""
        while True:
            scene = self._choose()
            if scene is None:
                await asyncio.sleep(0.1)
            elif self._is_over(scene.account):
                self._leave(scene)
            else:
                await self._flow(scene)(scene)

    def _choose(self) -> Scene | None:
        self._scenes = [one for one in self._scenes if not one.account.given_up]
        if len(self._scenes) < ACCOUNTS_EACH and self._stage.sign_ups.is_due():
            scene = self._stage.new_scene(self._rng)
            self._lives[scene.account] = self._rng.randint(*LIVES)
            self._scenes.append(scene)
            return scene
        ready = [scene for scene in self._scenes if scene.may_go_on]
        return self._rng.choice(ready) if ready else None

    def _is_over(self, account: Account) -> bool:
        """Tell whether nothing more is done with the account."""
        if account.must_be(Status.DELETED):
            return True
        is_old = account.operations > self._lives[account]
        if is_old and account.must_be(Status.DISABLED):
            self._stage.intrusions.shut_for_good(account)
            return True
        return (
            is_old
            and account.must_be(Status.ACTIVE)
            and not account.roles_made
            and self._rng.random() < LEFT_ALONE_SHARE
        )

    def _leave(self, scene: Scene) -> None:
        self._scenes.remove(scene)
        del self._lives[scene.account]

    def _flow(self, scene: Scene) -> Flow:
        """Return what is to be done, for the state that the account may be in."""
        account = scene.account
        if account.may_be(Status.ABSENT):
            return flows.enter
        if account.may_be(Status.DELETED):
            return admin_flows.delete
        is_old = account.operations > self._lives[account]
        if is_old and account.roles_made:
            return admin_flows.drop_role
        if account.may_be(Status.DISABLED):
            return admin_flows.disable if is_old else admin_flows.enable
        if not account.living():
            return flows.sign_in
        if is_old:
            return self._draw(ENDINGS)
        return self._daily(account)

    def _daily(self, account: Account) -> Flow:
        if len(account.living()) > flows.TOO_MANY_SESSIONS:
            return flows.sign_out_all
        flow = self._draw(DAILY)
        if flow in NEED_CERTAINTY and not account.is_certain:
            return flows.check
        return flow

    def _draw(self, weights: dict[Flow, int]) -> Flow:
        return self._rng.choices(list(weights), list(weights.values()))[0]
