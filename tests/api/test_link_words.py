"""What people are told when a link does not work."""

import pytest

from app.api.link_words import Words, words_of
from app.core.exceptions import (
    AppError,
    ChallengeCancelledError,
    ChallengeExpiredError,
    ChallengeFailedError,
    ChallengeUsedError,
    InternalError,
    PasswordRefusedError,
    RoleInUseError,
    all_errors,
)
from app.models import Purpose

WRONG_LINKS = (
    ChallengeFailedError,
    ChallengeUsedError,
    ChallengeCancelledError,
    ChallengeExpiredError,
)
FOR_DEVELOPERS = ("`", "challenge", "code", "status", "Retry-After", "API")


def words_by_code() -> dict[str, Words]:
    """Return the words of every error that has its own."""
    unexpected = words_of(RoleInUseError(), None)
    # What they are made with plays no part.
    errors = [kind.__new__(kind) for kind in all_errors()]
    found = {error.code: words_of(error, None) for error in errors}
    return {code: words for code, words in found.items() if words != unexpected}


class TestWords:
    """words_of()."""

    def test_unexpected(self) -> None:
        """What no link should come to is a fault of ours."""
        words = words_of(RoleInUseError(), Purpose.SIGN_IN)
        assert words == words_of(InternalError(), None)
        assert words.title == "Something went wrong on our side"

    @pytest.mark.parametrize("purpose", Purpose)
    @pytest.mark.parametrize("kind", WRONG_LINKS)
    def test_way_on(self, kind: type[AppError], purpose: Purpose) -> None:
        """Whatever is wrong with a link, its reader is told how to go on."""
        words = words_of(kind(), purpose)
        assert words.remedy or words.again
        if words.remedy.endswith(":"):
            assert words.again

    @pytest.mark.parametrize("kind", [ChallengeUsedError, ChallengeExpiredError])
    def test_by_purpose(self, kind: type[AppError]) -> None:
        """Each purpose has a way of its own."""
        words = [words_of(kind(), purpose) for purpose in Purpose]
        assert len({one.remedy + one.again for one in words}) == len(Purpose)

    @pytest.mark.parametrize(
        ("purpose", "told"),
        [
            (Purpose.RESET_PASSWORD, "you have forgotten your password"),
            (Purpose.ACCEPT_INVITE, "whoever has invited you"),
            (Purpose.UNDO_EMAIL_CHANGE, "those who run the service"),
        ],
    )
    def test_expired(self, purpose: Purpose, told: str) -> None:
        """An old link is answered with who can help now."""
        assert told in words_of(ChallengeExpiredError(), purpose).again

    def test_every_refused_password(self) -> None:
        """Each rule of passwords has its own words."""
        codes = [one.code for one in PasswordRefusedError.__subclasses__()]
        assert codes and set(codes) <= words_by_code().keys()

    def test_for_people(self) -> None:
        """No word is one for developers, and headings have no full stop."""
        for code, words in words_by_code().items():
            said = " ".join(vars(words).values())
            assert not [one for one in FOR_DEVELOPERS if one in said], code
            is_sentence = words.title.endswith(".")
            assert is_sentence == code.startswith("password_"), code
