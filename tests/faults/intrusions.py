"""The load's end of the intruder: tells it what must fail, hears what let it in."""

import asyncio
import json
import sys
import time
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from tests.faults.accounts import Account
from tests.faults.forbidden import (
    Attempt,
    as_line,
    feeding,
    of_ended,
    of_gone,
    of_used_password,
)
from tests.faults.records import Finding, FindingKind, Target
from tests.faults.report import Recorder
from tests.faults.worlds import Status
from tests.support.processes import ROOT

LAST_WORDS_SECONDS = 10
LONGEST_LINE = 2**24


class Intrusions:
    """Runs the intruder and keeps it supplied."""

    def __init__(self, target: Target, seed: int, recorder: Recorder) -> None:
        self._target = target
        self._seed = seed
        self._recorder = recorder
        self._process: asyncio.subprocess.Process | None = None
        self._hearing: asyncio.Task[None] | None = None
        self._told: set[str] = set()
        self._accounts: dict[str, Account] = {}

    async def start(self) -> None:
        """Start the program."""
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.faults.intruder",
            str(self._seed),
            *self._target.urls,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            cwd=ROOT,
            limit=LONGEST_LINE,
            start_new_session=True,  # Ctrl-C is for the harness; this ends with it.
        )
        self._hearing = asyncio.create_task(self._hear())

    async def stop(self) -> None:
        """Have it end and count its last attempts.

        Raises:
            RuntimeError: If it broke down.
        """
        if self._process is None or self._hearing is None:
            return
        assert self._process.stdin is not None
        self._process.stdin.close()
        await asyncio.wait_for(self._hearing, LAST_WORDS_SECONDS)
        if status := await self._process.wait():
            raise RuntimeError(f"the intruder broke down: status {status}")
        self._process = None

    def feed(self, attempts: Iterable[Attempt], *, replace: bool = False) -> None:
        """Have these attempts made."""
        self._send(feeding(list(attempts), replace=replace))

    def forge_from(self, token: str, jwk: dict[str, str]) -> None:
        """Have forgeries made of a good token."""
        self._send(as_line({"genuine": token, "jwk": jwk}))

    def withhold(self, kinds: list[str]) -> None:
        """Have no attempts of these kinds made, and of all others."""
        self._send(as_line({"withhold": kinds}))

    def learn(self, account: Account) -> None:
        """Betray whatever of the account has ended for certain since the last time."""
        if account.given_up:
            return
        self._accounts[account.email] = account
        attempts = [*self._ended(account), *self._shut(account), *self._used(account)]
        if attempts:
            self.feed(attempts)

    def _ended(self, account: Account) -> Iterable[Attempt]:
        for held in account.dead():
            if self._is_new(held.id):
                yield from of_ended(account, held, self._target.heard_seconds)

    def _shut(self, account: Account) -> Iterable[Attempt]:
        if account.must_be(Status.DELETED) and self._is_new(f"gone {account.email}"):
            yield from of_gone(account, "deleted_user")

    def _used(self, account: Account) -> Iterable[Attempt]:
        for password in account.used:
            if password not in account.passwords and self._is_new(password):
                yield from of_used_password(account, password)

    def shut_for_good(self, account: Account) -> None:
        """Betray an account that stays disabled."""
        self.feed(of_gone(account, "disabled_user"))

    def _is_new(self, what: str) -> bool:
        is_new = what not in self._told
        self._told.add(what)
        return is_new

    def _send(self, line: bytes) -> None:
        if self._process is not None and self._process.stdin is not None:
            with suppress(ConnectionError):
                self._process.stdin.write(line)

    async def _hear(self) -> None:
        assert self._process is not None and self._process.stdout is not None
        while line := await self._process.stdout.readline():
            message = json.loads(line)
            if "counts" in message:
                self._recorder.intrusions(message["counts"])
            else:
                self._recorder.finding(self._breach(message["breach"]))

    def _breach(self, breach: dict[str, Any]) -> Finding:
        account = self._accounts.get(breach["about"])
        history = list(account.history) if account else []
        what = f"{breach['kind']}: {breach['method']} {breach['path']} was answered 2xx"
        details = {**breach, "history": history}
        return Finding(FindingKind.LET_IN, what, time.monotonic(), details)
