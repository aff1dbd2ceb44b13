"""What an account looks like to the administrator, held against what it may be."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from tests.faults.accounts import Account
from tests.faults.records import Finding, FindingKind
from tests.faults.worlds import Role, Status, World

CLOCK_SECONDS = 0.5
"""How far a server's clock may be from ours before a time proves nothing."""


@dataclass(frozen=True)
class Conflict:
    """A point in which the account is not as a world has it."""

    kind: FindingKind
    what: str
    expected: object
    found: object


@dataclass(frozen=True)
class Sighting:
    """All of an account as it was found.

    Attributes:
        sessions: Each one listed, with the reason of its end.
        last_used: When each was refreshed last, by the server's clock.
    """

    status: Status
    display_name: str | None = None
    roles: frozenset[str] = frozenset()
    made: frozenset[Role] = frozenset()
    sessions: Mapping[str, str | None] = field(default_factory=dict)
    last_used: Mapping[str, datetime] = field(default_factory=dict)

    def strangers(self, account: Account) -> list[str]:
        """Return the sessions that nobody knows of."""
        known = {name for world in account.worlds for name, _ in world.sessions}
        return sorted(self.sessions.keys() - known)

    def adopt(self, world: World, strangers: list[str]) -> World:
        """Return the world with sessions whose sign-in was never answered."""
        for name in strangers:
            world = world.with_session(name, self.sessions[name])
        return world

    def conflicts(self, world: World) -> list[Conflict]:
        """Return every point in which the world can't be what was seen."""
        found = list(self._role_conflicts(world))
        if not world.exists or self.status is Status.ABSENT:
            return [*self._existence_conflicts(world), *found]
        return [*self._field_conflicts(world), *self._session_conflicts(world), *found]

    def rolled_back(self, account: Account) -> Finding | None:
        """Return a finding if a refresh that was acknowledged is not there."""
        for name, used in self.last_used.items():
            held = account.held.get(name)
            if held is None or held.rotated_at is None:
                continue
            if used.timestamp() < held.rotated_at - CLOCK_SECONDS:
                return self._lost_rotation(account, name, used, held.rotated_at)
        return None

    def _lost_rotation(
        self, account: Account, name: str, used: datetime, rotated_at: float
    ) -> Finding:
        what = "a refresh was acknowledged and is not there"
        times = {"last_used_at": used.isoformat(), "rotated_after": rotated_at}
        return account.finding(FindingKind.LOST, what, session=name, **times)

    def _existence_conflicts(self, world: World) -> Iterator[Conflict]:
        if world.exists:
            what = "an account was acknowledged and is not there"
            yield Conflict(FindingKind.LOST, what, world.status, self.status)
        elif self.status is not Status.ABSENT:
            was_deleted = world.status is Status.DELETED
            kind = FindingKind.LOST if was_deleted else FindingKind.PHANTOM
            what = "an account is there that should not be"
            yield Conflict(kind, what, world.status, self.status)

    def _field_conflicts(self, world: World) -> Iterator[Conflict]:
        for name in ("status", "display_name", "roles"):
            expected, found = getattr(world, name), getattr(self, name)
            if expected != found:
                what = f"{name} is not what was acknowledged"
                yield Conflict(FindingKind.LOST, what, expected, found)

    def _role_conflicts(self, world: World) -> Iterator[Conflict]:
        if self.made != world.made:
            what = "a role is not as it was acknowledged"
            yield Conflict(FindingKind.LOST, what, world.made, self.made)

    def _session_conflicts(self, world: World) -> Iterator[Conflict]:
        for name, expected in sorted(world.sessions):
            if name not in self.sessions:
                what = "a session was acknowledged and is not there"
                yield Conflict(FindingKind.LOST, what, (name, expected), None)
            elif self.sessions[name] != expected:
                yield self._end_conflict(name, expected)

    def _end_conflict(self, name: str, expected: str | None) -> Conflict:
        found = self.sessions[name]
        kind = FindingKind.BROKEN if found else FindingKind.LOST
        what = "the end of a session was acknowledged and is not there"
        if expected is None:
            what = "a session has ended without a reason"
        elif found:
            what = "a session has ended for a wrong reason"
        return Conflict(kind, what, (name, expected), (name, found))
