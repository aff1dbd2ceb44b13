"""A good access token and all it takes to make bad ones."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from app.core.access_tokens import AccessTokens
from app.core.exceptions import InvalidTokenError
from app.core.keys import KeyRing, SigningKey
from tests.support.clock import FakeClock
from tests.support.forging import forge

ISSUER = "https://auth.example.com"
AUDIENCE = "cardea"

CLOCK = FakeClock()
"""Stands still."""

NOW = int(CLOCK.now.timestamp())
KEY = SigningKey.generate(CLOCK.now - timedelta(minutes=1))
LAST_KEY = SigningKey.generate(CLOCK.now - timedelta(days=90))
RING = KeyRing((LAST_KEY, KEY))
TOKENS = AccessTokens(ISSUER, AUDIENCE, CLOCK, lambda: RING)

HEADER: dict[str, Any] = {"alg": "ES256", "kid": KEY.kid, "typ": "at+jwt"}
CLAIMS: dict[str, Any] = {
    "iss": ISSUER,
    "sub": str(UUID(int=1)),
    "aud": AUDIENCE,
    "client_id": "cardea",
    "exp": NOW + 600,
    "iat": NOW,
    "jti": str(UUID(int=2)),
    "sid": str(UUID(int=3)),
    "gen": 0,
    "auth_time": NOW,
    "amr": ["pwd"],
    "roles": ["user"],
    "scope": "users:read",
}


def _with_dash() -> str:
    # A signature that the other base64 alphabet would spell differently.
    while True:
        token = forge(KEY, HEADER, CLAIMS)
        if set(token.rpartition(".")[2]) & set("-_"):
            return token


TOKEN = _with_dash()
"""Good; what differs from it in one point is refused for that point."""


def is_refused(token: str, tokens: AccessTokens = TOKENS) -> bool:
    """Tell that the one error comes back; whatever else escapes fails the test."""
    with pytest.raises(InvalidTokenError):
        tokens.read(token)
    return True
