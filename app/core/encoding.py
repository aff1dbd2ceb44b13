"""Base64url without padding, in exactly one spelling (RFC 4648, section 5)."""

import base64
import binascii


def encode(raw: bytes) -> str:
    """Return the one text for these bytes."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def decode(text: str) -> bytes:
    """Return the bytes of a text that is spelt as `encode` would spell it.

    Raises:
        ValueError: If it is not base64url, or another spelling of the same bytes.
    """
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True)
    except binascii.Error as error:
        raise ValueError("not base64url") from error
    if encode(raw) != text:
        raise ValueError("not in its canonical spelling")
    return raw
