"""Signing keys, and which of them signs or is trusted at a given moment.

A key is published before it signs, so that nobody meets a token whose key it can't
find, and stays published until the last token it signed is dead.
"""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import zip_longest

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from app.core.encoding import encode

ROTATE_EVERY = timedelta(days=90)
PUBLISHED_BEFORE_SIGNING = timedelta(days=1)
"""How long the next key is in the JWKS before it signs; clients cache that document."""

LONGEST_TOKEN = timedelta(hours=1, minutes=1)
"""The highest ACCESS_TOKEN_SECONDS allowed, and a minute for clocks that differ."""


@dataclass(frozen=True)
class SigningKey:
    """An ES256 key pair.

    Attributes:
        kid: The RFC 7638 thumbprint of the public key.
        private_pem: PKCS 8, unencrypted; only ever in memory.
        public_jwk: The public part as published (RFC 7517).
        signs_from: From when on it is the key that signs.
    """

    kid: str
    private_pem: bytes
    public_jwk: dict[str, str]
    signs_from: datetime

    @classmethod
    def generate(cls, signs_from: datetime) -> "SigningKey":
        """Make a new P-256 key."""
        key = ec.generate_private_key(ec.SECP256R1())
        pem = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        return cls.from_pem(pem, signs_from)

    @classmethod
    def from_pem(cls, pem: bytes, signs_from: datetime) -> "SigningKey":
        """Rebuild a key from its private part."""
        key = serialization.load_pem_private_key(pem, password=None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        point = key.public_key().public_numbers()
        required = {
            "crv": "P-256",
            "kty": "EC",
            "x": encode(point.x.to_bytes(32, "big")),
            "y": encode(point.y.to_bytes(32, "big")),
        }
        canonical = json.dumps(required, separators=(",", ":"), sort_keys=True)
        kid = encode(hashlib.sha256(canonical.encode()).digest())
        jwk = {**required, "kid": kid, "use": "sig", "alg": "ES256"}
        return cls(kid, pem, jwk, signs_from)


@dataclass(frozen=True)
class KeyRing:
    """The keys of one moment, oldest first; replaced as a whole when they change."""

    keys: tuple[SigningKey, ...]

    def signing_key(self, now: datetime) -> SigningKey:
        """Return the newest key whose time has come."""
        ready = [key for key in self.keys if key.signs_from <= now]
        return ready[-1] if ready else self.keys[0]

    def trusted(self, now: datetime) -> tuple[SigningKey, ...]:
        """Return every key that may have signed a living token, or will sign soon."""
        return tuple(
            key
            for key, successor in zip_longest(self.keys, self.keys[1:])
            if successor is None or now < successor.signs_from + LONGEST_TOKEN
        )

    def find(self, kid: str, now: datetime) -> SigningKey | None:
        """Return the trusted key of this id."""
        return next((key for key in self.trusted(now) if key.kid == kid), None)

    def next_key_from(self, now: datetime) -> datetime | None:
        """Return when the next key is to sign, if it is time to make and publish it."""
        if not self.keys:
            return now
        newest = self.keys[-1].signs_from
        if now < newest + ROTATE_EVERY - PUBLISHED_BEFORE_SIGNING:
            return None
        return max(newest + ROTATE_EVERY, now + PUBLISHED_BEFORE_SIGNING)
