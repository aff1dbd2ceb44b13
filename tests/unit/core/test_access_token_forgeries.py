"""Tests of `app.core.access_tokens`: every token that is not ours is refused.

The library underneath accepts most of what is tried here.
"""

import hmac
import json
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from app.core.access_tokens import MAXIMUM_BYTES, AccessTokens
from app.core.keys import KeyRing, SigningKey
from tests.support.access_tokens import (
    AUDIENCE,
    CLAIMS,
    CLOCK,
    HEADER,
    ISSUER,
    KEY,
    LAST_KEY,
    TOKEN,
    TOKENS,
    is_refused,
)
from tests.support.forging import base64url, es256, forge, private_key, unsigned

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
STRANGER = SigningKey.generate(CLOCK.now - timedelta(days=1))
SIGNED, _, SIGNATURE = TOKEN.rpartition(".")


class TestAsIssued:
    """The token that all others here differ from in one point."""

    def test_read(self) -> None:
        """It is good: so what is refused below is refused for that one point."""
        assert str(TOKENS.read(TOKEN).sid) == CLAIMS["sid"]

    def test_other_key_of_the_ring(self) -> None:
        """Any key of the ring is good under its own id."""
        header = {**HEADER, "kid": LAST_KEY.kid}
        assert str(TOKENS.read(forge(LAST_KEY, header, CLAIMS)).sid) == CLAIMS["sid"]


class TestSpelling:
    """One token has one spelling."""

    @pytest.mark.parametrize("last", sorted(set(ALPHABET) - {TOKEN[-1]}))
    def test_last_character(self, last: str) -> None:
        """No other last character will do, not even one that means the same bytes."""
        assert is_refused(TOKEN[:-1] + last)

    @pytest.mark.parametrize("blank", ["", " "], ids=["as it is", "one byte longer"])
    @pytest.mark.parametrize("which", [0, 1], ids=["header", "payload"])
    def test_spare_bits_signed(self, which: int, blank: str) -> None:
        """Spare bits in header or payload are refused even when we signed them."""
        documents = [json.dumps(HEADER), json.dumps(CLAIMS)]
        while len(documents[which]) % 3 != 1:
            documents[which] += " "
        documents[which] += blank
        parts = [base64url(document.encode()) for document in documents]
        last = ALPHABET.index(parts[which][-1])
        parts[which] = parts[which][:-1] + ALPHABET[last + 1]
        message = ".".join(parts)
        assert is_refused(f"{message}.{base64url(es256(KEY, message.encode()))}")

    @pytest.mark.parametrize(
        "token",
        [
            pytest.param(f"{TOKEN}=", id="one pad"),
            pytest.param(f"{TOKEN}==", id="full padding"),
            pytest.param(f"{TOKEN}====", id="more padding"),
            pytest.param(f"{TOKEN}\n", id="line break behind"),
            pytest.param(f" {TOKEN}", id="blank in front"),
            pytest.param(f"{TOKEN}\x00", id="NUL behind"),
            pytest.param(f"{SIGNED}.\r\n{SIGNATURE}", id="line break inside"),
            pytest.param(
                f"{SIGNED}.{SIGNATURE[:40]}!{SIGNATURE[40:]}", id="other sign"
            ),
            pytest.param(
                f"{SIGNED}.{SIGNATURE.replace('-', '+').replace('_', '/')}",
                id="the other alphabet",
            ),
            pytest.param(f"Bearer {TOKEN}", id="with its scheme"),
            pytest.param(f'"{TOKEN}"', id="quoted"),
            pytest.param(TOKEN.upper(), id="upper case"),
        ],
    )
    def test_another_spelling(self, token: str) -> None:
        """Padding, blanks, other alphabets: refused although the bytes are the same."""
        assert is_refused(token)

    @pytest.mark.parametrize("which", [0, 1], ids=["header", "payload"])
    def test_padding_signed(self, which: int) -> None:
        """A padded header or payload is refused even when we signed it so."""
        documents = [json.dumps(HEADER), json.dumps(CLAIMS)]
        while len(documents[which]) % 3 != 2:
            documents[which] += " "
        parts = [base64url(document.encode()) for document in documents]
        parts[which] += "="
        message = ".".join(parts)
        assert is_refused(f"{message}.{base64url(es256(KEY, message.encode()))}")


