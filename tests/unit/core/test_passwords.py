"""Tests of `app.core.passwords`."""

import time

import bcrypt
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from app.core.passwords import (
    hash_password,
    needs_rehash,
    unmatchable_hash,
    verify_password,
)

ROUNDS = 4
PASSWORDS = {
    "10 characters": "correct ho",
    "72 bytes": "x" * 72,
    "73 bytes": "x" * 73,
    "128 characters": "y" * 128,
    "128 emoji": "\N{PILE OF POO}" * 128,
    "one emoji of many parts": "👩‍👩‍👧‍👦" * 4,
    "umlauts": "pässwörd-äöü",
    "blanks around": "  correct horse  ",
    "NUL": "correct\x00horse",
    "looks like a hash": "$2b$12$" + "." * 53,
}
SCHEMES = ["2a", "2b", "2y"]


def elsewhere(password: bytes, scheme: str = "2b", rounds: int = ROUNDS) -> str:
    """Return a plain bcrypt hash as other programs make it."""
    hashed = bcrypt.hashpw(password[:72], bcrypt.gensalt(rounds)).decode()
    return f"${scheme}${hashed.removeprefix('$2b$')}"


class TestRoundTrip:
    """hash_password() and verify_password()."""

    @pytest.mark.parametrize("password", PASSWORDS.values(), ids=PASSWORDS)
    def test_matches(self, password: str) -> None:
        """A password matches its hash, however long and whatever is in it."""
        assert verify_password(password, hash_password(password, ROUNDS), ROUNDS)

    @pytest.mark.parametrize("password", PASSWORDS.values(), ids=PASSWORDS)
    @pytest.mark.parametrize("last", ["", "z", "\x00"], ids=["cut", "other", "NUL"])
    def test_last_character_counts(self, password: str, last: str) -> None:
        """The last character counts, at whatever length: nothing is cut off."""
        stored = hash_password(password, ROUNDS)
        assert not verify_password(password[:-1] + last, stored, ROUNDS)

    @pytest.mark.parametrize("password", PASSWORDS.values(), ids=PASSWORDS)
    def test_one_more_character(self, password: str) -> None:
        """A password with something behind it is another."""
        stored = hash_password(password, ROUNDS)
        assert not verify_password(password + "\x00", stored, ROUNDS)
        assert not verify_password(password + " ", stored, ROUNDS)

    @settings(max_examples=50)
    @given(st.text(min_size=1, max_size=128), st.text(max_size=128))
    def test_any(self, password: str, other: str) -> None:
        """Any password matches its own hash and no other one does."""
        assume(password != other)
        stored = hash_password(password, ROUNDS)
        assert verify_password(password, stored, ROUNDS)
        assert not verify_password(other, stored, ROUNDS)

    def test_salted(self) -> None:
        """Two people with one password have two hashes."""
        assert hash_password("correct horse", ROUNDS) != hash_password(
            "correct horse", ROUNDS
        )

    def test_format(self) -> None:
        """A hash has our version in front and the cost that was asked for."""
        assert hash_password("correct horse", 5).startswith("cardea1$2b$05$")

    def test_known_hash(self) -> None:
        """A hash of an earlier version matches for ever."""
        stored = (
            "cardea1$2b$04$" "kGcaiMBGlsb140wJL6pQ..csPJW0d/1RQXhxry8SnZ5JYgS9DTcMy"
        )
        assert verify_password("correct horse battery", stored, ROUNDS)

    def test_not_plain_bcrypt(self) -> None:
        """Without its prefix, our hash is a hash of something else."""
        stored = hash_password("correct horse", ROUNDS)
        assert not verify_password(
            "correct horse", stored.removeprefix("cardea1"), ROUNDS
        )


class TestFromElsewhere:
    """verify_password() against plain bcrypt hashes."""

    @pytest.mark.parametrize("scheme", SCHEMES)
    @pytest.mark.parametrize("password", ["correct horse", "pässwörd", "x" * 72])
    def test_matches(self, password: str, scheme: str) -> None:
        """Hashes from elsewhere verify, up to 72 bytes."""
        stored = elsewhere(password.encode(), scheme)
        assert verify_password(password, stored, ROUNDS)
        assert not verify_password(password[:-1], stored, ROUNDS)

    @pytest.mark.parametrize("scheme", SCHEMES)
    @pytest.mark.parametrize(
        "typed", ["x" * 73, "x" * 72 + "y", "x" * 128, "x" * 71 + "ä"]
    )
    def test_never_by_prefix(self, typed: str, scheme: str) -> None:
        """Beyond 72 bytes nothing matches, although other programs cut it off there."""
        stored = elsewhere(typed.encode(), scheme)
        assert not verify_password(typed, stored, ROUNDS)

    @pytest.mark.parametrize("scheme", ["2", "2x", "1", "2c"])
    def test_other_scheme(self, scheme: str) -> None:
        """Hashes of other schemes match nothing."""
        assert not verify_password(
            "correct horse", elsewhere(b"correct horse", scheme), ROUNDS
        )


