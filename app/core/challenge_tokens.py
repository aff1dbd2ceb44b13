"""The link and the code of a challenge: what a mail asks its reader to show.

Neither is stored. Both follow from the challenge's id and SECRET_KEY, so that a leaked
database opens nothing, and a mail that is sent again says what it said before.

A link carries `cardea_link_` + base64url(challenge id, 16 bytes; HMAC-SHA256 over it
and the purpose, 32 bytes), so that it opens nothing but what it was sent for. A code
has six digits.
"""

from dataclasses import dataclass
from hmac import compare_digest
from uuid import UUID

from app.core.derived_keys import MAC_BYTES, DerivedKeys
from app.core.encoding import decode, encode
from app.core.exceptions import ChallengeFailedError

PREFIX = "cardea_link_"
CODE_DIGITS = 6

_LINK, _CODE = "challenge-link", "challenge-code"
_ID_BYTES = 16


@dataclass(frozen=True)
class Proof:
    """What somebody shows to pass a challenge: a link's token, or a code.

    A code counts only together with the id that the answer to its own request gave, so
    that nobody can try codes on a mail that somebody else has asked for.
    """

    token: str | None = None
    challenge_id: UUID | None = None
    code: str | None = None


class ChallengeTokens:
    """Writes and reads the links and codes of challenges."""

    def __init__(self, keys: DerivedKeys) -> None:
        self._keys = keys

    def link_token(self, purpose: str, challenge_id: UUID) -> str:
        """Return what the link of this challenge carries."""
        name = challenge_id.bytes
        return PREFIX + encode(name + self._keys.mac(_LINK, _bound(name, purpose)))

    def code(self, challenge_id: UUID) -> str:
        """Return the code of this challenge."""
        return _digits(self._keys.mac(_CODE, challenge_id.bytes))

    def read_link(self, purpose: str, token: str) -> UUID:
        """Return the challenge whose link this is.

        Raises:
            ChallengeFailedError: If we have not written exactly this for this purpose.
        """
        try:
            raw = decode(token.removeprefix(PREFIX))
        except ValueError as error:
            raise ChallengeFailedError from error
        name, mac = raw[:_ID_BYTES], raw[_ID_BYTES:]
        if not token.startswith(PREFIX) or len(mac) != MAC_BYTES:
            raise ChallengeFailedError
        if not self._keys.mac_matches(_LINK, _bound(name, purpose), mac):
            raise ChallengeFailedError
        return UUID(bytes=name)

    def is_code(self, challenge_id: UUID, given: str) -> bool:
        """Tell whether this is the code, under the current or a previous secret."""
        return any(
            compare_digest(_digits(mac), given)
            for mac in self._keys.macs(_CODE, challenge_id.bytes)
        )


def _bound(name: bytes, purpose: str) -> bytes:
    return name + purpose.encode()


def _digits(mac: bytes) -> str:
    # 2^64 is so much more than 10^6 that no code is likelier than another.
    return f"{int.from_bytes(mac[:8], 'big') % 10**CODE_DIGITS:0{CODE_DIGITS}}"
