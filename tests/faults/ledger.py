"""The ledger: holds every answer against what the account may be like.

Kept outside the service, from answers alone. An acknowledged step has happened, a
refused one has not, an unknown one may have; each answer and each later look rules out
the worlds in which it could not have come. Where none is left, that is a finding.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import product

from tests.faults.accounts import Account
from tests.faults.records import Finding, FindingKind, Outcome
from tests.faults.sightings import Sighting
from tests.faults.steps.base import Play, Step
from tests.faults.wire import Answer
from tests.faults.worlds import OK, World


@dataclass(frozen=True)
class Seen:
    """How a step was answered.

    Attributes:
        label: `ok`, the problem's code, `session_ended/` and the reason, or what
            stood in the way of an answer.
        answer: What came back, if anything did.
        began: When it was asked.
        ended: When it was answered, or given up.
    """

    step: Step
    outcome: Outcome
    label: str
    answer: Answer | None = None
    began: float = 0.0
    ended: float = 0.0

    @property
    def is_ok(self) -> bool:
        """Whether it was acknowledged."""
        return self.outcome is Outcome.OK

    @property
    def is_answered(self) -> bool:
        """Whether it was acknowledged or refused."""
        return self.outcome in (Outcome.OK, Outcome.REFUSED)


def is_answer(expected: str, label: str) -> bool:
    """Tell whether an answer is the one a world calls for."""
    if label == "invalid_grant":
        # RFC 6749 has one word for everything that is wrong with a grant.
        return expected.startswith(("invalid_", "session_ended", "account_disabled"))
    return expected == label


def observe(seen: Seen) -> Finding | None:
    """Take in the answer to one step."""
    account = seen.step.account
    before = account.worlds
    after = {then for world in before for then in _follow(world, seen)}
    return _accept(account, after, [seen])


def observe_together(together: list[Seen]) -> Finding | None:
    """Take in the answers to steps that ran at the same time.

    They must be what the service could have answered had it carried them out one after
    the other, in some order (linearizability).
    """
    account = together[0].step.account
    everything = frozenset(range(len(together)))
    states = {(world, everything) for world in account.worlds}
    for _ in together:
        states = {
            (after, left - {number})
            for world, left in states
            for number in left
            for after in _follow(world, together[number])
        }
    return _accept(account, {world for world, _ in states}, together)


def see(account: Account, sighting: Sighting) -> Finding | None:
    """Take in what the account looks like."""
    stray = sighting.strangers(account)
    if len(stray) > account.stray_sign_ins:
        what = "a session is there that no sign-in began"
        doubts = {"sessions": stray, "sign_ins_in_doubt": account.stray_sign_ins}
        return account.finding(FindingKind.PHANTOM, what, **doubts)
    adopted = {sighting.adopt(world, stray) for world in account.worlds}
    account.worlds = frozenset(adopted)
    account.stray_sign_ins = 0
    left = {world for world in account.worlds if not sighting.conflicts(world)}
    if left:
        account.worlds = frozenset(left)
        account.refused.clear()
        return sighting.rolled_back(account)
    return _contradicted_sighting(account, sighting)


def _follow(world: World, seen: Seen) -> Iterable[World]:
    """Return what the world may be like after the step; nothing if it can't be."""
    if seen.outcome is Outcome.LATER:
        return (world,)
    play = seen.step.play(world)
    if seen.outcome is Outcome.UNKNOWN:
        return (world, play.after)
    return (play.after,) if is_answer(play.answer, seen.label) else ()


def _accept(account: Account, after: set[World], seen: list[Seen]) -> Finding | None:
    if not after:
        return _contradicted(account, seen)
    now = time.monotonic()
    if account.worlds != after:
        account.changed_at = now
    if _lives(account.worlds) != _lives(after):
        account.ended_at = now
    account.worlds = frozenset(after)
    for one in seen:
        if one.outcome in (Outcome.REFUSED, Outcome.LATER):
            account.refused.append(one.step)
    return None


def _lives(worlds: Iterable[World]) -> set[str]:
    return {session for world in worlds for session in world.alive}


def _contradicted(account: Account, seen: list[Seen]) -> Finding:
    plays = [(one, _plays(one.step, account.worlds)) for one in seen]
    details = {
        "asked": [one.step.kind for one in seen],
        "answered": [one.label for one in seen],
        "expected": [sorted({play.answer for play in played}) for _, played in plays],
    }
    refused = _phantom(account, lambda world: any(_follow(world, one) for one in seen))
    if refused:
        what = f"{refused.kind} was refused, and yet it has happened"
        return account.finding(FindingKind.PHANTOM, what, **details)
    kind, what = _verdict(seen[0], [play.answer for play in plays[0][1]])
    if len(seen) > 1:
        kind, what = _joint_verdict(plays)
    return account.finding(kind, what, **details)


def _verdict(seen: Seen, expected: list[str]) -> tuple[FindingKind, str]:
    if seen.outcome is Outcome.OK:
        return FindingKind.LET_IN, f"{seen.step.kind} was let through"
    if OK in expected:
        return seen.step.if_refused, f"{seen.step.kind} was refused without a reason"
    return FindingKind.BROKEN, f"{seen.step.kind} was refused for a wrong reason"


def _joint_verdict(plays: list[tuple[Seen, list[Play]]]) -> tuple[FindingKind, str]:
    kinds = "+".join(sorted({seen.step.kind for seen, _ in plays}))
    accepted = [seen for seen, _ in plays if seen.outcome is Outcome.OK]
    what = f"{kinds} at once: no order explains the answers"
    # More was granted than any order allows, or less.
    if len(accepted) == len(plays) and len({s.step.kind for s in accepted}) == 1:
        return FindingKind.LET_IN, what
    return FindingKind.BROKEN, what


def _plays(step: Step, worlds: Iterable[World]) -> list[Play]:
    return [step.play(world) for world in worlds]


def _phantom(account: Account, explains: Callable[[World], bool]) -> Step | None:
    """Return the refused step that would explain what was seen, had it happened."""
    for step, world in product(reversed(account.refused), account.worlds):
        happened = step.effect(world)
        if happened != world and explains(happened):
            return step
    return None


def _contradicted_sighting(account: Account, sighting: Sighting) -> Finding:
    conflicts = [sighting.conflicts(world) for world in account.worlds]
    conflict = min(conflicts, key=len)
    details = {"conflicts": [vars(one) for one in conflict]}
    refused = _phantom(account, lambda world: not sighting.conflicts(world))
    if refused:
        what = f"{refused.kind} was refused, and yet it has happened"
        return account.finding(FindingKind.PHANTOM, what, **details)
    first = conflict[0]
    return account.finding(first.kind, first.what, **details)
