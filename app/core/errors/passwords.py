"""Passwords that are wrong, or not good enough."""

from app.core.errors.base import AppError


class WrongPasswordError(AppError):
    """The current password, asked for before a change that matters, is not right."""

    http_status = 403
    code = "wrong_password"
    title = "The current password is incorrect."
    remedy = "Check it and try again; a few wrong attempts make you wait."
    keeps_writes = True


class PasswordRefusedError(AppError):
    """The new password breaks one of the rules."""

    http_status = 422


class PasswordTooShortError(PasswordRefusedError):
    """The password has fewer characters than this service asks for."""

    code = "password_too_short"
    title = "The password is too short."
    remedy = "Choose a longer one; a few words make a good password."

    def __init__(self, minimum: int) -> None:
        super().__init__()
        self.remedy = (
            f"Choose one of at least {minimum} characters; a few words make a good "
            "password."
        )
        self.extra["detail"] = self.remedy


class PasswordTooLongError(PasswordRefusedError):
    """The password has more than 128 characters."""

    code = "password_too_long"
    title = "The password is too long."
    remedy = "Choose one of at most 128 characters."


class PasswordTooCommonError(PasswordRefusedError):
    """The password is on the list of those that are guessed first."""

    code = "password_too_common"
    title = "The password is too common."
    remedy = "Choose one that nobody else would think of."


class PasswordBreachedError(PasswordRefusedError):
    """The password is known from a data breach elsewhere (Have I Been Pwned), so
    attackers try it. Only five characters of its hash were sent to find out."""

    code = "password_breached"
    title = "The password is known from a data breach."
    remedy = "Choose another, and change it wherever else you use it."


class PasswordContainsPersonalDataError(PasswordRefusedError):
    """The password contains your e-mail address, the name in it if that has four
    letters or more, or the service's name."""

    code = "password_contains_personal_data"
    title = "The password contains your e-mail name or the service's name."
    remedy = "Choose one that has nothing to do with either."
