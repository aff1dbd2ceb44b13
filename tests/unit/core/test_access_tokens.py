"""Tests of `app.core.access_tokens`: signing, reading, time, what is remembered.

What must be refused is in `test_access_token_forgeries.py`.
"""

import json
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from app.core.access_tokens import LONGEST_SIGNED_BYTES, AccessClaims, AccessTokens
from app.core.exceptions import InvalidTokenError, TokenExpiredError
from app.core.keys import KeyRing, SigningKey
from tests.support.access_tokens import AUDIENCE, ISSUER
from tests.support.clock import FakeClock
from tests.support.forging import forge, from_base64url, is_signed


class Service:
    """What signs and reads, with a clock and a ring that a test can change."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.key = SigningKey.generate(self.clock.now - timedelta(days=1))
        self.ring = KeyRing((self.key,))
        self.tokens = AccessTokens(ISSUER, AUDIENCE, self.clock, lambda: self.ring)

    def claims(self, **changes: Any) -> AccessClaims:
        """Return the claims of a token issued now."""
        now = int(self.clock.now.timestamp())
        values: dict[str, Any] = {
            "iss": ISSUER,
            "sub": UUID(int=1),
            "aud": AUDIENCE,
            "client_id": "cardea",
            "exp": now + 600,
            "iat": now,
            "jti": UUID(int=2),
            "sid": UUID(int=3),
            "gen": 0,
            "auth_time": now,
            "amr": ["pwd"],
            "roles": ["user"],
            "scope": "users:read",
            **changes,
        }
        return AccessClaims(**values)

    def token(self, **changes: Any) -> str:
        """Return a token issued now."""
        return self.tokens.sign(self.claims(**changes))

    def token_of(self, key: SigningKey) -> str:
        """Return a token issued now and signed by another key."""
        header = {"alg": "ES256", "kid": key.kid, "typ": "at+jwt"}
        return forge(key, header, self.claims().model_dump(mode="json"))


@pytest.fixture
def service() -> Service:
    """A service with one key."""
    return Service()


def parts(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return header and payload as anybody can read them."""
    header, payload, _ = (from_base64url(part) for part in token.split("."))
    return json.loads(header), json.loads(payload)


class TestSign:
    """AccessTokens.sign()."""

    def test_header(self, service: Service) -> None:
        """The header names algorithm, key and type (RFC 9068), and nothing else."""
        header, _ = parts(service.token())
        assert header == {"alg": "ES256", "kid": service.key.kid, "typ": "at+jwt"}

    def test_payload(self, service: Service) -> None:
        """The payload has exactly the claims of the contract, ids as text."""
        _, payload = parts(service.token())
        assert payload == service.claims().model_dump(mode="json")
        assert payload["sid"] == "00000000-0000-0000-0000-000000000003"

    def test_signature(self, service: Service) -> None:
        """The key that the header names made the signature."""
        assert is_signed(service.token(), service.key)

    def test_newest_ready_key(self, service: Service) -> None:
        """The next key signs from its time on, not before."""
        following = SigningKey.generate(service.clock.now + timedelta(hours=1))
        service.ring = KeyRing((service.key, following))
        before, _ = parts(service.token())
        service.clock.tick(hours=1)
        after, _ = parts(service.token())
        assert (before["kid"], after["kid"]) == (service.key.kid, following.kid)


