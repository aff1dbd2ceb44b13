"""How passwords become hashes: bcrypt over an HMAC, so that every character counts.

bcrypt alone stops at 72 bytes (ASVS 5.0, 6.2.9 asks for at least 64 characters without
truncation). What it gets here is base64(HMAC-SHA-256(a fixed domain string, password)):
44 bytes, whatever the length. No secret goes in, so hashes outlive any SECRET_KEY.
"""

import base64
import hashlib
import hmac

import bcrypt

PREFIX = "cardea1"
"""The version of our own format: PREFIX followed by a bcrypt hash."""

NO_PASSWORD = "!"
"""What is stored for an account without a password; no password matches it."""

MAXIMUM_BCRYPT_BYTES = 72
_DOMAIN = b"cardea/password/v1"
_PLAIN_BCRYPT = ("$2a$", "$2b$", "$2y$")


def hash_password(password: str, rounds: int) -> str:
    """Return a new hash with a salt of its own. Takes about 0.2 s at 12 rounds."""
    return PREFIX + bcrypt.hashpw(_digest(password), bcrypt.gensalt(rounds)).decode()


def verify_password(password: str, stored: str, rounds: int) -> bool:
    """Tell whether the password made this hash; a malformed hash matches nothing.

    Plain bcrypt hashes from elsewhere verify too, but never by their first 72 bytes.

    Args:
        password: What was typed.
        stored: The hash.
        rounds: Today's cost. Checking a cheaper or malformed hash takes as long as
            checking one of this cost, so that the time does not tell them apart.
    """
    candidate = _digest(password)
    if stored.startswith(_PLAIN_BCRYPT):
        candidate = password.encode()
    fits = len(candidate) <= MAXIMUM_BCRYPT_BYTES
    # What can't match is checked all the same: the time must not tell.
    candidate = candidate[:MAXIMUM_BCRYPT_BYTES]
    hashed = stored.removeprefix(PREFIX).encode()
    try:
        matches = bcrypt.checkpw(candidate, hashed) and fits
    except ValueError:
        _spend(rounds)
        return False
    for missing in range(_rounds_of(hashed), rounds):
        _spend(missing)
    return matches


def needs_rehash(stored: str, rounds: int) -> bool:
    """Tell whether the hash is of another format or cost than a new one would be."""
    return not stored.startswith(f"{PREFIX}$2b${rounds:02d}$")


def unmatchable_hash(rounds: int) -> str:
    """Return a hash that no password matches and that costs as much to check.

    Whoever asks for an unknown account waits as long as for a known one.
    """
    return f"{PREFIX}$2b${rounds:02d}${'.' * 53}"


def _rounds_of(hashed: bytes) -> int:
    return int(hashed[4:6])


def _spend(rounds: int) -> None:
    """Take the time of one hash; those of 4 to n-1 rounds add up to almost one of n."""
    bcrypt.hashpw(b"", bcrypt.gensalt(rounds))


def _digest(password: str) -> bytes:
    mac = hmac.new(_DOMAIN, password.encode(), hashlib.sha256)
    return base64.b64encode(mac.digest())
