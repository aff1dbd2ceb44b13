"""After a fault: is every account what it was acknowledged to be?"""

import asyncio
import random
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tests.faults import ledger
from tests.faults.accounts import Account, Held
from tests.faults.caller import Caller
from tests.faults.records import FindingKind
from tests.faults.root import Root
from tests.faults.sightings import Sighting
from tests.faults.steps.looking import FindUser, ListRoles, ListSessions, Look, SeeUser
from tests.faults.steps.own import Check
from tests.faults.steps.signing_in import Refresh, SignIn
from tests.faults.worlds import Role, Status

AT_ONCE = 8
DEAD_TRIED = 2
"""Of one account's ended sessions so many, the newest, are tried at each comparison."""

STRANGER_SHARE = 0.1
"""Wrong passwords are limited overall, so old ones are tried now and then."""

LONGEST_REQUEST_SECONDS = 60.0


@dataclass(frozen=True)
class Compared:
    """How much was compared.

    Attributes:
        left: Accounts that had been touched and must wait for the next comparison.
    """

    accounts: int
    left: int
    seconds: float


class Comparer:
    """Looks at accounts through the administrator and through their own people."""

    def __init__(self, caller: Caller, root: Root, rng: random.Random) -> None:
        self._caller = caller
        self._root = root
        self._rng = rng
        self._roles: list[dict[str, Any]] = []

    async def compare(
        self, accounts: Iterable[Account], seconds: float | None = None
    ) -> tuple[Compared, list[Account]]:
        """Compare as many as the time allows, those in doubt first.

        Args:
            seconds: How long it may take; None to compare all, whatever it takes.

        Returns:
            What was done, and the accounts that were compared.
        """
        began = time.monotonic()
        waiting = self._in_order(accounts, everything=seconds is None)
        total, done = len(waiting), list[Account]()
        if seconds is None:
            await asyncio.gather(*map(self._comes_to_rest, waiting))
        await self._look_at_roles()

        async def work() -> None:
            while waiting and (seconds is None or time.monotonic() - began < seconds):
                account = waiting.pop()
                await self._compare(account)
                done.append(account)

        await asyncio.gather(*[work() for _ in range(AT_ONCE)])
        took = round(time.monotonic() - began, 3)
        return Compared(len(done), total - len(done), took), done

    def _in_order(
        self, accounts: Iterable[Account], *, everything: bool
    ) -> list[Account]:
        waiting = [a for a in accounts if not a.given_up]
        if not everything:
            waiting = [account for account in waiting if account.is_at_rest]
        self._rng.shuffle(waiting)
        return sorted(waiting, key=lambda account: not account.is_certain)

    async def _compare(self, account: Account) -> None:
        if not await self._comes_to_rest(account):
            what = "a request was neither answered nor cut off"
            self._caller.report(account.finding(FindingKind.BROKEN, what))
            return
        await self._see(account)
        for part in (self._sign_in, self._try_sessions, self._try_old_password):
            if account.given_up:
                return
            await part(account)

    async def _comes_to_rest(self, account: Account) -> bool:
        until = time.monotonic() + LONGEST_REQUEST_SECONDS
        while not account.is_at_rest and time.monotonic() < until:
            await asyncio.sleep(0.1)
        return account.is_at_rest

    async def _see(self, account: Account) -> None:
        sighting = await self._sighting(account)
        if sighting is not None:
            self._caller.report(ledger.see(account, sighting))

    async def _sighting(self, account: Account) -> Sighting | None:
        made = self._made_for(account)
        if account.id is None and not await self._find(account):
            return None if account.given_up else Sighting(Status.ABSENT, made=made)
        user = await self._look(SeeUser(account, await self._root.administrator()))
        if account.given_up:
            return None
        if user is None:
            return Sighting(Status.ABSENT, made=made)
        rows = await self._sessions(account)
        return None if rows is None else _sighting(user, rows, made)

    async def _find(self, account: Account) -> bool:
        """Look for an account whose sign-up was never answered."""
        by = await self._root.administrator()
        found = await self._look(FindUser(account, by))
        for user in found["items"] if found else ():
            if user["email"] == account.email:
                account.id = user["id"]
        return account.id is not None

    async def _look(self, step: Look) -> dict[str, Any] | None:
        seen = await self._caller.do_surely(step)
        return step.found if seen.is_ok else None

    async def _sessions(self, account: Account) -> list[dict[str, Any]] | None:
        rows: list[dict[str, Any]] = []
        step = ListSessions(account, await self._root.administrator())
        while True:
            page = await self._look(step)
            if page is None:
                return None
            rows += page["items"]
            if not page["next_cursor"]:
                return rows
            step = ListSessions(account, step.by, cursor=page["next_cursor"])

    async def _look_at_roles(self) -> None:
        by = await self._root.administrator()
        found = await self._look(ListRoles(self._root.account, by))
        self._roles = found["items"] if found else []

    def _made_for(self, account: Account) -> frozenset[Role]:
        own = [row for row in self._roles if account.owns_role(row["name"])]
        return frozenset(Role(row["name"], tuple(row["permissions"])) for row in own)

    async def _sign_in(self, account: Account) -> None:
        """Sign in with what may be the password until one world is left."""
        if account.must_be(Status.ABSENT, Status.DELETED):
            await self._try_gone(account)
            return
        for password in account.passwords:
            step = SignIn(account, password)
            seen = await self._caller.do_surely(step)
            if seen.is_ok and step.begun:
                await self._caller.do_surely(Check(account, step.begun))
                return
            if account.given_up:
                return

    async def _try_gone(self, account: Account) -> None:
        if account.passwords and self._rng.random() < STRANGER_SHARE:
            await self._caller.do(SignIn(account, account.passwords[0]))

    async def _try_sessions(self, account: Account) -> None:
        for held in account.living():
            await self._refresh(account, held)
        for held in account.dead()[-DEAD_TRIED:]:
            await self._refresh(account, held)

    async def _refresh(self, account: Account, held: Held) -> None:
        if not account.given_up:
            await self._caller.do_surely(Refresh(account, held))

    async def _try_old_password(self, account: Account) -> None:
        if account.used and self._rng.random() < STRANGER_SHARE:
            await self._caller.do(SignIn(account, self._rng.choice(account.used)))


def _sighting(
    user: dict[str, Any], rows: list[dict[str, Any]], made: frozenset[Role]
) -> Sighting:
    return Sighting(
        Status(user["status"]),
        user["display_name"],
        frozenset(user["roles"]),
        made,
        {row["id"]: row["end_reason"] for row in rows},
        {row["id"]: datetime.fromisoformat(row["last_used_at"]) for row in rows},
    )
