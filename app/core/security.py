"""The door to everything that keeps strangers out: import it from here."""

from app.core.access_tokens import AccessClaims, AccessTokens
from app.core.challenge_tokens import ChallengeTokens
from app.core.cookies import Cookies
from app.core.derived_keys import DerivedKeys, WrongSecretKeyError
from app.core.device_tokens import DeviceTokens
from app.core.hashing_pool import HashingPool
from app.core.keys import KeyRing, SigningKey
from app.core.passwords import (
    NO_PASSWORD,
    hash_password,
    needs_rehash,
    unmatchable_hash,
    verify_password,
)
from app.core.refresh_tokens import RefreshClaim, RefreshTokens

__all__ = [
    "NO_PASSWORD",
    "AccessClaims",
    "AccessTokens",
    "ChallengeTokens",
    "Cookies",
    "DerivedKeys",
    "DeviceTokens",
    "HashingPool",
    "KeyRing",
    "RefreshClaim",
    "RefreshTokens",
    "SigningKey",
    "WrongSecretKeyError",
    "hash_password",
    "needs_rehash",
    "unmatchable_hash",
    "verify_password",
]
