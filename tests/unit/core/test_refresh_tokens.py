"""Tests of `app.core.refresh_tokens`."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from app.core.derived_keys import DerivedKeys
from app.core.device_tokens import DeviceTokens
from app.core.encoding import decode, encode
from app.core.exceptions import InvalidRefreshTokenError
from app.core.refresh_tokens import PREFIX, RefreshClaim, RefreshTokens

SECRET = "a-secret-key-that-only-the-tests-know-0123456789"
OTHER_SECRET = "the-secret-key-of-another-installation-012345678"
SESSION = UUID("01981f3a-7c00-7000-8000-0123456789ab")
LAST_GENERATION = 2**48 - 1

TOKENS = RefreshTokens(DerivedKeys(SECRET))
TOKEN = TOKENS.issue(SESSION, 7)


def refused(token: str) -> bool:
    """Tell whether the one error comes back."""
    with pytest.raises(InvalidRefreshTokenError):
        TOKENS.read(token)
    return True


class TestIssue:
    """RefreshTokens.issue()."""

    def test_shape(self) -> None:
        """A token is the prefix and 72 characters without spare bits."""
        assert TOKEN.startswith("cardea_rt_")
        assert len(TOKEN) == len(PREFIX) + 72

    def test_same_every_time(self) -> None:
        """A session's generation has exactly one token, in every process."""
        assert RefreshTokens(DerivedKeys(SECRET)).issue(SESSION, 7) == TOKEN

    def test_known_answer(self) -> None:
        """The format never changes between versions, or everybody is signed out."""
        assert TOKEN == (
            "cardea_rt_AZgfOnwAcACAAAEjRWeJqwAAAAAAB1T"
            "Y30lFgX-SsQKpqMLj68Ru32lUhElEh4OT3d-Y7qGf"
        )


class TestRead:
    """RefreshTokens.read()."""

    @given(st.uuids(), st.integers(0, LAST_GENERATION))
    def test_round_trip(self, session_id: UUID, generation: int) -> None:
        """What was issued reads as it was issued."""
        claim = RefreshClaim(session_id, generation)
        assert TOKENS.read(TOKENS.issue(session_id, generation)) == claim

    def test_previous_secret(self) -> None:
        """A token from before a change of SECRET_KEY is still good."""
        changed = RefreshTokens(DerivedKeys(OTHER_SECRET, [SECRET]))
        assert changed.read(TOKEN) == RefreshClaim(SESSION, 7)

    def test_of_another_installation(self) -> None:
        """A token made under another secret is refused."""
        assert refused(RefreshTokens(DerivedKeys(OTHER_SECRET)).issue(SESSION, 7))

    @pytest.mark.parametrize(
        "message",
        [
            pytest.param(SESSION.bytes + (8).to_bytes(6, "big"), id="next generation"),
            pytest.param(
                UUID(int=1).bytes + (7).to_bytes(6, "big"), id="other session"
            ),
        ],
    )
    def test_mac_of_another(self, message: bytes) -> None:
        """The MAC of one token proves no other session or generation."""
        mac = decode(TOKEN.removeprefix(PREFIX))[-32:]
        assert refused(PREFIX + encode(message + mac))

    @pytest.mark.parametrize(
        "token",
        [
            pytest.param("", id="empty"),
            pytest.param(PREFIX, id="prefix alone"),
            pytest.param(TOKEN.removeprefix(PREFIX), id="no prefix"),
            pytest.param(PREFIX + TOKEN, id="prefix twice"),
            pytest.param(TOKEN.upper(), id="upper case"),
            pytest.param(TOKEN.replace("_rt_", "_dev_"), id="another prefix"),
            pytest.param(TOKEN + "=", id="padded"),
            pytest.param(TOKEN + "AAAA", id="longer"),
            pytest.param(TOKEN[:-4], id="shorter"),
            pytest.param(f" {TOKEN}", id="blank in front"),
            pytest.param(f"{TOKEN}\n", id="line break behind"),
            pytest.param(PREFIX + "\ud800" * 72, id="lone surrogates"),
            pytest.param(PREFIX + "é" * 72, id="not ASCII"),
            pytest.param(PREFIX + "A" * 72, id="zeros"),
            pytest.param(PREFIX + "A" * 100_000, id="huge"),
            pytest.param(PREFIX + encode(bytes(32)), id="a MAC alone"),
        ],
    )
    def test_not_ours(self, token: str) -> None:
        """Whatever we did not write is one and the same error."""
        assert refused(token)

    @pytest.mark.parametrize("generation_bytes", [0, 5, 7])
    def test_other_length_with_a_good_mac(self, generation_bytes: int) -> None:
        """A good MAC over fields of other sizes is refused."""
        message = SESSION.bytes + bytes(generation_bytes)
        mac = DerivedKeys(SECRET).mac("refresh-token", message)
        assert refused(PREFIX + encode(message + mac))

    def test_no_prefix_with_a_good_mac(self) -> None:
        """The prefix belongs to the token, for scanners that look for leaked ones."""
        assert refused(TOKEN.removeprefix(PREFIX))

    def test_device_token(self) -> None:
        """A device token under our prefix opens no session."""
        device = DeviceTokens(DerivedKeys(SECRET)).issue(
            "ada@example.com", datetime.now(UTC)
        )
        assert refused(PREFIX + device.removeprefix("cardea_dev_"))

    @settings(max_examples=300)
    @given(st.integers(0, len(TOKEN) - 1), st.characters(codec="utf-8"))
    def test_any_other_character(self, position: int, character: str) -> None:
        """A token with any one character changed is refused."""
        assume(TOKEN[position] != character)
        assert refused(TOKEN[:position] + character + TOKEN[position + 1 :])
