"""The link and the code of a challenge: what a mail asks its reader to show.

Neither is stored. Both follow from the challenge's seed and SECRET_KEY, so that neither
a leaked database nor a leaked secret opens anything alone, and a mail that is sent
again says what it said before.

A link carries `cardea_link_` + base64url(seed, 16 bytes; HMAC-SHA256 over it and the
purpose, 32 bytes), so that it opens nothing but what it was sent for. A code has six
digits.
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
_SEED_BYTES = 16


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

    def link_token(self, purpose: str, seed: UUID) -> str:
        """Return what the link of the challenge with this seed carries."""
        mac = self._keys.mac(_LINK, _bound(seed.bytes, purpose))
        return PREFIX + encode(seed.bytes + mac)

    def code(self, seed: UUID) -> str:
        """Return the code of the challenge with this seed."""
        return _digits(self._keys.mac(_CODE, seed.bytes))

    def read_link(self, purpose: str, token: str) -> UUID:
        """Return the seed of the challenge whose link this is.

        Raises:
            ChallengeFailedError: If we have not written exactly this for this purpose.
        """
        try:
            raw = decode(token.removeprefix(PREFIX))
        except ValueError as error:
            raise ChallengeFailedError from error
        seed, mac = raw[:_SEED_BYTES], raw[_SEED_BYTES:]
        if not token.startswith(PREFIX) or len(mac) != MAC_BYTES:
            raise ChallengeFailedError
        if not self._keys.mac_matches(_LINK, _bound(seed, purpose), mac):
            raise ChallengeFailedError
        return UUID(bytes=seed)

    def is_code(self, seed: UUID, given: str) -> bool:
        """Tell whether this is the code, under the current or a previous secret."""
        return any(
            compare_digest(_digits(mac), given)
            for mac in self._keys.macs(_CODE, seed.bytes)
        )


def _bound(seed: bytes, purpose: str) -> bytes:
    return seed + purpose.encode()


def _digits(mac: bytes) -> str:
    # 2^64 is so much more than 10^6 that no code is likelier than another.
    return f"{int.from_bytes(mac[:8], 'big') % 10**CODE_DIGITS:0{CODE_DIGITS}}"