class TestShape:
    """Three parts, and not more than 4 KiB."""

    @pytest.mark.parametrize(
        "token",
        [
            pytest.param("", id="empty"),
            pytest.param(".", id="a dot"),
            pytest.param("..", id="three empty parts"),
            pytest.param("...", id="four empty parts"),
            pytest.param(TOKEN.partition(".")[0], id="one part"),
            pytest.param(SIGNED, id="two parts"),
            pytest.param(f"{SIGNED}.", id="no signature"),
            pytest.param(f"{TOKEN}.", id="four parts, one empty"),
            pytest.param(f"{TOKEN}.{SIGNATURE}", id="four parts"),
            pytest.param(f".{TOKEN}", id="an empty part in front"),
            pytest.param(f"{TOKEN}.{TOKEN}", id="twice"),
            pytest.param(TOKEN[: len(TOKEN) // 2], id="half"),
            pytest.param(TOKEN[:-1], id="a character short"),
            pytest.param(TOKEN[:-4], id="three bytes short"),
            pytest.param(TOKEN[1:], id="the first character gone"),
            pytest.param(f"{TOKEN}AAAA", id="three bytes more"),
            pytest.param("é" * 100, id="not ASCII"),
            pytest.param(TOKEN.replace(".", "．"), id="wide dots"),
            pytest.param("１" + TOKEN[1:], id="wide digit"),
            pytest.param("\ud800" + TOKEN, id="lone surrogate"),
            pytest.param("A" * 1_000_000, id="huge"),
            pytest.param("." * 1_000_000, id="a million dots"),
        ],
    )
    def test_another_shape(self, token: str) -> None:
        """Anything but three parts of base64url is refused."""
        assert is_refused(token)

    @pytest.mark.parametrize(("more", "good"), [(0, True), (1, False), (3, False)])
    def test_size(self, more: int, good: bool) -> None:
        """Even what we signed is refused beyond 4 KiB."""
        # Blanks behind the JSON are the one thing that may grow.
        payload = json.dumps(CLAIMS)
        while len(f"{unsigned(HEADER, payload)}.{SIGNATURE}") < MAXIMUM_BYTES + more:
            payload += " "
        token = forge(KEY, HEADER, payload)
        assert (len(token) <= MAXIMUM_BYTES) is good
        if good:
            TOKENS.read(token)
        else:
            assert is_refused(token)


def _hs(name: str, secret: bytes, header: dict[str, Any]) -> str:
    message = unsigned(header, CLAIMS)
    return f"{message}.{base64url(hmac.digest(secret, message.encode(), name))}"


def _public(encoding: Encoding, form: PublicFormat) -> bytes:
    return private_key(KEY).public_key().public_bytes(encoding, form)


PUBLIC_KEYS = {
    "PEM": _public(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
    "PEM stripped": _public(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).strip(),
    "DER": _public(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
    "point": _public(Encoding.X962, PublicFormat.UncompressedPoint),
    "JWK": json.dumps(KEY.public_jwk).encode(),
    "kid": KEY.kid.encode(),
    "nothing": b"",
}


class TestAlgorithm:
    """ES256 and nothing else."""

    @pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "nOnE", ""])
    @pytest.mark.parametrize("signature", ["", SIGNATURE], ids=["bare", "signed"])
    def test_none(self, algorithm: str, signature: str) -> None:
        """An unsigned token is refused, whatever stands where the signature goes."""
        header = {**HEADER, "alg": algorithm}
        assert is_refused(f"{unsigned(header, CLAIMS)}.{signature}")

    @pytest.mark.parametrize("secret", PUBLIC_KEYS.values(), ids=PUBLIC_KEYS)
    @pytest.mark.parametrize(
        ("algorithm", "name"),
        [("HS256", "sha256"), ("HS384", "sha384"), ("HS512", "sha512")],
    )
    @pytest.mark.parametrize("claimed", ["truthful", "as ES256"])
    def test_public_key_as_secret(
        self, claimed: str, algorithm: str, name: str, secret: bytes
    ) -> None:
        """What everybody knows of the key is no HMAC secret, in any form."""
        stated = algorithm if claimed == "truthful" else "ES256"
        assert is_refused(_hs(name, secret, {**HEADER, "alg": stated}))

    @pytest.mark.parametrize(
        "algorithm",
        ["ES", "256", "E", "es256", "ES256 ", "ES384", "ES256K", "RS256", "HS512"],
    )
    def test_other_name(self, algorithm: str) -> None:
        """With our own key's signature, too, no other name of the algorithm will do."""
        assert is_refused(forge(KEY, {**HEADER, "alg": algorithm}, CLAIMS))

    def test_der_signature(self) -> None:
        """A signature in DER, as X.509 has it, is refused."""
        der = private_key(KEY).sign(SIGNED.encode(), ec.ECDSA(SHA256()))
        assert is_refused(f"{SIGNED}.{base64url(der)}")

    @pytest.mark.parametrize("byte", [b"\x00", b"\x01", b"\xff"])
    def test_constant_signature(self, byte: bytes) -> None:
        """A signature of zeros (CVE-2022-21449) or ones is refused."""
        assert is_refused(f"{SIGNED}.{base64url(byte * 64)}")


class TestKey:
    """The key that the header names, and no other."""

    def test_unknown_key(self) -> None:
        """A stranger's signature is refused under the stranger's own id."""
        assert is_refused(forge(STRANGER, {**HEADER, "kid": STRANGER.kid}, CLAIMS))

    def test_strangers_key_under_our_id(self) -> None:
        """And under the id of our key."""
        assert is_refused(forge(STRANGER, HEADER, CLAIMS))

    def test_other_key_of_the_ring(self) -> None:
        """The signature of one key is not good under the id of another of ours."""
        assert is_refused(forge(LAST_KEY, HEADER, CLAIMS))

    @pytest.mark.parametrize(
        "kid", ["", "../../dev/null", KEY.kid[:-1], KEY.kid + "=", f" {KEY.kid}"]
    )
    def test_other_id(self, kid: str) -> None:
        """Our own signature is refused under an id that is not exactly the key's."""
        assert is_refused(forge(KEY, {**HEADER, "kid": kid}, CLAIMS))

    def test_no_keys(self) -> None:
        """With an empty ring nothing is good."""
        none = AccessTokens(ISSUER, AUDIENCE, CLOCK, lambda: KeyRing(()))
        assert is_refused(TOKEN, none)


class TestAnyMutation:
    """read() of a good token with anything changed."""

    @settings(max_examples=500)
    @given(
        st.integers(0, len(TOKEN)),
        st.integers(0, 3),
        st.text(st.characters() | st.sampled_from(ALPHABET), max_size=3),
    )
    def test_text(self, position: int, removed: int, inserted: str) -> None:
        """However its text is changed, the token is refused."""
        changed = TOKEN[:position] + inserted + TOKEN[position + removed :]
        assume(changed != TOKEN)
        assert is_refused(changed)

    @settings(max_examples=300)
    @given(st.integers(0, len(TOKEN) - 1), st.sampled_from(ALPHABET))
    def test_one_character(self, position: int, character: str) -> None:
        """Any character replaced by another of the alphabet is refused."""
        assume(TOKEN[position] not in (character, "."))
        assert is_refused(TOKEN[:position] + character + TOKEN[position + 1 :])

    @given(st.permutations([0, 1, 2]))
    def test_order(self, order: list[int]) -> None:
        """Its parts in another order are refused."""
        parts = TOKEN.split(".")
        assume(order != [0, 1, 2])
        assert is_refused(".".join(parts[index] for index in order))

    @given(st.text(max_size=200) | st.text("abc.-_=", max_size=200))
    def test_anything(self, text: str) -> None:
        """Any other text is refused, and nothing else is ever raised."""
        assert is_refused(text)

    @given(st.binary(max_size=100), st.binary(max_size=100))
    def test_any_bytes_well_signed(self, header: bytes, payload: bytes) -> None:
        """Whatever bytes stand where JSON should: refused, even when we signed them."""
        assert is_refused(forge(KEY, header, payload))
        assert is_refused(forge(KEY, HEADER, payload))
