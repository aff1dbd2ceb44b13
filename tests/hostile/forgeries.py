"""Access tokens that differ from a good one in one point."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from app.core.keys import SigningKey
from tests.support.clock import FakeClock
from tests.support.forging import base64url, forge, from_base64url, unsigned


@dataclass(frozen=True)
class Genuine:
    """A good token, and what is needed to make worse ones."""

    token: str
    key: SigningKey

    @property
    def header(self) -> dict[str, Any]:
        """What it says about itself."""
        return self._part(0)

    @property
    def claims(self) -> dict[str, Any]:
        """What it says about its bearer."""
        return self._part(1)

    def but(self, **changes: Any) -> str:
        """Sign other claims; None leaves one out."""
        claims = {**self.claims, **changes}
        kept = {name: value for name, value in claims.items() if value is not None}
        return forge(self.key, self.header, kept)

    def headed(self, **changes: Any) -> str:
        """Sign another header."""
        return forge(self.key, {**self.header, **changes}, self.claims)

    def _part(self, index: int) -> dict[str, Any]:
        part: dict[str, Any] = json.loads(from_base64url(self.token.split(".")[index]))
        return part


def _last_character_respelt(token: str) -> str:
    # 64 bytes leave four spare bits in the last character.
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return token[:-1] + alphabet[alphabet.index(token[-1]) + 1]


def _other_alphabet(token: str) -> str:
    head, _, signature = token.rpartition(".")
    return f"{head}.{signature.replace('-', '+').replace('_', '/')}="


def _signed_with_public_key(genuine: Genuine) -> str:
    jwk = genuine.key.public_jwk
    message = unsigned({**genuine.header, "alg": "HS256"}, genuine.claims)
    secret = json.dumps(jwk).encode()
    mac = hmac.new(secret, message.encode(), hashlib.sha256).digest()
    return f"{message}.{base64url(mac)}"


def _swapped_payload(genuine: Genuine) -> str:
    header, _, signature = genuine.token.split(".")
    payload = json.dumps({**genuine.claims, "roles": ["admin"]}).encode()
    return f"{header}.{base64url(payload)}.{signature}"


def by_another_key(genuine: Genuine) -> str:
    """Sign the same with a key that is nobody's."""
    return forge(SigningKey.generate(FakeClock().now), genuine.header, genuine.claims)


def _by_another_known_as_itself(genuine: Genuine) -> str:
    key = SigningKey.generate(FakeClock().now)
    return forge(key, {**genuine.header, "kid": key.kid}, genuine.claims)


def _der_signature(genuine: Genuine) -> str:
    header, payload, _ = genuine.token.split(".")
    return f"{header}.{payload}.{base64url(b'0D' + bytes(70))}"


Forgery: TypeAlias = Callable[[Genuine], str]

NONE = {"alg": "none", "typ": "at+jwt"}
FORGED: dict[str, Forgery] = {
    "word": lambda g: "hunter2-hunter2",
    "dots": lambda g: "..",
    "two-parts": lambda g: g.token.rpartition(".")[0],
    "four-parts": lambda g: f"{g.token}.AAAA",
    "truncated": lambda g: g.token[:-1],
    "half": lambda g: g.token[: len(g.token) // 2],
    "extended": lambda g: g.token + "A",
    "respelt-last-character": lambda g: _last_character_respelt(g.token),
    "respelt-padding": lambda g: f"{g.token}==",
    "respelt-alphabet": lambda g: _other_alphabet(g.token),
    "inner-space": lambda g: g.token.replace(".", ". ", 1),
    "trailing-space": lambda g: f"{g.token} x",
    "payload-swapped": _swapped_payload,
    "no-signature": lambda g: g.token.rpartition(".")[0] + ".",
    "zero-signature": lambda g: g.token.rpartition(".")[0] + "." + base64url(bytes(64)),
    "der-signature": _der_signature,
    "alg-none": lambda g: unsigned({**g.header, "alg": "none"}, g.claims) + ".",
    "alg-none-signed": lambda g: g.headed(alg="none"),
    "alg-None": lambda g: unsigned({**NONE, "alg": "nOnE"}, g.claims) + ".",
    "alg-hs256-public-key": _signed_with_public_key,
    "alg-es384": lambda g: g.headed(alg="ES384"),
    "alg-rs256": lambda g: g.headed(alg="RS256"),
    "alg-array": lambda g: g.headed(alg=["ES256"]),
    "alg-missing": lambda g: forge(
        g.key, {"kid": g.key.kid, "typ": "at+jwt"}, g.claims
    ),
    "other-key": by_another_key,
    "other-key-own-kid": _by_another_known_as_itself,
    "kid-path": lambda g: g.headed(kid="../../dev/null"),
    "kid-sql": lambda g: g.headed(kid="' OR '1'='1"),
    "key-in-header": lambda g: g.headed(jwk=g.key.public_jwk),
    "key-url-in-header": lambda g: g.headed(jku="http://127.0.0.1:9/jwks.json"),
    "crit": lambda g: g.headed(crit=["exp"]),
    "typ-jwt": lambda g: g.headed(typ="JWT"),
    "typ-full": lambda g: g.headed(typ="application/at+jwt"),
    "typ-id-token": lambda g: g.headed(typ="id_token"),
    "other-audience": lambda g: g.but(aud="another-service"),
    "audience-array": lambda g: g.but(aud=["cardea"]),
    "no-audience": lambda g: g.but(aud=None),
    "other-issuer": lambda g: g.but(iss="http://evil.example"),
    "no-issuer": lambda g: g.but(iss=None),
    "no-exp": lambda g: g.but(exp=None),
    "exp-text": lambda g: g.but(exp=str(g.claims["exp"])),
    "exp-infinite": lambda g: forge(
        g.key,
        g.header,
        json.dumps({**g.claims, "exp": float("inf")}),
    ),
    "exp-true": lambda g: g.but(exp=True),
    "exp-huge": lambda g: forge(
        g.key, g.header, json.dumps(g.claims | {"exp": 10**4000})
    ),
    "not-yet-valid": lambda g: g.but(iat=g.claims["iat"] + 3600),
    "nbf": lambda g: g.but(nbf=g.claims["iat"] + 3600),
    "sub-number": lambda g: g.but(sub=1),
    "sub-missing": lambda g: g.but(sub=None),
    "sid-missing": lambda g: g.but(sid=None),
    "sid-sql": lambda g: g.but(sid="' OR 1=1"),
    "claims-array": lambda g: forge(g.key, g.header, [g.claims]),
    "claims-twice": lambda g: forge(
        g.key, g.header, json.dumps(g.claims)[:-1] + ', "aud": "cardea"}'
    ),
    "unknown-claim": lambda g: g.but(admin=True),
    "not-json": lambda g: forge(g.key, g.header, b"\xff\xfe{}"),
    "deep-header": lambda g: forge(g.key, b'{"a":' * 500 + b"1" + b"}" * 500, g.claims),
    "deep-payload": lambda g: forge(g.key, g.header, b"[" * 1500 + b"]" * 1500),
    "huge": lambda g: g.but(scope="x" * 60_000),
    "huge-word": lambda g: "A" * 60_000,
    "huge-dots": lambda g: "." * 60_000,
    "refresh-prefix": lambda g: f"cardea_rt_{'A' * 72}",
    "base64-of-itself": lambda g: base64.b64encode(g.token.encode()).decode(),
}
