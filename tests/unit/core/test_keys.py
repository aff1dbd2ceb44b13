"""Tests of `app.core.keys`."""

import base64
import hashlib
import json
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from app.core.keys import KeyRing, SigningKey

START = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)
DEAD = HOUR + timedelta(minutes=1)
"""How long after the change no token of the last key can be alive."""

FIRST = SigningKey.generate(START)
SECOND_KEY = SigningKey.generate(START + 90 * DAY)
THIRD = SigningKey.generate(START + 180 * DAY)
RING = KeyRing((FIRST, SECOND_KEY, THIRD))
NAMES = {FIRST.kid: "1st", SECOND_KEY.kid: "2nd", THIRD.kid: "3rd"}


def names(keys: tuple[SigningKey, ...]) -> list[str]:
    """Return which keys these are."""
    return [NAMES[key.kid] for key in keys]


class TestSigningKey:
    """SigningKey."""

    def test_thumbprint(self) -> None:
        """The id is the RFC 7638 thumbprint; the key is that of RFC 7517, A.2."""
        secret = "870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE"
        number = int.from_bytes(base64.urlsafe_b64decode(secret + "="), "big")
        pem = ec.derive_private_key(number, ec.SECP256R1()).private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
        )
        key = SigningKey.from_pem(pem, START)
        assert key.kid == "cn-I_WNMClehiVp51i_0VpOENW1upEerA8sEam5hn-s"
        assert key.public_jwk == {
            "kty": "EC",
            "crv": "P-256",
            "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
            "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM",
            "kid": key.kid,
            "use": "sig",
            "alg": "ES256",
        }

    def test_public_part_only(self) -> None:
        """What is published has nothing of the private key."""
        assert FIRST.public_jwk.keys() == {"kty", "crv", "x", "y", "kid", "use", "alg"}

    def test_generate(self) -> None:
        """Each key is another, named by its own thumbprint."""
        one, other = SigningKey.generate(START), SigningKey.generate(START)
        assert one.kid != other.kid
        jwk = {name: one.public_jwk[name] for name in ("crv", "kty", "x", "y")}
        canonical = json.dumps(jwk, separators=(",", ":"), sort_keys=True)
        digest = hashlib.sha256(canonical.encode()).digest()
        assert one.kid == base64.urlsafe_b64encode(digest).rstrip(b"=").decode()

    def test_rebuilt(self) -> None:
        """From its private part it is rebuilt the same."""
        assert SigningKey.from_pem(FIRST.private_pem, START) == FIRST

    def test_coordinates_keep_their_zeros(self) -> None:
        """A coordinate that begins with zeros has 32 bytes too (RFC 7518, 6.2.1)."""
        candidates = (ec.derive_private_key(n, ec.SECP256R1()) for n in count(1))
        private = next(
            key for key in candidates if key.public_key().public_numbers().x < 1 << 248
        )
        pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        assert len(SigningKey.from_pem(pem, START).public_jwk["x"]) == 43


class TestSigningNow:
    """KeyRing.signing_key()."""

    @pytest.mark.parametrize(
        ("moment", "name"),
        [
            pytest.param(START, "1st", id="at the first's time"),
            pytest.param(
                START + 90 * DAY - SECOND, "1st", id="just before the second's"
            ),
            pytest.param(START + 90 * DAY, "2nd", id="at the second's time"),
            pytest.param(START + 179 * DAY, "2nd", id="the third is only published"),
            pytest.param(START + 180 * DAY, "3rd", id="at the third's time"),
            pytest.param(START + 999 * DAY, "3rd", id="long after"),
            pytest.param(START - DAY, "1st", id="a clock that went back"),
        ],
    )
    def test_newest_whose_time_has_come(self, moment: datetime, name: str) -> None:
        """The newest key that may sign does; before all of them, the oldest."""
        assert NAMES[RING.signing_key(moment).kid] == name


class TestTrusted:
    """KeyRing.trusted() and find()."""

    @pytest.mark.parametrize(
        ("moment", "expected"),
        [
            pytest.param(
                START - DAY, ["1st", "2nd", "3rd"], id="a clock that went back"
            ),
            pytest.param(START, ["1st", "2nd", "3rd"], id="start"),
            pytest.param(START + 90 * DAY, ["1st", "2nd", "3rd"], id="change"),
            pytest.param(
                START + 90 * DAY + DEAD - SECOND,
                ["1st", "2nd", "3rd"],
                id="last second",
            ),
            pytest.param(
                START + 90 * DAY + DEAD, ["2nd", "3rd"], id="the first is dead"
            ),
            pytest.param(START + 180 * DAY + DEAD, ["3rd"], id="the second is dead"),
            pytest.param(START + 999 * DAY, ["3rd"], id="the newest never dies"),
        ],
    )
    def test_while_its_tokens_live(self, moment: datetime, expected: list[str]) -> None:
        """A key is trusted from before it signs until its last token is dead."""
        assert names(RING.trusted(moment)) == expected
        found = [key for key in RING.keys if RING.find(key.kid, moment) is key]
        assert names(tuple(found)) == expected

    @pytest.mark.parametrize("days", range(-10, 300, 7))
    def test_whoever_signs_is_trusted(self, days: int) -> None:
        """At any moment the key that signs is trusted, for an hour to come."""
        moment = START + days * DAY
        signing = RING.signing_key(moment)
        assert signing in RING.trusted(moment)
        assert signing in RING.trusted(moment + HOUR)

    def test_unknown_id(self) -> None:
        """A key that is not in the ring is not found."""
        assert RING.find("unknown", START) is None

    def test_empty(self) -> None:
        """An empty ring trusts nobody."""
        assert KeyRing(()).trusted(START) == ()


class TestNextKey:
    """KeyRing.next_key_from()."""

    @pytest.mark.parametrize(
        ("moment", "expected"),
        [
            pytest.param(START, None, id="new"),
            pytest.param(START + 89 * DAY - SECOND, None, id="not yet"),
            pytest.param(START + 89 * DAY, START + 90 * DAY, id="a day before"),
            pytest.param(
                START + 89.5 * DAY, START + 90.5 * DAY, id="half a day before"
            ),
            pytest.param(START + 400 * DAY, START + 401 * DAY, id="asleep for a year"),
            pytest.param(START - 400 * DAY, None, id="a clock that went back"),
        ],
    )
    def test_schedule(self, moment: datetime, expected: datetime | None) -> None:
        """After 89 days the next is made; it signs a day later at the earliest."""
        assert KeyRing((FIRST,)).next_key_from(moment) == expected

    def test_first(self) -> None:
        """Without a key, the first signs at once."""
        assert KeyRing(()).next_key_from(START) == START

    def test_once(self) -> None:
        """When the next key is there already, no further one is made."""
        ring = KeyRing((FIRST, SECOND_KEY))
        assert ring.next_key_from(START + 89.5 * DAY) is None

    def test_over_years(self) -> None:
        """Looked at every hour, a key every 90 days, each published for a day first."""
        keys, made = [FIRST], [START]
        for hour in range(24 * 365):
            now = START + hour * HOUR
            if starts := KeyRing(tuple(keys)).next_key_from(now):
                keys.append(SigningKey.generate(starts))
                made.append(now)
        starts_at = [(key.signs_from - START) / DAY for key in keys]
        assert starts_at == [0, 90, 180, 270, 360]
        assert all(key.signs_from - at == DAY for key, at in zip(keys[1:], made[1:]))
