"""The refresh table, checked over every state it can meet.

The expected answers below are written from the table in the design, row by row, and not
from the code: they list cases where the code compares numbers.
"""

from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from app.services.rotation import Position, Verdict, judge

GRACE = timedelta(seconds=30)
ROTATED_AT = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
GENERATIONS = range(6)
"""Up to three rotations and beyond; a backup may hold a state older than a token."""

INSTANT = timedelta(microseconds=1)
WITHIN = {
    "a clock set back": -timedelta(days=1),
    "at once": timedelta(0),
    "within": timedelta(seconds=12),
    "just before its end": GRACE - INSTANT,
    "at its end": GRACE,
}
AFTER = {
    "just after its end": GRACE + INSTANT,
    "minutes later": timedelta(minutes=10),
    "days later": timedelta(days=29),
}
EVERY_STATE = [
    pytest.param(g, stored, confirmed, id=f"{g}-of-{stored}-{word}")
    for g, stored, (confirmed, word) in product(
        GENERATIONS, GENERATIONS, [(False, "unseen"), (True, "confirmed")]
    )
]

TABLE = {
    # (how far behind the stored generation, grace over, confirmed): answer
    ("current", False, False): Verdict.ROTATE,
    ("current", False, True): Verdict.ROTATE,
    ("current", True, False): Verdict.ROTATE,
    ("current", True, True): Verdict.ROTATE,
    ("previous", False, False): Verdict.RENEW,
    ("previous", False, True): Verdict.REPEAT,
    ("previous", True, False): Verdict.RENEW,
    ("previous", True, True): Verdict.REUSED,
    ("older", False, False): Verdict.REUSED,
    ("older", False, True): Verdict.REUSED,
    ("older", True, False): Verdict.REUSED,
    ("older", True, True): Verdict.REUSED,
    ("newer", False, False): Verdict.ROTATE,
    ("newer", False, True): Verdict.ROTATE,
    ("newer", True, False): Verdict.ROTATE,
    ("newer", True, True): Verdict.ROTATE,
}
ROWS = {0: "current", 1: "previous"}


def row_of(presented: int, stored: int) -> str:
    """Return which row of the table two generations belong to."""
    behind = stored - presented
    return ROWS.get(behind, "newer" if behind < 0 else "older")


class TestTable:
    """Every presented and stored generation, confirmed or not, at every time."""

    @pytest.mark.parametrize(("presented", "stored", "confirmed"), EVERY_STATE)
    def test_every_state_gets_what_the_table_says(
        self, presented: int, stored: int, confirmed: bool
    ) -> None:
        """Before, at and after the grace period's end the answer is the table's."""
        position = Position(stored, ROTATED_AT, confirmed)
        for over, moments in ((False, WITHIN), (True, AFTER)):
            expected = TABLE[row_of(presented, stored), over, confirmed]
            for name, later in moments.items():
                verdict = judge(presented, position, ROTATED_AT + later, GRACE)
                assert verdict is expected, name

    def test_the_states_reach_every_row(self) -> None:
        """No row of the table is left out by the generations that are tried."""
        reached = {row_of(g, stored) for g in GENERATIONS for stored in GENERATIONS}
        assert reached == {row for row, _, _ in TABLE}

    @pytest.mark.parametrize("confirmed", [False, True], ids=["unseen", "confirmed"])
    def test_without_grace_only_the_lost_answer_is_forgiven(
        self, confirmed: bool
    ) -> None:
        """With a grace period of 0, one instant after a rotation is later."""
        position = Position(3, ROTATED_AT, confirmed)
        verdict = judge(2, position, ROTATED_AT + INSTANT, timedelta(0))
        assert verdict is (Verdict.REUSED if confirmed else Verdict.RENEW)

    def test_a_token_of_a_restored_backup_rotates(self) -> None:
        """A token far newer than the database is the newest there is, and goes on."""
        position = Position(3, ROTATED_AT, confirmed=True)
        far = 2**48 - 2
        assert judge(far, position, ROTATED_AT, GRACE) is Verdict.ROTATE

    def test_judging_changes_nothing(self) -> None:
        """The same question has the same answer again."""
        position = Position(3, ROTATED_AT, confirmed=True)
        late = ROTATED_AT + timedelta(hours=1)
        answers = {judge(2, position, late, GRACE) for _ in range(3)}
        assert answers == {Verdict.REUSED}
        assert position == Position(3, ROTATED_AT, confirmed=True)
