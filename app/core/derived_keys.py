"""Keys derived from SECRET_KEY: what signs refresh tokens and seals private keys."""

import base64
import hashlib
import hmac
from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

MAC_BYTES = 32


class WrongSecretKeyError(Exception):
    """What is to be opened was sealed under a secret that is not among ours."""


class DerivedKeys:
    """Signs and seals under the current secret; accepts the previous ones too.

    Each purpose has a key of its own (HKDF-SHA256, RFC 5869), so that what is signed
    for one means nothing to another.
    """

    def __init__(self, secret_key: str, previous: Sequence[str] = ()) -> None:
        self._secrets = [secret.encode() for secret in (secret_key, *previous)]
        self._mac_keys: dict[str, list[bytes]] = {}
        self._box = MultiFernet(
            Fernet(base64.urlsafe_b64encode(_derive(secret, "seal")))
            for secret in self._secrets
        )

    def mac(self, purpose: str, message: bytes) -> bytes:
        """Return the HMAC-SHA256 of a message, 32 bytes, under the current secret."""
        return _mac(self._keys_for(purpose)[0], message)

    def mac_matches(self, purpose: str, message: bytes, mac: bytes) -> bool:
        """Tell whether the current or a previous secret made this MAC."""
        return any(hmac.compare_digest(one, mac) for one in self.macs(purpose, message))

    def macs(self, purpose: str, message: bytes) -> list[bytes]:
        """Return the MACs that the current and each previous secret make."""
        return [_mac(key, message) for key in self._keys_for(purpose)]

    def seal(self, plain: bytes) -> bytes:
        """Encrypt and authenticate, to be kept in the database."""
        return self._box.encrypt(plain)

    def open(self, sealed: bytes) -> bytes:
        """Return what was sealed.

        Raises:
            WrongSecretKeyError: If it was sealed under none of our secrets.
        """
        try:
            return self._box.decrypt(sealed)
        except InvalidToken as error:
            raise WrongSecretKeyError from error

    def seal_again(self, sealed: bytes) -> bytes:
        """Seal under the current secret what any of ours sealed.

        Raises:
            WrongSecretKeyError: If it was sealed under none of our secrets.
        """
        return self.seal(self.open(sealed))

    def _keys_for(self, purpose: str) -> list[bytes]:
        if purpose not in self._mac_keys:
            self._mac_keys[purpose] = [_derive(key, purpose) for key in self._secrets]
        return self._mac_keys[purpose]


def _derive(secret: bytes, purpose: str) -> bytes:
    info = f"cardea/v1/{purpose}".encode()
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(secret)


def _mac(key: bytes, message: bytes) -> bytes:
    return hmac.new(key, message, hashlib.sha256).digest()
