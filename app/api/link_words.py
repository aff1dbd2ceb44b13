"""What went wrong with a link, in words for people.

Titles and remedies of errors are for programs and who writes them; whoever has followed
a link knows neither `challenge_id` nor `Retry-After`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from app.core.exceptions import (
    AppError,
    ChallengeEndedError,
    ChallengeFailedError,
    ChallengeUsedError,
)
from app.core.translations import N_
from app.models import Purpose


@dataclass(frozen=True)
class Words:
    """What a page says about an error; each is translated by the template.

    Attributes:
        title: A heading, or a sentence beside the field that it is about.
        remedy: What its reader can do.
        reason: Why it is so, where that is no matter of course.
        again: How to get another link, where that may help.
    """

    title: str
    remedy: str = ""
    reason: str = ""
    again: str = ""


def words_of(error: AppError, purpose: Purpose | None) -> Words:
    """Return what to tell people about an error.

    Args:
        error: What went wrong.
        purpose: What their link is for; None if it leads nowhere.
    """
    words = _WORDS.get(error.code, _WORDS["internal_error"])
    if purpose is None:
        return words
    if isinstance(error, ChallengeUsedError):
        return replace(words, remedy=_DONE[purpose])
    if isinstance(error, ChallengeFailedError | ChallengeEndedError):
        return replace(words, again=_AGAIN[purpose])
    return words


_UNREADABLE = Words(
    N_("This could not be read"),
    N_(
        "Open the link in the mail again, and enter what its page asks for. In a "
        "password, use characters that can be typed."
    ),
    N_("Nothing has been changed."),
)

_WORDS: Mapping[str, Words] = {
    "challenge_failed": Words(
        N_("This link does not work"),
        N_(
            "Perhaps a part of it is missing: copy it from the mail as a whole, and "
            "paste it into the address bar. If that does not help:"
        ),
    ),
    "challenge_used": Words(
        N_("This link has been used already"),
        reason=N_("Each link works once."),
    ),
    "challenge_cancelled": Words(
        N_("This link is no longer valid"),
        N_("If there is a newer mail, use that one. If there is none:"),
        N_(
            "A newer mail has taken its place, or your password or address has changed "
            "since it was sent."
        ),
    ),
    "challenge_expired": Words(
        N_("This link has expired"),
        reason=N_("Links work for a limited time, so that old mail opens nothing."),
    ),
    "email_taken": Words(
        N_("Another account has this address"),
        N_(
            "If that account is yours too, sign in to it. If not, ask those who run "
            "the service."
        ),
        N_("Nothing has been changed."),
    ),
    "account_disabled": Words(
        N_("This account is disabled"), N_("Ask those who run the service.")
    ),
    "account_deleted": Words(
        N_("This account has been deleted"),
        N_("To keep it, use the link in the mail that told of its deletion."),
    ),
    "mail_sign_in_off": Words(
        N_("Nobody signs in by mail here"), N_("Sign in with your password.")
    ),
    "cross_site_request": Words(
        N_("This was not sent from our page"),
        N_("Open the link in the mail again, and press the button on its page."),
        N_("Another page has sent it, so nothing has been done."),
    ),
    "validation_failed": _UNREADABLE,
    "unsupported_media_type": _UNREADABLE,
    "body_too_large": _UNREADABLE,
    "not_found": Words(
        N_("There is nothing here"),
        N_(
            "Open the link in the mail again. If that does not help, copy it as a "
            "whole, and paste it into the address bar."
        ),
    ),
    "internal_error": Words(
        N_("Something went wrong on our side"),
        N_("Try again later. If it stays so, tell those who run the service."),
    ),
    "too_many_requests": Words(N_("Too many attempts")),
    "busy": Words(N_("The service is busy")),
    "database_unavailable": Words(N_("The service can't do this at the moment")),
    "password_too_short": Words(
        N_("The password is too short."),
        N_("Choose a longer one; a few words make a good password."),
    ),
    "password_too_long": Words(
        N_("The password is too long."),
        N_("Choose one of at most 128 characters."),
    ),
    "password_too_common": Words(
        N_("The password is too common."),
        N_("Choose one that nobody else would think of."),
    ),
    "password_breached": Words(
        N_("The password is known from a data breach."),
        N_("Choose another, and change it wherever else you use it."),
    ),
    "password_contains_personal_data": Words(
        N_("The password contains the name in your address or that of the service."),
        N_("Choose one that has nothing to do with either."),
    ),
}

_DONE: Mapping[Purpose, str] = {
    Purpose.VERIFY_EMAIL: N_("Your address is confirmed: sign in."),
    Purpose.RESET_PASSWORD: N_(
        "Sign in with the new password. If it was not you who has set it, say where "
        "you sign in that you have forgotten it, and set another."
    ),
    Purpose.SIGN_IN: N_(
        "If you are not signed in, ask for a new mail where you sign in."
    ),
    Purpose.CHANGE_EMAIL: N_("Your new address is confirmed: sign in with it."),
    Purpose.UNDO_EMAIL_CHANGE: N_(
        "Your account has its old address back. Set a new password with the mail that "
        "you were sent then, and sign in."
    ),
    Purpose.ACCEPT_INVITE: N_(
        "Your account is ready: sign in with your address and your password."
    ),
    Purpose.SIGN_OUT_OTHERS: N_(
        "All other devices are signed out. Set a new password with the mail that you "
        "were sent then, if you have not yet."
    ),
    Purpose.UNDO_DELETION: N_("Your account is kept: sign in."),
}
"""What follows from a link that was used: what it is for has been done."""

_AGAIN: Mapping[Purpose, str] = {
    Purpose.VERIFY_EMAIL: N_("Ask for a new mail where you have signed up."),
    Purpose.RESET_PASSWORD: N_(
        "Say where you sign in that you have forgotten your password: you are sent a "
        "new mail."
    ),
    Purpose.SIGN_IN: N_("Ask for a new mail where you sign in."),
    Purpose.CHANGE_EMAIL: N_(
        "Sign in with the address that you had before, and change it again."
    ),
    Purpose.UNDO_EMAIL_CHANGE: N_(
        "Ask those who run the service to give you your account back."
    ),
    Purpose.ACCEPT_INVITE: N_("Ask whoever has invited you to do it again."),
    Purpose.SIGN_OUT_OTHERS: N_(
        "Set a new password where you sign in: that signs all other devices out too."
    ),
    Purpose.UNDO_DELETION: N_(
        "Ask those who run the service whether your account is still there."
    ),
}
"""What to do about a link that does not work, or no longer."""
