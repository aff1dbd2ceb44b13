"""Tests of `app.core.exceptions`."""

import re

import pytest
from starlette.exceptions import HTTPException

from app.core import exceptions
from app.core.exceptions import (
    AppError,
    BusyError,
    DatabaseUnavailableError,
    FieldError,
    InternalError,
    PasswordTooShortError,
    RetryLaterError,
    SessionEndedError,
    TooManyRequestsError,
    UnauthorizedError,
    ValidationFailedError,
    all_errors,
)

CONTRACT = {
    "account_deleted": 403,
    "account_password_needed": 403,
    "not_invited": 409,
    "validation_failed": 422,
    "not_found": 404,
    "method_not_allowed": 405,
    "body_too_large": 413,
    "unsupported_media_type": 415,
    "host_not_allowed": 421,
    "cross_site_request": 403,
    "malformed_request": 400,
    "request_timeout": 408,
    "head_too_large": 431,
    "not_authenticated": 401,
    "invalid_token": 401,
    "token_expired": 401,
    "session_ended": 401,
    "invalid_refresh_token": 401,
    "invalid_credentials": 401,
    "account_disabled": 403,
    "email_not_verified": 403,
    "permission_denied": 403,
    "user_not_found": 404,
    "session_not_found": 404,
    "role_not_found": 404,
    "email_taken": 409,
    "role_exists": 409,
    "role_in_use": 409,
    "role_builtin": 409,
    "last_admin": 409,
    "password_too_short": 422,
    "password_too_long": 422,
    "password_too_common": 422,
    "password_breached": 422,
    "password_contains_personal_data": 422,
    "wrong_password": 403,
    "sign_up_closed": 403,
    "challenge_failed": 403,
    "sign_up_password_needed": 403,
    "challenge_used": 410,
    "challenge_cancelled": 410,
    "challenge_expired": 410,
    "code_exhausted": 410,
    "mail_off": 501,
    "mail_sign_in_off": 403,
    "message_not_found": 404,
    "message_not_failed": 409,
    "too_many_requests": 429,
    "busy": 503,
    "database_unavailable": 503,
    "internal_error": 500,
}
"""Every code and its status, as published: codes are added, never renamed."""

KEEPS_WRITES = {
    "session_ended",
    "invalid_credentials",
    "wrong_password",
    "challenge_failed",
    "too_many_requests",
}
"""What ends with one of these was an attempt that must count."""

EVERY_ERROR = pytest.mark.parametrize(
    "error", [pytest.param(error, id=error.code) for error in all_errors()]
)


def tree() -> list[str]:
    """Return the names in the tree at the top of the module, without `Error`."""
    _, _, behind_root = (exceptions.__doc__ or "").partition("    AppError\n")
    drawn, _, _ = behind_root.partition("`StartupError`")
    return [name.removesuffix("Error") for name in re.findall(r"[A-Z]\w+", drawn)]


def made(error: type[AppError]) -> AppError:
    """Return an error of this class."""
    if error is SessionEndedError:
        return SessionEndedError("signed_out")
    return PasswordTooShortError(10) if error is PasswordTooShortError else error()


