"""A clock that jumps: nobody is let in or lost by it, and it comes back."""

from datetime import timedelta

import httpx2
import pytest

from app.services.container import Services
from tests.support.apps import caught_up
from tests.support.clock import FakeClock
from tests.support.people import Person, sign_in
from tests.support.statements import statements
from tests.troubles.calls import me, refresh

JUMPS = {
    "a minute on": (timedelta(minutes=1), "200"),
    "a day on": (timedelta(days=1), "token_expired"),
    "a day back": (timedelta(days=-1), "invalid_token"),
    "weeks on": (timedelta(days=29), "token_expired"),
    "weeks back": (timedelta(days=-29), "invalid_token"),
}


JUMP = pytest.mark.parametrize(
    "jump", [jump for jump, _ in JUMPS.values()], ids=list(JUMPS)
)


class TestJump:
    """The time of day jumps, and later is set right."""

    @pytest.mark.parametrize(("jump", "code"), JUMPS.values(), ids=list(JUMPS))
    async def test_token_is_good_in_its_time_only(
        self,
        client: httpx2.AsyncClient,
        ada: Person,
        clock: FakeClock,
        jump: timedelta,
        code: str,
    ) -> None:
        """An access token is refused while it has expired, or is to be issued yet, as
        the clock has it; afterwards it is good again."""
        clock.now += jump
        assert (await me(client, ada)).code == code
        clock.now -= jump
        assert (await me(client, ada)).status == 200

    @JUMP
    async def test_session_goes_on(
        self,
        client: httpx2.AsyncClient,
        ada: Person,
        clock: FakeClock,
        jump: timedelta,
    ) -> None:
        """A session can be refreshed after the jump, and after the jump back, as long
        as the jump is shorter than it may be idle."""
        for step in (jump, -jump):
            clock.now += step
            answer = await refresh(client, ada)
            assert answer.status == 200
            ada.tokens = answer.body
            assert (await me(client, ada)).status == 200

    @JUMP
    async def test_signing_in_works(
        self,
        client: httpx2.AsyncClient,
        ada: Person,
        clock: FakeClock,
        jump: timedelta,
    ) -> None:
        """One can sign in after the jump, and after the jump back."""
        for step in (jump, -jump):
            clock.now += step
            again = await sign_in(client, ada)
            assert (await me(client, again)).status == 200

    @JUMP
    @pytest.mark.one_process
    async def test_memory_does_not_care(
        self,
        services: Services,
        client: httpx2.AsyncClient,
        ada: Person,
        clock: FakeClock,
        jump: timedelta,
    ) -> None:
        """The lease, deadlines and waits go by a clock that never jumps."""
        clock.now += jump
        again = await sign_in(client, ada)
        for _ in range(2):
            assert (await me(client, again)).status == 200
        await caught_up(services)
        assert services.lease.holds
        with statements() as asked:
            assert (await me(client, again)).status == 200
        assert asked == []
