"""Device tokens: the proof of having signed in to an account before.

Whoever shows one has a lane of its own in the sign-in limits, so that strangers who
guess at an account cannot lock its owner out. It opens nothing: the password is still
needed. `cardea_dev_` + base64url(time of issue in milliseconds, 6 bytes; nonce, 10
bytes; HMAC with the account, 32 bytes).
"""

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from app.core.derived_keys import MAC_BYTES, DerivedKeys
from app.core.encoding import decode, encode

PREFIX = "cardea_dev_"
_TIME_BYTES, _NONCE_BYTES = 6, 10
_NAME_BYTES = _TIME_BYTES + _NONCE_BYTES
_PURPOSE = "device-token"
_EPOCH, _UNIT = datetime(1970, 1, 1, tzinfo=UTC), timedelta(milliseconds=1)


@dataclass(frozen=True)
class Device:
    """A device that has signed in to an account.

    Attributes:
        name: What tells it from others of the account.
        issued: When its token was issued, in milliseconds.
    """

    name: str
    issued: int

    def is_since(self, moment: datetime | None) -> bool:
        """Tell whether it has not signed in before this moment alone."""
        return moment is None or self.issued >= _milliseconds(moment)


class DeviceTokens:
    """Writes and reads device tokens."""

    def __init__(self, keys: DerivedKeys) -> None:
        self._keys = keys

    def issue(self, account: str, now: datetime) -> str:
        """Return a new token for this account, named by its e-mail key."""
        at = _milliseconds(now).to_bytes(_TIME_BYTES, "big")
        name = at + secrets.token_bytes(_NONCE_BYTES)
        return PREFIX + encode(name + self._keys.mac(_PURPOSE, _bound(name, account)))

    def read(self, token: str | None, account: str) -> Device | None:
        """Return the device if the token is ours and for this account."""
        if not token or not token.startswith(PREFIX):
            return None
        try:
            raw = decode(token.removeprefix(PREFIX))
        except ValueError:
            return None
        name, mac = raw[:_NAME_BYTES], raw[_NAME_BYTES:]
        if len(mac) != MAC_BYTES:
            return None
        if not self._keys.mac_matches(_PURPOSE, _bound(name, account), mac):
            return None
        return Device(encode(name), int.from_bytes(name[:_TIME_BYTES], "big"))


def _bound(name: bytes, account: str) -> bytes:
    return name + account.encode()


def _milliseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // _UNIT
