"""What is asked, and what a good answer holds."""

import json
from pathlib import Path

import pytest

from bench.contenders.bare import BareUpdate
from bench.contenders.contender import Seeded
from bench.contenders.people import PAGE, email
from bench.questions import CHAINS, is_a_full_page, names_the_caller, refresh


class TestAnswers:
    """A status of 200 is not enough."""

    @pytest.mark.parametrize("answer", ["null", "{}", '{"email":"person00@x.org"}'])
    def test_somebody_else(self, answer: str) -> None:
        """Whoever does not name the right person has checked no token."""
        assert not names_the_caller(answer)
        assert names_the_caller(json.dumps({"user": {"email": email(0)}}))

    @pytest.mark.parametrize(("count", "full"), [(PAGE - 1, False), (PAGE, True)])
    def test_page(self, count: int, full: bool) -> None:
        """A page has as many accounts as were asked for."""
        users = [{"email": email(n), "emailVerified": True} for n in range(count)]
        assert is_a_full_page(json.dumps({"users": users})) is full


class TestRefresh:
    """Tokens that are good once."""

    def test_sessions_of_their_own(self) -> None:
        """No round uses a session of another, and each asks from its own address."""
        tokens = [str(n) for n in range(3 * CHAINS)]
        seeded = Seeded(Path(), [], tokens, "")
        loads = [refresh(BareUpdate(), seeded, turn) for turn in range(3)]
        bodies = [one.body for load in loads if load for one in load.requests]
        assert len(bodies) == len(set(bodies)) == 3 * CHAINS
        assert loads[0] is not None
        sent_from = {one.headers["X-Forwarded-For"] for one in loads[0].requests}
        assert len(sent_from) == CHAINS
