"""Tests of `app.core.device_tokens`."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from app.core.derived_keys import DerivedKeys
from app.core.device_tokens import PREFIX, DeviceTokens
from app.core.encoding import decode, encode

SECRET = "a-secret-key-that-only-the-tests-know-0123456789"
OTHER_SECRET = "the-secret-key-of-another-installation-012345678"
ADA = "ada@example.com"
BOB = "bob@example.com"
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)

TOKENS = DeviceTokens(DerivedKeys(SECRET))
TOKEN = TOKENS.issue(ADA, NOW)


class TestIssue:
    """DeviceTokens.issue()."""

    def test_new_every_time(self) -> None:
        """Two devices of one account are told apart."""
        assert TOKENS.issue(ADA, NOW) != TOKENS.issue(ADA, NOW)

    def test_does_not_show_the_account(self) -> None:
        """Prefix and 48 bytes, nothing of the e-mail address among them."""
        raw = decode(TOKEN.removeprefix("cardea_dev_"))
        assert len(raw) == 48
        assert b"ada" not in raw


class TestRead:
    """DeviceTokens.read()."""

    @given(st.emails())
    def test_own_account(self, account: str) -> None:
        """A device has the same name at every visit, and another one a name apart."""
        token, other = TOKENS.issue(account, NOW), TOKENS.issue(account, NOW)
        assert TOKENS.read(token, account)
        assert TOKENS.read(token, account) == TOKENS.read(token, account)
        assert TOKENS.read(token, account) != TOKENS.read(other, account)

    @pytest.mark.parametrize(
        ("later", "counts"),
        [(None, True), (-1000, True), (0, True), (999, True), (1000, False)],
    )
    def test_since(self, later: int | None, counts: bool) -> None:
        """It says when it was issued, to the millisecond."""
        device = TOKENS.read(TOKEN, ADA)
        assert device is not None
        since = None if later is None else NOW + timedelta(microseconds=later)
        assert device.is_since(since) is counts

    def test_another_account(self) -> None:
        """A token for one account gives no lane at another."""
        assert TOKENS.read(TOKEN, ADA) is not None
        assert TOKENS.read(TOKEN, BOB) is None

    def test_previous_secret(self) -> None:
        """A change of SECRET_KEY forgets no device."""
        changed = DeviceTokens(DerivedKeys(OTHER_SECRET, [SECRET]))
        assert changed.read(TOKEN, ADA) == TOKENS.read(TOKEN, ADA)

    def test_of_another_installation(self) -> None:
        """A token made under another secret is nothing."""
        assert DeviceTokens(DerivedKeys(OTHER_SECRET)).read(TOKEN, ADA) is None

    @pytest.mark.parametrize(
        "token",
        [
            pytest.param(None, id="none"),
            pytest.param("", id="empty"),
            pytest.param(PREFIX, id="prefix alone"),
            pytest.param(TOKEN.removeprefix(PREFIX), id="no prefix"),
            pytest.param(TOKEN.replace("_dev_", "_rt_"), id="another prefix"),
            pytest.param(TOKEN + "=", id="padded"),
            pytest.param(TOKEN + "AAAA", id="longer"),
            pytest.param(TOKEN[:-4], id="shorter"),
            pytest.param(PREFIX + "\ud800" * 64, id="lone surrogates"),
            pytest.param(PREFIX + "é" * 64, id="not ASCII"),
            pytest.param(PREFIX + "A" * 64, id="zeros"),
            pytest.param(PREFIX + "A" * 100_000, id="huge"),
        ],
    )
    def test_not_ours(self, token: str | None) -> None:
        """Whatever we did not write is no device, and no error."""
        assert TOKENS.read(token, ADA) is None

    def test_nonce_borrowed_from_the_account(self) -> None:
        """Nonce and account can't trade characters under the same MAC."""
        mac = DerivedKeys(SECRET).mac("device-token", b"0123456789abcdef" + b"x@e.com")
        shorter = PREFIX + encode(b"0123456789abcde" + mac)
        assert TOKENS.read(shorter, "fx@e.com") is None

    @given(st.integers(0, len(TOKEN) - 1), st.characters(codec="utf-8"))
    def test_any_other_character(self, position: int, character: str) -> None:
        """A token with any one character changed is no device."""
        assume(TOKEN[position] != character)
        changed = TOKEN[:position] + character + TOKEN[position + 1 :]
        assert TOKENS.read(changed, ADA) is None
