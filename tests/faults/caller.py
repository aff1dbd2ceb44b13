"""Sends steps to the servers, records what came of them, and tells the ledger."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from typing import Protocol

from tests.faults import ledger
from tests.faults.accounts import Account, Held
from tests.faults.answers import TOO_MANY, classify
from tests.faults.ledger import Seen
from tests.faults.records import (
    Finding,
    FindingKind,
    Operation,
    Outcome,
    Target,
)
from tests.faults.steps.base import Step
from tests.faults.steps.signing_in import Refresh, SignIn
from tests.faults.wire import Answer, NoAnswerError, NotConnectedError, Sender

DEADLINE_SECONDS = 10.0
PATIENCE_SECONDS = 30.0
RETRY_SECONDS = 0.2
NOT_CONNECTED = "not_connected"
UNABLE = "unable"
"""The access token had to be renewed first, and could not be."""

NEVER = float("-inf")
_CLOCK = ("token_expired", "invalid_token")


class Log(Protocol):
    """Who keeps operations and findings: the `Recorder`."""

    def operation(self, operation: Operation) -> None:
        """Take note of a request."""

    def finding(self, finding: Finding) -> None:
        """Take note of a broken promise."""


class Caller:
    """Carries steps out and keeps the ledger of them.

    Attributes:
        clock_is_wrong: Set while a server's clock is not ours: then tokens may well be
            called expired, or issued in the future.
        found: Findings that nobody has fetched yet.
        attend: What is done before a step is tried again: the administrator, who may
            be the one in need, renews the session.
    """

    def __init__(
        self, target: Target, sender: Sender, log: Log, rng: random.Random
    ) -> None:
        self.target = target
        self.clock_is_wrong = False
        self.found: list[Finding] = []
        self.attend: Callable[[], Awaitable[object]] | None = None
        self._sender = sender
        self._log = log
        self._rng = rng
        self._listeners: list[Callable[[Account], None]] = []
        self._witnesses: list[Callable[[Seen], None]] = []

    def on_answer(self, listener: Callable[[Account], None]) -> None:
        """Have a listener told of each account that something was done with."""
        self._listeners.append(listener)

    def on_seen(self, witness: Callable[[Seen], None]) -> None:
        """Have a witness told of each step, and how it was answered."""
        self._witnesses.append(witness)

    def report(self, finding: Finding | None) -> None:
        """Pass a finding on, if it is one."""
        if finding is not None:
            self.found.append(finding)
            self._log.finding(finding)

    async def do(self, step: Step) -> Seen:
        """Carry out one step at a server drawn by lot; return how it was answered."""
        if not await self._has_fresh_token(step):
            return Seen(step, Outcome.LATER, UNABLE)
        seen = await self._send(step)
        self.report(ledger.observe(seen))
        self._tell(step.account)
        return seen

    async def do_together(self, steps: list[Step]) -> list[Seen]:
        """Carry out steps on one account at the same moment."""
        for step in steps:
            if not await self._has_fresh_token(step):
                return [Seen(step, Outcome.LATER, UNABLE) for step in steps]
        seen = list(await asyncio.gather(*[self._send(step) for step in steps]))
        self.report(ledger.observe_together(seen))
        self._tell(steps[0].account)
        return seen

    async def do_surely(self, step: Step) -> Seen:
        """Carry out a step again and again until it is answered.

        The service recovers by itself: whoever waits half a minute gets an answer.
        """
        began = time.monotonic()
        while True:
            seen = await self.do(step)
            if seen.is_answered:
                return seen
            if time.monotonic() - began > PATIENCE_SECONDS:
                self._give_up(seen)
                return seen
            await asyncio.sleep(RETRY_SECONDS)
            if self.attend is not None:
                await self.attend()

    def _give_up(self, seen: Seen) -> None:
        if seen.label != TOO_MANY:
            what = f"{seen.step.kind} had no answer for {PATIENCE_SECONDS:.0f} seconds"
            self.report(seen.step.account.finding(FindingKind.BROKEN, what))

    def is_stale(self, held: Held) -> bool:
        """Tell whether an access token is about to expire."""
        life = self.target.access_token_seconds
        return time.monotonic() - held.access_since > life - DEADLINE_SECONDS - 2

    async def _has_fresh_token(self, step: Step) -> bool:
        held = step.caller
        if held is None or not self.is_stale(held):
            return True
        return (await self.do(Refresh(step.account, held))).is_ok

    async def _send(self, step: Step) -> Seen:
        url = self._rng.choice(self.target.urls)
        request = step.request()
        began = time.monotonic()
        over: asyncio.Future[None] | None = None
        answer: Answer | None = None
        try:
            answer = await self._sender.ask(url, request, DEADLINE_SECONDS)
            outcome, label = classify(answer)
        except NotConnectedError:
            outcome, label = Outcome.LATER, NOT_CONNECTED
        except NoAnswerError as error:
            outcome, label, over = Outcome.UNKNOWN, str(error), error.over
        seen = Seen(step, outcome, label, answer, began, time.monotonic())
        self._note(seen, url)
        if outcome is Outcome.OK and answer is not None:
            self._learn(step, answer)
        elif outcome is Outcome.UNKNOWN:
            self._doubt(step, over)
        return self._excused(seen)

    def _learn(self, step: Step, answer: Answer) -> None:
        try:
            step.learn(answer)
        except (KeyError, ValueError, IndexError) as error:
            what = f"{step.kind} was answered with something else than agreed"
            details = {"error": repr(error), "body": answer.body.decode()[:200]}
            self.report(step.account.finding(FindingKind.BROKEN, what, **details))

    def _doubt(self, step: Step, over: "asyncio.Future[None] | None") -> None:
        step.account.leave_in_doubt(over)
        if isinstance(step, SignIn):
            step.account.stray_sign_ins += 1

    def _excused(self, seen: Seen) -> Seen:
        """Take nobody's word for the time while a clock is wrong."""
        if not self.clock_is_wrong:
            return seen
        if isinstance(seen.step, Refresh):
            seen.step.held.distrust_times()
        if seen.label not in _CLOCK:
            return seen
        if seen.step.bearer is not None:
            seen.step.bearer.access_since = NEVER
        return Seen(seen.step, Outcome.LATER, seen.label)

    def _note(self, seen: Seen, url: str) -> None:
        step, began, ended = seen.step, seen.began, seen.ended
        for witness in self._witnesses:
            witness(seen)
        operation = Operation(
            step.kind, step.is_write, began, ended, seen.outcome, url, seen.label
        )
        self._log.operation(operation)
        account = step.account
        account.operations += 1
        account.history.append(
            {
                "kind": step.kind,
                "began": round(began, 3),
                "ended": round(ended, 3),
                "outcome": str(seen.outcome),
                "label": seen.label,
                "server": url,
                **_session_of(step),
            }
        )
        if seen.label.startswith("500"):
            what = f"{step.kind} was answered with 500"
            details = dict(account.history[-1])
            self.report(Finding(FindingKind.BROKEN, what, ended, details))

    def _tell(self, account: Account) -> None:
        for listener in self._listeners:
            listener(account)


def _session_of(step: Step) -> dict[str, object]:
    held = getattr(step, "held", None) or getattr(step, "begun", None)
    return {"session": held.id} if held is not None else {}
