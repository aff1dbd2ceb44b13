"""Refreshing, as honest clients and thieves do it, in every order.

What the design's table guarantees, and what is held here:

1. *Nobody is thrown out without a reason.* As long as every token comes from honest
   clients, no refresh is refused and the session lives, whichever requests or answers
   are lost, however many days later a client comes back, whether or not access tokens
   were used. Honest clients keep three rules. They share one store per session and use
   an answer only after it is stored. They wait for an answer for at most half the grace
   period, and then count it lost. They do not refresh a token that is younger than the
   grace period (an access token lives for at least twice that).
2. *A thief and the owner cannot both go on.* Going on means to refresh and to use what
   one got. Once one of them has gone on, the other one, coming later than the grace
   period, either holds the very same generation or ends the session with
   `token_reused`. From any state at all, when the two take turns at going on, the
   session is over by the third turn, and then for both.
3. What the table cannot promise: to tell a thief from a second tab. Who presents the
   predecessor within the grace period, or takes a successor and keeps from using it
   until the owner has it too, holds the same generation as the owner until one of them
   goes on again; then 2 holds.
4. An ended session stays ended with its first reason, for refresh and access tokens.
   Nothing but the session's one row ever changes.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from app.models import EndReason
from tests.support.databases import SqliteFiles, make_settings
from tests.support.family import Family, Ledger, Pair

GRACE = timedelta(seconds=30)
PATIENCE = GRACE / 2
ACCESS_LIFE = timedelta(minutes=10)
TURNS = 3
YEAR = 31_536_000

WAITS = st.sampled_from(
    [
        timedelta(seconds=1),
        PATIENCE,
        GRACE - timedelta(seconds=1),
        GRACE,
        GRACE + timedelta(seconds=1),
        timedelta(minutes=9),
        timedelta(minutes=11),
        timedelta(days=3),
    ]
)
MOMENTS = st.sampled_from([timedelta(0), timedelta(seconds=1), PATIENCE])
TABS = st.sampled_from([0, 1])
FATES = st.sampled_from(["arrives", "request lost", "answer lost"])


@dataclass
class Exchange:
    """A refresh on its way: what was read from the store, and perhaps the answer."""

    pair: Pair
    began: datetime
    answer: Pair | None = None


class Refreshing(RuleBasedStateMachine):
    """Two tabs of one owner, and a thief who can copy what the owner has stored."""

    files: ClassVar[SqliteFiles]

    def __init__(self) -> None:
        super().__init__()
        self.family = Family(
            make_settings(
                self.files.migrated(),
                rate_limits=False,
                refresh_idle_seconds=YEAR,
                refresh_max_seconds=YEAR,
            )
        )
        self.ledger = Ledger(GRACE)
        self.store = self.family.first
        self.stored_at = self.now - GRACE
        self.tabs: list[Exchange | None] = [None, None]
        self.loot: list[Pair] = []
        self.thief_has_acted = False
        self.ended: EndReason | None = None
        self.other_rows = self.family.other_rows()

    @property
    def now(self) -> datetime:
        """The present."""
        return self.family.clock()

    # The owner's two tabs.

    @precondition(lambda self: self.may_refresh)
    @rule(tab=TABS)
    def begin(self, tab: int) -> None:
        """A tab reads the store and sends what it found."""
        if self.tabs[tab] is None:
            self.tabs[tab] = Exchange(self.store, self.now)

    @rule(tab=TABS)
    def reach(self, tab: int) -> None:
        """The request arrives at the service; its answer is on the way back."""
        exchange = self.tabs[tab]
        if exchange is not None and exchange.answer is None:
            exchange.answer = self.present(exchange.pair)

    @rule(tab=TABS, uses=st.booleans())
    def arrive(self, tab: int, uses: bool) -> None:
        """The answer arrives, is stored, and is perhaps used."""
        exchange = self.tabs[tab]
        if exchange is None or exchange.answer is None:
            return
        self.keep(exchange.answer)
        self.tabs[tab] = None
        if uses:
            self.use_access_token()

    @precondition(lambda self: self.may_refresh)
    @rule(tab=TABS, fate=FATES, uses=st.booleans())
    def refresh(self, tab: int, fate: str, uses: bool) -> None:
        """A tab refreshes at once, and something may be lost on the way."""
        self.begin(tab)
        if fate != "request lost":
            self.reach(tab)
        if fate == "arrives":
            self.arrive(tab, uses)
        self.tabs[tab] = None

    @precondition(lambda self: self.may_refresh)
    @rule(first=TABS, uses=st.booleans(), between=MOMENTS)
    def refresh_in_both(self, first: int, uses: bool, between: timedelta) -> None:
        """Both tabs refresh with what the store holds, one a moment after the other."""
        self.begin(0)
        self.begin(1)
        self.reach(first)
        self.arrive(first, uses)
        self.wait(between)
        self.reach(1 - first)
        self.arrive(1 - first, uses)

    @precondition(lambda self: self.may_refresh)
    @rule(tab=TABS, away=WAITS, uses=st.booleans(), between=MOMENTS)
    def come_back(
        self, tab: int, away: timedelta, uses: bool, between: timedelta
    ) -> None:
        """An answer is lost; the owner comes back later, and both tabs refresh."""
        self.refresh(tab, "answer lost", uses)
        self.wait(away)
        self.refresh_in_both(tab, uses, between)

    @rule()
    def use_access_token(self) -> None:
        """A tab asks for something; an access token that is too old stays unused."""
        self.use(self.store)

    @rule(wait=WAITS)
    def wait(self, wait: timedelta) -> None:
        """Time passes; what took too long is counted lost."""
        self.family.clock.now += wait
        for tab, exchange in enumerate(self.tabs):
            if exchange is not None and self.now - exchange.began > PATIENCE:
                self.tabs[tab] = None

    # The thief.

    @rule()
    def steal(self) -> None:
        """The thief copies the owner's refresh token."""
        self.loot.append(self.store)

    @precondition(lambda self: self.loot)
    @rule(choice=st.integers(0, 9), uses=st.booleans())
    def act(self, choice: int, uses: bool) -> None:
        """The thief presents one of the tokens it has, and perhaps uses the answer."""
        self.thief_has_acted = True
        answer = self.present(self.loot[-1 - choice % len(self.loot)])
        if answer is not None:
            self.loot.append(answer)
            if uses:
                self.use(answer)

    @precondition(lambda self: self.loot and not self.ended)
    @rule(thief_first=st.booleans())
    def take_turns(self, thief_first: bool) -> None:
        """Whatever has happened, both going on in turns end the session."""
        self.thief_has_acted = True
        self.tabs = [None, None]
        for turn in range(TURNS):
            self.wait(timedelta(minutes=11))
            self.go_on(thief=(turn % 2 == 0) == thief_first)
        assert self.ended is EndReason.TOKEN_REUSED

    # What always holds.

    @invariant()
    def honest_clients_stay_signed_in(self) -> None:
        """Without a thief's doing nothing ends a session."""
        assert self.thief_has_acted or self.ended is None

    def teardown(self) -> None:
        """Let the owner and a thief with loot meet at last; look at the rows."""
        try:
            if self.loot and not self.ended:
                self.take_turns(thief_first=True)
            self.check_that_ended_stays_ended()
            assert self.family.row().end_reason == self.ended
            assert self.family.other_rows() == self.other_rows
        finally:
            self.family.close()

    def check_that_ended_stays_ended(self) -> None:
        """Once it has ended, nobody's token opens anything any more."""
        if self.ended:
            for pair in [self.store, *self.loot]:
                assert self.family.refresh(pair.refresh_token) is self.ended
                self.use(pair)

    # How the steps are done.

    @property
    def may_refresh(self) -> bool:
        """Whether honest clients think that it is time to refresh."""
        return not self.ended and self.now - self.stored_at >= GRACE

    def present(self, pair: Pair) -> Pair | None:
        """Present a refresh token; the answer must be what the ledger expects."""
        expected = not self.ended and self.ledger.goes_on(pair.generation, self.now)
        answer = self.family.refresh(pair.refresh_token)
        assert isinstance(answer, Pair) == expected
        if isinstance(answer, Pair):
            assert answer.generation == pair.generation + 1
            self.ledger.note_sight(pair.generation)
            self.ledger.note_answer(answer.generation, self.now)
            return answer
        assert answer is EndReason.TOKEN_REUSED
        self.ended = answer
        return None

    def keep(self, pair: Pair) -> None:
        """Put an answer into the store that the tabs share."""
        if pair.refresh_token != self.store.refresh_token:
            self.stored_at = self.now
        self.store = pair

    def use(self, pair: Pair) -> None:
        """Use an access token, unless its time is over."""
        if self.now - pair.issued_at < ACCESS_LIFE:
            assert self.family.use(pair.access_token) is self.ended
            self.ledger.note_sight(pair.generation)

    def go_on(self, *, thief: bool) -> None:
        """Refresh with the newest token that one has, and use the answer."""
        answer = self.present(self.newest_loot if thief else self.store)
        if answer is None:
            return
        self.use(answer)
        if thief:
            self.loot.append(answer)
        else:
            self.keep(answer)

    @property
    def newest_loot(self) -> Pair:
        """The thief's best token."""
        return max(self.loot, key=lambda pair: pair.generation)


@pytest.fixture
def files() -> Iterator[SqliteFiles]:
    """Files for hundreds of short lives; the rule knows no database."""
    made = SqliteFiles()
    yield made
    made.close()


class TestRefreshing:
    """Refreshing over time, by honest clients and thieves."""

    def test_honest_clients_go_on_and_thieves_do_not(self, files: SqliteFiles) -> None:
        """What the module's docstring claims holds in every order of events."""

        Refreshing.files = files
        run_state_machine_as_test(
            Refreshing,
            settings=settings(
                max_examples=40,
                stateful_step_count=30,
                deadline=None,
                phases=[Phase.generate],
                database=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
