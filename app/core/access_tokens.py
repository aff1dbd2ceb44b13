"""Access tokens: RFC 9068 JWTs, signed with ES256.

The only module that imports python-jose, which accepts far more than it should: no
`aud`, no `exp`, unknown `crit`, other spellings, any key of a set. So the shape, the
header and the claims are checked here; the library is asked for the signature alone.
"""

import json
from collections.abc import Callable
from datetime import timedelta
from functools import lru_cache
from typing import Any
from uuid import UUID

from jose import jwk, jws
from jose.backends.base import Key
from pydantic import BaseModel, ConfigDict

from app.core.clock import Clock
from app.core.encoding import decode
from app.core.exceptions import InvalidTokenError, TokenExpiredError
from app.core.keys import KeyRing, SigningKey

ALGORITHM = "ES256"
TOKEN_TYPE = "at+jwt"
MAXIMUM_BYTES = 4096
LONGEST_SIGNED_BYTES = 4000
"""Browsers keep no cookie whose name and value are longer than 4096 together."""

CLOCK_SKEW = timedelta(seconds=30)
"""How far ahead the clock of a machine that issued a token may run."""

REMEMBERED_TOKENS = 10_000


class AccessClaims(BaseModel):
    """What an access token says (RFC 9068, section 2.2).

    `sid` is the session, `gen` its refresh generation when the token was issued, `amr`
    how the user proved who they are (RFC 8176), `scope` the permissions.
    """

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    iss: str
    sub: UUID
    aud: str
    client_id: str
    exp: int
    iat: int
    jti: UUID
    sid: UUID
    gen: int
    auth_time: int
    amr: list[str]
    roles: list[str]
    scope: str


class _Header(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")

    alg: str
    typ: str
    kid: str


class AccessTokens:
    """Signs and checks access tokens with the keys of the ring."""

    def __init__(
        self,
        issuer: str,
        audience: str,
        clock: Clock,
        ring: Callable[[], KeyRing],
    ) -> None:
        self._issuer = issuer
        self._audience = audience
        self._clock = clock
        self._ring = ring
        self._checked = lru_cache(REMEMBERED_TOKENS)(self._check)
        self._checked_with: KeyRing | None = None
        self._prepared: dict[str, tuple[Key, Key]] = {}

    def sign(self, claims: AccessClaims) -> str:
        """Return the compact serialization, at most 4,000 bytes.

        Roles and permissions that do not fit are left out, which every reader takes as
        none; the service itself goes by its database.
        """
        key = self._ring().signing_key(self._clock())
        token = self._sign(claims, key)
        if len(token) > LONGEST_SIGNED_BYTES:
            slim = claims.model_copy(update={"roles": [], "scope": ""})
            token = self._sign(slim, key)
        return token

    def read(self, token: str) -> AccessClaims:
        """Return the claims of a token that is ours, unchanged and in date.

        Raises:
            InvalidTokenError: If anything about it is wrong.
            TokenExpiredError: If only its time is over.
        """
        ring = self._ring()
        if ring is not self._checked_with:
            self._checked_with = ring
            self._checked.cache_clear()
        claims = self._checked(token)
        if claims.exp <= self._clock().timestamp():
            raise TokenExpiredError
        return claims

    def _sign(self, claims: AccessClaims, key: SigningKey) -> str:
        headers = {"typ": TOKEN_TYPE, "kid": key.kid}
        payload = claims.model_dump(mode="json")
        private, _ = self._prepare(key)
        return jws.sign(payload, private, headers, ALGORITHM)

    def _check(self, token: str) -> AccessClaims:
        try:
            header, payload = _split(token)
            key = self._ring().find(header.kid, self._clock())
            if key is None or header.alg != ALGORITHM or header.typ != TOKEN_TYPE:
                raise ValueError("unknown key, algorithm or type")
            _, public = self._prepare(key)
            jws.verify(token, public, ALGORITHM)
            claims = AccessClaims.model_validate_json(payload)
            self._check_claims(claims)
        except Exception as error:
            # The library lets TypeError, RecursionError and others escape; whatever it
            # stumbles over is a token that we did not issue.
            raise InvalidTokenError from error
        return claims

    def _check_claims(self, claims: AccessClaims) -> None:
        if claims.iss != self._issuer or claims.aud != self._audience:
            raise ValueError("for another service")
        if claims.iat > (self._clock() + CLOCK_SKEW).timestamp():
            raise ValueError("issued in the future")

    def _prepare(self, key: SigningKey) -> tuple[Key, Key]:
        # Building a key from PEM costs more than signing with it.
        if key.kid not in self._prepared:
            private = jwk.construct(key.private_pem.decode(), ALGORITHM)
            self._prepared[key.kid] = private, private.public_key()
        return self._prepared[key.kid]


def _split(token: str) -> tuple[_Header, bytes]:
    """Return header and payload of a token that is spelt in the one right way."""
    if len(token) > MAXIMUM_BYTES or not token.isascii():
        raise ValueError("too long, or not ASCII")
    header, payload, signature = (decode(part) for part in token.split("."))
    if len(signature) != 64:
        raise ValueError("no ES256 signature")
    _refuse_duplicates(header)
    _refuse_duplicates(payload)
    return _Header.model_validate_json(header), payload


def _refuse_duplicates(document: bytes) -> None:
    json.loads(document, object_pairs_hook=_unique)


def _unique(members: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({name for name, _ in members}) != len(members):
        raise ValueError("a member occurs twice")
    return dict(members)
