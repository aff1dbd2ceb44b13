"""Tests of `app.core.challenge_tokens`."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.challenge_tokens import PREFIX, ChallengeTokens
from app.core.derived_keys import DerivedKeys
from app.core.encoding import decode, encode
from app.core.exceptions import ChallengeFailedError
from app.models import new_id

SECRET = "a-secret-key-that-only-the-tests-know-0123456789"
OTHER_SECRET = "the-secret-key-of-another-installation-012345678"

TOKENS = ChallengeTokens(DerivedKeys(SECRET))
LATER = ChallengeTokens(DerivedKeys(OTHER_SECRET, [SECRET]))
OTHERS = ChallengeTokens(DerivedKeys(OTHER_SECRET))
ID = UUID("01970000-0000-7000-8000-000000000007")
TOKEN = TOKENS.link_token("verify_email", ID)


class TestLink:
    """link_token() and read_link()."""

    @given(st.uuids(), st.sampled_from(["verify_email", "reset_password"]))
    def test_there_and_back(self, challenge_id: UUID, purpose: str) -> None:
        """A link names its challenge, to who asks for its purpose."""
        token = TOKENS.link_token(purpose, challenge_id)
        assert TOKENS.read_link(purpose, token) == challenge_id

    def test_says_the_same_again(self) -> None:
        """A mail that is sent again has the link that it had before."""
        assert TOKENS.link_token("verify_email", ID) == TOKEN

    def test_one_purpose(self) -> None:
        """A link for one thing opens nothing else."""
        with pytest.raises(ChallengeFailedError):
            TOKENS.read_link("reset_password", TOKEN)

    def test_another_secret(self) -> None:
        """Another installation's links open nothing."""
        with pytest.raises(ChallengeFailedError):
            OTHERS.read_link("verify_email", TOKEN)

    def test_previous_secret(self) -> None:
        """A link outlives a change of SECRET_KEY."""
        assert LATER.read_link("verify_email", TOKEN) == ID

    @pytest.mark.parametrize("position", range(48))
    def test_any_change(self, position: int) -> None:
        """No byte of it can be another one."""
        raw = bytearray(decode(TOKEN.removeprefix(PREFIX)))
        raw[position] ^= 1
        with pytest.raises(ChallengeFailedError):
            TOKENS.read_link("verify_email", PREFIX + encode(bytes(raw)))

    @pytest.mark.parametrize(
        "text",
        [
            "",
            PREFIX,
            TOKEN.removeprefix(PREFIX),
            TOKEN + "=",
            TOKEN + "A",
            TOKEN[:-1],
            TOKEN.replace(PREFIX, "cardea_rt_"),
            "\ud800",
        ],
        ids=[
            "empty",
            "prefix",
            "no prefix",
            "padded",
            "longer",
            "shorter",
            "of a refresh token",
            "half a character",
        ],
    )
    def test_other_spellings(self, text: str) -> None:
        """It has one spelling, and everything else is refused."""
        with pytest.raises(ChallengeFailedError):
            TOKENS.read_link("verify_email", text)


class TestCode:
    """code() and is_code()."""

    @given(st.uuids())
    def test_there_and_back(self, challenge_id: UUID) -> None:
        """A code has six digits and is right for its challenge."""
        code = TOKENS.code(challenge_id)
        assert len(code) == 6 and code.isdecimal() and code.isascii()
        assert TOKENS.is_code(challenge_id, code)

    def test_another_challenge(self) -> None:
        """Codes of different challenges have nothing to do with each other."""
        codes = {TOKENS.code(new_id()) for _ in range(200)}
        assert len(codes) > 190

    def test_wrong(self) -> None:
        """Any other number is wrong."""
        right = int(TOKENS.code(ID))
        others = (f"{(right + step) % 10**6:06}" for step in (1, 10, 999_999))
        assert not any(TOKENS.is_code(ID, other) for other in others)

    @pytest.mark.parametrize("text", ["", "0", " 123456", "1234567"])
    def test_no_code(self, text: str) -> None:
        """What is no code is wrong, and no more than that."""
        assert not TOKENS.is_code(ID, text)

    def test_secrets(self) -> None:
        """A code outlives a change of SECRET_KEY, and is another elsewhere."""
        assert LATER.is_code(ID, TOKENS.code(ID))
        assert not OTHERS.is_code(ID, TOKENS.code(ID))