class TestSlimming:
    """sign() of claims that do not fit."""

    def test_too_much(self, service: Service) -> None:
        """A token beyond 4,000 bytes leaves out roles and permissions alone."""
        claims = service.claims(roles=["r" * 50] * 60, scope="users:read " * 200)
        token = service.tokens.sign(claims)
        assert len(token) < LONGEST_SIGNED_BYTES
        slim = claims.model_copy(update={"roles": [], "scope": ""})
        assert service.tokens.read(token) == slim

    def test_exactly_full(self, service: Service) -> None:
        """Up to the last of 4,000 bytes nothing is left out, and it can be read."""
        longest = LONGEST_SIGNED_BYTES
        room = longest - len(service.token(scope=""))
        fitting = [
            service.claims(scope="s" * length)
            for length in range(room * 3 // 4 - 4, room * 3 // 4 + 5)
        ]
        sign = service.tokens.sign
        kept = [claims for claims in fitting if len(sign(claims)) > 3900]
        assert len(sign(kept[-1])) in (longest, longest - 1)
        assert 0 < len(kept) < len(fitting)
        assert service.tokens.read(service.tokens.sign(kept[-1])) == kept[-1]


class TestRead:
    """AccessTokens.read()."""

    def test_round_trip(self, service: Service) -> None:
        """What was signed reads as it was signed."""
        assert service.tokens.read(service.token()) == service.claims()

    def test_by_hand(self, service: Service) -> None:
        """A token made without our library is read as well, if it is right."""
        token = service.token_of(service.key)
        assert service.tokens.read(token) == service.claims()

    def test_expired_in_this_second(self, service: Service) -> None:
        """A token is over at the very second of `exp`, not one later."""
        token = service.token()
        service.clock.tick(seconds=599, milliseconds=999)
        service.tokens.read(token)
        service.clock.tick(milliseconds=1)
        with pytest.raises(TokenExpiredError):
            service.tokens.read(token)

    def test_expired_from_the_first(self, service: Service) -> None:
        """A token whose time was over before it was first seen is refused so too."""
        token = service.token(exp=int(service.clock.now.timestamp()))
        with pytest.raises(TokenExpiredError):
            service.tokens.read(token)

    def test_clock_ahead(self, service: Service) -> None:
        """A machine whose clock runs 30 seconds ahead may issue, one further not."""
        now = int(service.clock.now.timestamp())
        assert service.tokens.read(service.token(iat=now + 30)).iat == now + 30
        with pytest.raises(InvalidTokenError):
            service.tokens.read(service.token(iat=now + 31))

    def test_valid_later(self, service: Service) -> None:
        """What was refused as issued in the future is read once its time has come."""
        token = service.token(iat=int(service.clock.now.timestamp()) + 31)
        with pytest.raises(InvalidTokenError):
            service.tokens.read(token)
        service.clock.tick(seconds=1)
        service.tokens.read(token)

    def test_expired_and_wrong(self, service: Service) -> None:
        """Only a token that is right otherwise is told that it has expired."""
        token = service.token(aud="another")
        service.clock.tick(hours=1)
        with pytest.raises(InvalidTokenError):
            service.tokens.read(token)

    def test_cause_is_kept_for_the_log(self, service: Service) -> None:
        """The answer is the same for all; what was wrong stays as the cause."""
        with pytest.raises(InvalidTokenError) as caught:
            service.tokens.read(service.token(iss="https://evil.example.com"))
        assert str(caught.value.__cause__) == "for another service"


class TestRemembered:
    """What read() remembers."""

    def test_checked_once(self, service: Service) -> None:
        """A signature that was good is not computed again."""
        token = service.token()
        assert service.tokens.read(token) is service.tokens.read(token)

    def test_key_gone(self, service: Service) -> None:
        """When the ring changes, what its keys signed is checked again."""
        token = service.token()
        service.tokens.read(token)
        service.ring = KeyRing((SigningKey.generate(service.clock.now),))
        with pytest.raises(InvalidTokenError):
            service.tokens.read(token)

    def test_key_gone_and_back(self, service: Service) -> None:
        """Another ring drops what was remembered; the old one starts over."""
        token, ring = service.token(), service.ring
        first = service.tokens.read(token)
        service.ring = KeyRing((SigningKey.generate(service.clock.now),))
        with pytest.raises(InvalidTokenError):
            service.tokens.read(token)
        service.ring = ring
        again = service.tokens.read(token)
        assert again == first
        assert again is not first

    def test_refusals_are_not_remembered(self, service: Service) -> None:
        """A token by a key not loaded yet is read as soon as the key is known."""
        following = SigningKey.generate(service.clock.now)
        token = service.token_of(following)
        with pytest.raises(InvalidTokenError):
            service.tokens.read(token)
        service.ring = KeyRing((service.key, following))
        assert service.tokens.read(token) == service.claims()

    def test_bounded(self, service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
        """Only so many are remembered: the one unused for longest goes."""
        monkeypatch.setattr("app.core.access_tokens.REMEMBERED_TOKENS", 2)
        tokens = AccessTokens(ISSUER, AUDIENCE, service.clock, lambda: service.ring)
        first, second, third = (service.token(gen=n) for n in range(3))
        kept = tokens.read(first)
        for token in (second, third):
            tokens.read(token)
        assert tokens.read(first) is not kept


class TestOldKey:
    """read() of tokens by keys that no longer sign."""

    def test_trusted_until_its_tokens_are_dead(self, service: Service) -> None:
        """The last key is believed for an hour and a minute after the change."""
        following = SigningKey.generate(service.clock.now + timedelta(hours=1))
        service.ring = KeyRing((service.key, following))
        service.clock.tick(hours=2, seconds=59)
        service.tokens.read(service.token_of(service.key))
        service.clock.tick(seconds=1)
        with pytest.raises(InvalidTokenError):
            service.tokens.read(service.token_of(service.key))
