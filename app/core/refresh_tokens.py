"""Refresh tokens: a session, its generation and a MAC, so that nothing is stored.

`cardea_rt_` + base64url(session id, 16 bytes; generation, 6 bytes; HMAC-SHA256 over
both, 32 bytes): 54 bytes, so that the text has no spare bits and only one spelling.
"""

from dataclasses import dataclass
from uuid import UUID

from app.core.derived_keys import MAC_BYTES, DerivedKeys
from app.core.encoding import decode, encode
from app.core.exceptions import InvalidRefreshTokenError

PREFIX = "cardea_rt_"
_GENERATION_BYTES = 6
_LENGTH = 16 + _GENERATION_BYTES + MAC_BYTES
_PURPOSE = "refresh-token"


@dataclass(frozen=True)
class RefreshClaim:
    """What a genuine refresh token says."""

    session_id: UUID
    generation: int


class RefreshTokens:
    """Writes and reads refresh tokens."""

    def __init__(self, keys: DerivedKeys) -> None:
        self._keys = keys

    def issue(self, session_id: UUID, generation: int) -> str:
        """Return the one token of this session and generation."""
        message = session_id.bytes + generation.to_bytes(_GENERATION_BYTES, "big")
        return PREFIX + encode(message + self._keys.mac(_PURPOSE, message))

    def read(self, token: str) -> RefreshClaim:
        """Return what the token says, once it is known to be ours.

        Raises:
            InvalidRefreshTokenError: If we did not issue exactly this text.
        """
        try:
            raw = decode(token.removeprefix(PREFIX))
        except ValueError as error:
            raise InvalidRefreshTokenError from error
        message, mac = raw[:-MAC_BYTES], raw[-MAC_BYTES:]
        if not token.startswith(PREFIX) or len(raw) != _LENGTH:
            raise InvalidRefreshTokenError
        if not self._keys.mac_matches(_PURPOSE, message, mac):
            raise InvalidRefreshTokenError
        return RefreshClaim(
            UUID(bytes=message[:16]), int.from_bytes(message[16:], "big")
        )
