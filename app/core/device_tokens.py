"""Device tokens: the proof of having signed in to an account before.

Whoever shows one has a lane of its own in the sign-in limits, so that strangers who
guess at an account cannot lock its owner out. It opens nothing: the password is still
needed. `cardea_dev_` + base64url(nonce, 16 bytes; HMAC with the account, 32 bytes).
"""

import secrets

from app.core.derived_keys import MAC_BYTES, DerivedKeys
from app.core.encoding import decode, encode

PREFIX = "cardea_dev_"
_NONCE_BYTES = 16
_PURPOSE = "device-token"


class DeviceTokens:
    """Writes and reads device tokens."""

    def __init__(self, keys: DerivedKeys) -> None:
        self._keys = keys

    def issue(self, account: str) -> str:
        """Return a new token for this account, named by its e-mail key."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return PREFIX + encode(nonce + self._keys.mac(_PURPOSE, _bound(nonce, account)))

    def device_of(self, token: str | None, account: str) -> str | None:
        """Return the device's name if the token is ours and for this account."""
        if not token or not token.startswith(PREFIX):
            return None
        try:
            raw = decode(token.removeprefix(PREFIX))
        except ValueError:
            return None
        nonce, mac = raw[:_NONCE_BYTES], raw[_NONCE_BYTES:]
        if len(mac) != MAC_BYTES:
            return None
        if not self._keys.mac_matches(_PURPOSE, _bound(nonce, account), mac):
            return None
        return encode(nonce)


def _bound(nonce: bytes, account: str) -> bytes:
    return nonce + account.encode()