class TestContract:
    """all_errors()."""

    def test_codes_and_statuses(self) -> None:
        """Exactly the codes of the contract exist, each with its status."""
        assert {e.code: e.http_status for e in all_errors()} == CONTRACT

    def test_one_class_each(self) -> None:
        """No two classes share a code."""
        codes = [error.code for error in all_errors()]
        assert len(codes) == len(set(codes))

    def test_later_ones_are_found(self) -> None:
        """A new error is found without being listed anywhere."""

        class TeapotError(AppError):
            code = "teapot"

        try:
            assert TeapotError in all_errors()
        finally:
            TeapotError.code = ""
        assert TeapotError not in all_errors()

    @EVERY_ERROR
    def test_explained(self, error: type[AppError]) -> None:
        """Each has a title, says what happened and what to do, in whole sentences."""
        assert re.fullmatch(r"[A-Z].*\.", error.title)
        assert re.fullmatch(r"(?s)[A-Z].*\.", error.explanation())
        assert re.fullmatch(r"(?s)[A-Z].*\.", error.remedy)
        assert error.__doc__ is not AppError.__doc__

    def test_explanation_without_indentation(self) -> None:
        """The page shows the docstring without the indentation of the code."""
        assert "\n    " not in SessionEndedError.explanation()
        assert "\n" in SessionEndedError.explanation()

    def test_no_docstring(self) -> None:
        """A class without a docstring explains nothing, and does not fail."""

        class SilentError(AppError):
            pass

        SilentError.__doc__ = None
        assert SilentError.explanation() == ""

    @EVERY_ERROR
    def test_keeps_writes(self, error: type[AppError]) -> None:
        """Only failed attempts are saved although they fail; all else is undone."""
        assert error.keeps_writes is (error.code in KEEPS_WRITES)

    @EVERY_ERROR
    def test_in_the_tree(self, error: type[AppError]) -> None:
        """The tree at the top of the module names each error."""
        assert error.__name__.removesuffix("Error") in tree()

    def test_tree_names_nothing_else(self) -> None:
        """The tree names no error that does not exist, and none twice."""
        names = [error.__name__.removesuffix("Error") for error in all_errors()]
        assert sorted(tree()) == sorted(names)


class TestAppError:
    """What each error carries."""

    @EVERY_ERROR
    def test_is_an_http_error(self, error: type[AppError]) -> None:
        """FastAPI sees its status and title."""
        one = made(error)
        assert isinstance(one, HTTPException)
        assert (one.status_code, one.detail) == (error.http_status, error.title)

    @EVERY_ERROR
    def test_headers(self, error: type[AppError]) -> None:
        """401 says how to sign in; 429 and 503 when to come back; after what is no
        request the connection is closed."""
        expected = {
            400: {"Connection": "close"},
            408: {"Connection": "close"},
            431: {"Connection": "close"},
            401: {"WWW-Authenticate": "Bearer"},
            429: {"Retry-After": "1"},
            503: {"Retry-After": "1"},
        }
        assert (made(error).headers or {}) == expected.get(error.http_status, {})

    @EVERY_ERROR
    def test_families(self, error: type[AppError]) -> None:
        """Every 401 is an UnauthorizedError, every 429 and 503 a RetryLaterError."""
        assert issubclass(error, UnauthorizedError) is (error.http_status == 401)
        assert issubclass(error, RetryLaterError) is (error.http_status in (429, 503))

    @pytest.mark.parametrize("seconds", [-5, 0, 1])
    @pytest.mark.parametrize(
        "error", [TooManyRequestsError, BusyError, DatabaseUnavailableError]
    )
    def test_never_at_once(self, error: type[RetryLaterError], seconds: int) -> None:
        """Nobody is told to come back in no time."""
        assert error(seconds).headers == {"Retry-After": "1"}

    def test_retry_after(self) -> None:
        """The seconds to wait stand in the header."""
        assert TooManyRequestsError(90).headers == {"Retry-After": "90"}

    def test_own_headers(self) -> None:
        """An error may carry further headers."""
        assert InternalError(headers={"X": "1"}).headers == {"X": "1"}

    def test_fields(self) -> None:
        """A refused request says which fields are wrong, and why."""
        error = ValidationFailedError([FieldError("body.email", "must be one")])
        assert error.extra == {
            "errors": [{"field": "body.email", "reason": "must be one"}]
        }
        assert ValidationFailedError().extra == {"errors": []}

    def test_reason(self) -> None:
        """A session that has ended says why."""
        assert SessionEndedError("token_reused").extra == {"reason": "token_reused"}

    def test_extra_is_not_shared(self) -> None:
        """What one occurrence says is not said by the next."""
        first, second = InternalError(), InternalError()
        first.extra["x"] = 1
        assert second.extra == {}
