"""Tokens made by hand, without the library that the app signs with."""

import base64
import json
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.hashes import SHA256

from app.core.keys import SigningKey


def base64url(raw: bytes) -> str:
    """Return base64url without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def from_base64url(text: str) -> bytes:
    """Return the bytes of base64url without padding."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def private_key(key: SigningKey) -> ec.EllipticCurvePrivateKey:
    """Return the key to sign with."""
    loaded = serialization.load_pem_private_key(key.private_pem, None)
    assert isinstance(loaded, ec.EllipticCurvePrivateKey)
    return loaded


def es256(key: SigningKey, message: bytes) -> bytes:
    """Return an ES256 signature (RFC 7518, section 3.4)."""
    der = private_key(key).sign(message, ec.ECDSA(SHA256()))
    return b"".join(n.to_bytes(32, "big") for n in utils.decode_dss_signature(der))


def is_signed(token: str, key: SigningKey) -> bool:
    """Tell whether the key made the token's signature; raises if it did not."""
    message, _, signature = token.rpartition(".")
    raw = from_base64url(signature)
    r, s = int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big")
    der = utils.encode_dss_signature(r, s)
    private_key(key).public_key().verify(der, message.encode(), ec.ECDSA(SHA256()))
    return True


def unsigned(header: Any, payload: Any) -> str:
    """Return the first two parts; bytes and text stay, all else becomes JSON."""
    return f"{base64url(_document(header))}.{base64url(_document(payload))}"


def forge(key: SigningKey, header: Any, payload: Any) -> str:
    """Return a token whose signature is good, whatever it says."""
    message = unsigned(header, payload)
    return f"{message}.{base64url(es256(key, message.encode()))}"


def _document(content: Any) -> bytes:
    if isinstance(content, bytes):
        return content
    if isinstance(content, str):
        return content.encode()
    return json.dumps(content).encode()