class TestMalformed:
    """verify_password() against what is no hash."""

    @pytest.mark.parametrize(
        "stored",
        [
            pytest.param("", id="empty"),
            pytest.param("cardea1", id="prefix alone"),
            pytest.param("cardea1$2b$", id="cut after the scheme"),
            pytest.param("cardea1$2b$04$", id="no salt"),
            pytest.param("cardea1$2b$04$" + "." * 21, id="short salt"),
            pytest.param("cardea1$2b$99$" + "." * 53, id="impossible cost"),
            pytest.param("cardea1$2b$xx$" + "." * 53, id="no number"),
            pytest.param("cardea1$2b$04$" + "!" * 53, id="no base64"),
            pytest.param("cardea2$2b$04$" + "." * 53, id="another version"),
            pytest.param("$2b$04$" + "." * 10, id="plain, short"),
            pytest.param("$2b$04$\x00" + "." * 52, id="NUL"),
            pytest.param("ä" * 60, id="not ASCII"),
            pytest.param("correct horse", id="the password itself"),
            pytest.param("!", id="locked"),
        ],
    )
    def test_matches_nothing(self, stored: str) -> None:
        """A malformed hash is no match, and no error."""
        assert not verify_password("correct horse", stored, ROUNDS)

    @pytest.mark.parametrize("end", [1, 10, 30])
    def test_cut(self, end: int) -> None:
        """A hash that was cut short no longer matches its password."""
        stored = hash_password("correct horse", ROUNDS)
        assert not verify_password("correct horse", stored[:-end], ROUNDS)


class TestNeedsRehash:
    """needs_rehash()."""

    def test_current(self) -> None:
        """A hash of our format and today's cost stays."""
        assert not needs_rehash(hash_password("correct horse", 5), 5)

    @pytest.mark.parametrize("rounds", [4, 6])
    def test_other_cost(self, rounds: int) -> None:
        """A hash of any other cost is to be replaced."""
        assert needs_rehash(hash_password("correct horse", 5), rounds)

    @pytest.mark.parametrize("scheme", SCHEMES)
    def test_from_elsewhere(self, scheme: str) -> None:
        """A plain hash is to be replaced, even at today's cost."""
        assert needs_rehash(elsewhere(b"correct horse", scheme, 5), 5)


class TestUnmatchable:
    """unmatchable_hash()."""

    @given(st.text(max_size=128))
    @settings(max_examples=30)
    def test_matches_nothing(self, password: str) -> None:
        """No password matches it."""
        assert not verify_password(password, unmatchable_hash(ROUNDS), ROUNDS)

    def test_not_malformed(self) -> None:
        """It is a hash like others: bcrypt checks it instead of refusing it."""
        plain = unmatchable_hash(ROUNDS).removeprefix("cardea1")
        assert not bcrypt.checkpw(b"correct horse", plain.encode())
        assert bcrypt.hashpw(b"correct horse", plain.encode()).startswith(b"$2b$04$")

    def test_costs_the_same(self) -> None:
        """Checking it takes the time of a real hash of that cost, not of another."""
        real, none = hash_password("correct horse", 9), unmatchable_hash(9)
        ratio = least_seconds(none) / least_seconds(real)
        assert 0.7 < ratio < 1.4

    @pytest.mark.parametrize(
        ("typed", "stored"),
        [
            ("wrong horse", "!"),
            ("wrong horse", "cardea1$2b$09$short"),
            ("x" * 73, unmatchable_hash(9).removeprefix("cardea1")),
            ("wrong horse", unmatchable_hash(6)),
        ],
        ids=["no hash", "malformed", "too long for a plain one", "cheaper"],
    )
    def test_so_does_what_can_not_match(self, typed: str, stored: str) -> None:
        """The time does not tell that an account's hash is of another kind."""
        real = hash_password("correct horse", 9)
        ratio = least_seconds(stored, typed) / least_seconds(real)
        assert 0.7 < ratio < 1.4


def least_seconds(stored: str, typed: str = "wrong horse") -> float:
    """Return the processor time of a check, undisturbed by what else runs."""
    times = []
    for _ in range(5):
        started = time.thread_time()
        verify_password(typed, stored, rounds=9)
        times.append(time.thread_time() - started)
    return min(times)
