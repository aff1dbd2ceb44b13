"""Who must wait and how long, checked over any order of attempts (Hypothesis)."""

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.client import Client
from app.services.limits import NETWORK, OVERALL
from tests.support.guesses import (
    BUSY,
    CANCELLED,
    FIVE_MINUTES,
    HOUR,
    PATIENT,
    PER_FIVE_MINUTES,
    PER_HOUR,
    RIGHT,
    WRONG,
    guarded,
    most_within,
    run,
)


class TestAtMostTheLimit:
    """Limits.sign_in: how many wrong passwords are looked at."""

    @PATIENT
    @given(
        st.lists(
            st.tuples(
                st.sampled_from([WRONG, WRONG, CANCELLED, RIGHT, BUSY]),
                st.integers(0, 3),
            ),
            min_size=15,
            max_size=60,
        )
    )
    def test_whatever_the_interleaving(self, attempts: list[tuple[str, int]]) -> None:
        """All at once, each as slow as it likes: at most ten are looked at."""

        async def at_once() -> None:
            for task in [asyncio.create_task(one(*a)) for a in attempts]:
                await task

        async def one(outcome: str, slowness: int) -> None:
            async def dawdle() -> None:
                for _ in range(slowness):
                    await asyncio.sleep(0)

            await guard.attempt(outcome, meanwhile=dawdle)

        with guarded() as guard:
            run(at_once())
            failures = len(guard.evaluated)
            assert failures <= PER_FIVE_MINUTES
            wrong = sum(outcome in (WRONG, CANCELLED) for outcome, _ in attempts)
            if all(outcome == WRONG for outcome, _ in attempts):
                assert failures == min(PER_FIVE_MINUTES, wrong)

    @PATIENT
    @given(
        st.lists(
            st.tuples(st.sampled_from([WRONG, RIGHT, BUSY]), st.integers(0, 400)),
            min_size=30,
            max_size=120,
        )
    )
    def test_whatever_the_pace(self, attempts: list[tuple[str, int]]) -> None:
        """At any pace, a window that begins with a failure holds at most the limit.

        Windows lie side by side, so any other stretch of time touches at most two.
        """

        async def one_by_one() -> None:
            for outcome, pause in attempts:
                await guard.attempt(outcome)
                guard.now += pause

        with guarded() as guard:
            run(one_by_one())
            moments = guard.evaluated
            assert most_within(moments, FIVE_MINUTES) <= 2 * PER_FIVE_MINUTES
            assert most_within(moments, HOUR) <= 2 * PER_HOUR

    @pytest.mark.parametrize("slow", [1, 5, 10])
    def test_success_does_not_pay_for_a_later_window(self, slow: int) -> None:
        """An attempt that ends in a later window is not taken back from that one."""

        async def straddle() -> None:
            over = asyncio.Event()
            early = [
                asyncio.create_task(guard.attempt(RIGHT, meanwhile=over.wait))
                for _ in range(slow)
            ]
            await asyncio.sleep(0)
            guard.now += HOUR
            await guard.attempt()
            over.set()
            await asyncio.gather(*early)
            for _ in range(2 * PER_FIVE_MINUTES):
                await guard.attempt()

        with guarded() as guard:
            run(straddle())
            assert len(guard.evaluated) == PER_FIVE_MINUTES

    @pytest.mark.parametrize(
        ("windows", "networks"),
        [(NETWORK, ["192.0.2.1"]), (OVERALL, [f"192.0.2.{n}" for n in range(99)])],
        ids=["from one network", "overall"],
    )
    def test_many_accounts(self, windows: Any, networks: list[str]) -> None:
        """Guessing at a new account each time runs into the wider limits."""

        async def guess() -> None:
            for number in range(500):
                client = Client(networks[number % len(networks)])
                await guard.attempt(account=f"u{number}@example.com", client=client)

        with guarded() as guard:
            run(guess())
            assert len(guard.evaluated) == windows[0].amount


class TestRetryAfter:
    """The wait that a refusal names."""

    def test_waits_grow_and_end(self) -> None:
        """Who waits as long as told is let in at once; the waits get longer, not
        endless."""

        async def guess_for_a_day() -> list[int]:
            waits = []
            for _ in range(400):
                wait = await guard.attempt()
                if wait is not None:
                    waits.append(wait)
                    guard.now += wait
                    assert await guard.attempt() is None
                guard.now += 1
            return waits

        with guarded() as guard:
            waits = run(guess_for_a_day())
            assert waits[0] < FIVE_MINUTES < max(waits) <= HOUR
            assert most_within(guard.evaluated, HOUR) <= 2 * PER_HOUR

    def test_one_second_less_is_not_enough(self) -> None:
        """The wait is no longer than it must be."""

        async def hurry() -> None:
            for _ in range(PER_FIVE_MINUTES):
                await guard.attempt()
            wait = await guard.attempt()
            assert wait == FIVE_MINUTES
            guard.now += wait - 1
            assert await guard.attempt() == 1

        with guarded() as guard:
            run(hurry())

    @PATIENT
    @given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 60)), max_size=250))
    def test_true_whichever_limits_are_reached(
        self, guesses: list[tuple[int, int]]
    ) -> None:
        """Also where account and network are both at their limits."""

        async def guess() -> None:
            for account, pause in guesses:
                address = f"u{account}@example.com"
                wait = await guard.attempt(account=address)
                if wait is not None:
                    guard.now += wait
                    assert await guard.attempt(account=address) is None
                guard.now += pause

        with guarded() as guard:
            run(guess())

    def test_true_where_network_and_account_are_full(self) -> None:
        """The network's wait is shorter here; the account's is what is named."""

        async def fill_both() -> None:
            for number in range(NETWORK[0].amount - PER_FIVE_MINUTES):
                await guard.attempt(account=f"u{number}@example.com")
            guard.now += 250
            for _ in range(PER_FIVE_MINUTES):
                await guard.attempt()
            wait = await guard.attempt()
            assert wait == FIVE_MINUTES
            guard.now += wait
            assert await guard.attempt() is None

        with guarded() as guard:
            run(fill_both())

    def test_refused_attempts_do_not_prolong_the_wait(self) -> None:
        """Hammering on is useless, and harmless to who waits."""

        async def hammer() -> None:
            for _ in range(PER_FIVE_MINUTES):
                await guard.attempt()
            for second in range(30):
                assert await guard.attempt() == FIVE_MINUTES - second
                guard.now += 1

        with guarded() as guard:
            run(hammer())
