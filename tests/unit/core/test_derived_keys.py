"""Tests of `app.core.derived_keys`."""

from uuid import UUID

import pytest

from app.core.derived_keys import MAC_BYTES, DerivedKeys, WrongSecretKeyError
from app.core.refresh_tokens import RefreshClaim, RefreshTokens

OLD = "an-old-secret-key-that-is-long-enough-0123456789"
NEW = "a-new-secret-key-that-is-long-enough-01234567890"


class TestMac:
    """mac() and mac_matches()."""

    def test_matches_itself(self) -> None:
        """What a secret made, the same secret recognizes."""
        mac = DerivedKeys(NEW).mac("refresh-token", b"message")
        assert len(mac) == MAC_BYTES
        assert DerivedKeys(NEW).mac_matches("refresh-token", b"message", mac)

    @pytest.mark.parametrize(
        ("secret", "purpose", "message"),
        [
            pytest.param(OLD, "refresh-token", b"message", id="other secret"),
            pytest.param(NEW, "device-token", b"message", id="other purpose"),
            pytest.param(NEW, "refresh-token", b"massage", id="other message"),
        ],
    )
    def test_means_nothing_elsewhere(
        self, secret: str, purpose: str, message: bytes
    ) -> None:
        """Another secret, purpose or message makes another MAC."""
        mac = DerivedKeys(NEW).mac("refresh-token", b"message")
        assert not DerivedKeys(secret).mac_matches(purpose, message, mac)

    @pytest.mark.parametrize("length", [0, 31, 33])
    def test_other_length(self, length: int) -> None:
        """A MAC that is cut or has more behind it does not match."""
        keys = DerivedKeys(NEW)
        mac = (keys.mac("refresh-token", b"message") + b"\x00")[:length]
        assert not keys.mac_matches("refresh-token", b"message", mac)

    def test_previous_secret_matches(self) -> None:
        """What an older secret made is still known, after any number of changes."""
        mac = DerivedKeys(OLD).mac("refresh-token", b"message")
        changed = DerivedKeys(NEW, ["one-between" * 4, OLD])
        assert changed.mac_matches("refresh-token", b"message", mac)

    def test_current_secret_makes(self) -> None:
        """New MACs come from the current secret, never from an older one."""
        changed = DerivedKeys(NEW, [OLD])
        expected = DerivedKeys(NEW).mac("refresh-token", b"message")
        assert changed.mac("refresh-token", b"message") == expected

    def test_known_answer(self) -> None:
        """The derivation never changes between versions, or everybody is signed out."""
        mac = DerivedKeys(NEW).mac("refresh-token", b"message")
        assert mac.hex() == (
            "2e0d3d37fc406350a464e358b237c2a2" "57c03fe48758feb4af19235bd80b70c7"
        )


class TestSeal:
    """seal(), open() and seal_again()."""

    def test_round_trip(self) -> None:
        """What was sealed can be opened, and does not show what is inside."""
        sealed = DerivedKeys(NEW).seal(b"a private key")
        assert b"private" not in sealed
        assert DerivedKeys(NEW).open(sealed) == b"a private key"

    def test_opened_by_a_previous_secret(self) -> None:
        """What an older secret sealed still opens."""
        sealed = DerivedKeys(OLD).seal(b"a private key")
        assert DerivedKeys(NEW, [OLD]).open(sealed) == b"a private key"

    def test_unknown_secret(self) -> None:
        """Under another secret it does not open."""
        sealed = DerivedKeys(OLD).seal(b"a private key")
        with pytest.raises(WrongSecretKeyError):
            DerivedKeys(NEW).open(sealed)

    def test_changed(self) -> None:
        """What was changed in the database does not open."""
        sealed = bytearray(DerivedKeys(NEW).seal(b"a private key"))
        sealed[20] ^= 1
        with pytest.raises(WrongSecretKeyError):
            DerivedKeys(NEW).open(bytes(sealed))

    def test_sealed_again(self) -> None:
        """Sealed again, it opens under the current secret alone."""
        sealed = DerivedKeys(OLD).seal(b"a private key")
        again = DerivedKeys(NEW, [OLD]).seal_again(sealed)
        assert DerivedKeys(NEW).open(again) == b"a private key"
        with pytest.raises(WrongSecretKeyError):
            DerivedKeys(OLD).open(again)

    def test_sealed_again_under_an_unknown_secret(self) -> None:
        """What none of the secrets sealed can't be sealed again."""
        sealed = DerivedKeys(OLD).seal(b"a private key")
        with pytest.raises(WrongSecretKeyError):
            DerivedKeys(NEW).seal_again(sealed)


class TestOfOldVersions:
    """What earlier versions of the service signed and sealed."""

    SECRET = "a-secret-key-that-only-the-tests-know-0123456789"

    def test_refresh_token(self) -> None:
        """An upgrade signs nobody out: tokens and their keys stay what they are."""
        token = (
            "cardea_rt_AAAAAAAAAAAAAAAAAAAAAQAAAAAAB5UbSSFWw4gZERhcCVUHtptFjVggEVl3"
            "2h2JrFr1g7Rr"
        )
        claim = RefreshClaim(UUID(int=1), 7)
        assert RefreshTokens(DerivedKeys(self.SECRET)).read(token) == claim

    def test_seal(self) -> None:
        """An upgrade opens the signing keys of the version before it."""
        sealed = (
            b"gAAAAABrA809UQxzP2XlIHq2kKcmykyXFREB0eMhVbCYQLHMibWQyYvt6etA4mjxoivu"
            b"cY7IoJ1hPc5cxz0bubQRxDQVTaXBdg=="
        )
        assert DerivedKeys(self.SECRET).open(sealed) == b"sealed long ago"
