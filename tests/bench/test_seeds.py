"""Who holds the tokens of a seeded database."""

from collections import Counter

import pytest

from bench.contenders.people import holder


class TestHolder:
    """The n-th token's user."""

    @pytest.mark.parametrize("users", [1_000, 10_000, 100_000, 1_000_000])
    def test_spread(self, users: int) -> None:
        """The first token is the first user's, and all users have equally many."""
        tokens = 10_000
        holders = [holder(n, users, tokens) for n in range(tokens)]
        assert holders[0] == 0
        assert 0.9 * users < max(holders) < users
        assert set(Counter(holders).values()) == {max(1, tokens // users)}
