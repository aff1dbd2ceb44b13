"""Every error the service answers with.

Each class is one stable code. Its title goes into the answer; its docstring says what
happened and its `remedy` what to do, on the page that the answer's `type` points to
(`/errors/{code}`). How an error becomes a response is in `problems.py`.

    AppError
    ├── request      ValidationFailed, NotFound, MethodNotAllowed, BodyTooLarge,
    │                UnsupportedMediaType, HostNotAllowed, CrossSiteRequest
    ├── on the wire  MalformedRequest, RequestTimeout, HeadTooLarge
    ├── signing in   NotAuthenticated, InvalidToken, TokenExpired, SessionEnded,
    │                InvalidRefreshToken, InvalidCredentials, AccountDisabled,
    │                EmailNotVerified, PermissionDenied, SignUpClosed
    ├── passwords    WrongPassword, PasswordTooShort, PasswordTooLong,
    │                PasswordTooCommon, PasswordBreached, PasswordContainsPersonalData
    ├── accounts     UserNotFound, SessionNotFound, RoleNotFound, EmailTaken,
    │                RoleExists, RoleInUse, RoleBuiltin, LastAdmin
    └── load         TooManyRequests, Busy, DatabaseUnavailable, InternalError

`StartupError` stands apart: it stops the server from starting and reaches no caller.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from inspect import cleandoc
from typing import Any, ClassVar

from fastapi import HTTPException


class StartupError(Exception):
    """The service can't start; the message says why, in one line."""


@dataclass(frozen=True)
class FieldError:
    """One thing wrong with a request: where it stands, and why it is refused."""

    field: str
    reason: str


class AppError(HTTPException):
    """An error with a stable code that callers can act on.

    Attributes:
        http_status: The status of the response.
        code: The stable, machine-readable name.
        title: One sentence for people; the same for every occurrence.
        remedy: What whoever sees it can do.
        keeps_writes: Whether what the transaction wrote so far is committed although
            it ends with this error: a failed attempt must count.
        extra: What the problem document says besides.
    """

    http_status: ClassVar[int] = 500
    code: ClassVar[str] = ""
    title: ClassVar[str] = ""
    remedy: ClassVar[str] = ""
    keeps_writes: ClassVar[bool] = False

    def __init__(self, *, headers: dict[str, str] | None = None) -> None:
        super().__init__(self.http_status, detail=self.title, headers=headers)
        self.extra: dict[str, Any] = {}

    @classmethod
    def explanation(cls) -> str:
        """Return what happened and why, for the error's page."""
        return cleandoc(cls.__doc__ or "")


class ValidationFailedError(AppError):
    """Something in the request is missing, malformed or not allowed. The `errors` of
    the answer name each field and the reason; what was sent is never repeated."""

    http_status = 422
    code = "validation_failed"
    title = "The request is not valid."
    remedy = "Correct the fields that `errors` names and send the request again."

    def __init__(self, errors: Sequence[FieldError] = ()) -> None:
        super().__init__()
        self.extra["errors"] = [vars(error) for error in errors]


class NotFoundError(AppError):
    """There is nothing at this address."""

    http_status = 404
    code = "not_found"
    title = "There is nothing here."
    remedy = "Check the path; `/docs` lists every one there is."


class MethodNotAllowedError(AppError):
    """The address exists, but not for this HTTP method. `Allow` lists the methods."""

    http_status = 405
    code = "method_not_allowed"
    title = "This address does not take that method."
    remedy = "Use one of the methods in the `Allow` header."


class BodyTooLargeError(AppError):
    """The body of the request has more than 64 KiB."""

    http_status = 413
    code = "body_too_large"
    title = "The request body is too large."
    remedy = "Send at most 65,536 bytes."


class UnsupportedMediaTypeError(AppError):
    """The body is not of the type this address takes. Forms and plain text are
    refused where JSON is expected, because any web page can send those."""

    http_status = 415
    code = "unsupported_media_type"
    title = "The body has the wrong content type."
    remedy = "Send JSON with `Content-Type: application/json`."


class HostNotAllowedError(AppError):
    """The request names a host that this service does not answer for."""

    http_status = 421
    code = "host_not_allowed"
    title = "This service does not answer for that host."
    remedy = (
        "Use the service's public address. If you run it, set PUBLIC_URL or add the "
        "name to ALLOWED_HOSTS."
    )


class CrossSiteRequestError(AppError):
    """A page of another site tried to change something with your cookies."""

    http_status = 403
    code = "cross_site_request"
    title = "A request from another site was refused."
    remedy = (
        "Send it from the service's own pages. If you run the service and trust the "
        "other site, add its origin to CORS_ORIGINS."
    )


class WireError(AppError):
    """What a client sends is no request, and its connection is closed."""

    def __init__(self) -> None:
        super().__init__(headers={"Connection": "close"})


class MalformedRequestError(WireError):
    """What was sent is not HTTP, so nothing in it could be answered."""

    http_status = 400
    code = "malformed_request"
    title = "This is not an HTTP request."
    remedy = "Look at what stands between your program and the service."


class RequestTimeoutError(WireError):
    """The request did not arrive in time. Nothing was done; the deadlines keep slow
    senders from taking everybody's place."""

    http_status = 408
    code = "request_timeout"
    title = "The request took too long to arrive."
    remedy = "Send it again, all at once, on a new connection."


class HeadTooLargeError(WireError):
    """The address and the headers of the request together have more than 32 KiB, or
    there are more than 100 headers."""

    http_status = 431
    code = "head_too_large"
    title = "The address or the headers of the request are too large."
    remedy = "Send fewer headers, or delete the cookies of this site."


class UnauthorizedError(AppError):
    """The caller is not signed in, or no longer."""

    http_status = 401

    def __init__(self) -> None:
        super().__init__(headers={"WWW-Authenticate": "Bearer"})


class NotAuthenticatedError(UnauthorizedError):
    """This address needs a signed-in caller and the request carries no token."""

    code = "not_authenticated"
    title = "You are not signed in."
    remedy = (
        "Sign in and send the access token as `Authorization: Bearer ...`. To refresh, "
        "send the refresh token in the body; a browser sends its cookie."
    )


class InvalidTokenError(UnauthorizedError):
    """The access token was not issued by this service, was changed on the way, or the
    Authorization header is malformed."""

    code = "invalid_token"
    title = "The access token is not valid."
    remedy = "Use the access token exactly as it was issued, or sign in again."


class TokenExpiredError(UnauthorizedError):
    """Access tokens live for minutes, and this one's time is over. The session behind
    it may well be alive."""

    code = "token_expired"
    title = "The access token has expired."
    remedy = "Get a new one with the refresh token."


class SessionEndedError(UnauthorizedError):
    """The session that this token belongs to has ended. `reason` says why:
    `signed_out`, `signed_out_elsewhere`, `password_changed`, `password_reset`,
    `idle_timeout`, `max_age`, `token_reused`, `ended_by_admin`, `user_disabled` or
    `user_deleted`."""

    code = "session_ended"
    title = "The session has ended."
    remedy = (
        "Sign in again. If the reason is `token_reused`, somebody else may have had a "
        "copy of your refresh token: change your password."
    )
    keeps_writes = True

    def __init__(self, reason: str) -> None:
        super().__init__()
        self.extra["reason"] = reason


class InvalidRefreshTokenError(UnauthorizedError):
    """The refresh token was not issued by this service, or its session is gone."""

    code = "invalid_refresh_token"
    title = "The refresh token is not valid."
    remedy = "Sign in again."


class InvalidCredentialsError(UnauthorizedError):
    """The e-mail address and password do not match an account. Which of the two is
    wrong is not said, so that nobody can find out who has an account."""

    code = "invalid_credentials"
    title = "Email or password is incorrect."
    remedy = "Check both and try again; a few wrong attempts make you wait."
    keeps_writes = True


class AccountDisabledError(AppError):
    """The password is right, but an administrator has disabled the account."""

    http_status = 403
    code = "account_disabled"
    title = "This account is disabled."
    remedy = "Ask an administrator to enable it."


class EmailNotVerifiedError(AppError):
    """The password is right, but the e-mail address has not been proved yet."""

    http_status = 403
    code = "email_not_verified"
    title = "The e-mail address is not verified."
    remedy = "Ask an administrator to confirm it."


class PermissionDeniedError(AppError):
    """The caller is signed in but lacks the permission for this, or would hand out a
    permission it does not have itself."""

    http_status = 403
    code = "permission_denied"
    title = "You are not allowed to do this."
    remedy = "Ask an administrator for a role that has the permission."


class SignUpClosedError(AppError):
    """This service does not let people make accounts themselves."""

    http_status = 403
    code = "sign_up_closed"
    title = "Sign-up is closed."
    remedy = "Ask an administrator for an account."


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
    """The password contains the name in your e-mail address, or the service's."""

    code = "password_contains_personal_data"
    title = "The password contains your e-mail name or the service's name."
    remedy = "Choose one that has nothing to do with either."


class UserNotFoundError(AppError):
    """There is no account with this id."""

    http_status = 404
    code = "user_not_found"
    title = "There is no such user."
    remedy = "Check the id; the account may have been deleted."


class SessionNotFoundError(AppError):
    """You have no live session with this id."""

    http_status = 404
    code = "session_not_found"
    title = "There is no such session."
    remedy = "List the sessions again; it may have ended."


class RoleNotFoundError(AppError):
    """There is no role of this name."""

    http_status = 404
    code = "role_not_found"
    title = "There is no such role."
    remedy = "List the roles, or make this one first."


class EmailTakenError(AppError):
    """Another account has this e-mail address, perhaps spelt a little differently."""

    http_status = 409
    code = "email_taken"
    title = "There is already an account with this e-mail address."
    remedy = "Sign in with it, or use another address."


class RoleExistsError(AppError):
    """There is already a role of this name."""

    http_status = 409
    code = "role_exists"
    title = "There is already a role of this name."
    remedy = "Choose another name, or change the existing role."


class RoleInUseError(AppError):
    """Users still have this role, so it can't be deleted."""

    http_status = 409
    code = "role_in_use"
    title = "Users still have this role."
    remedy = "Take it from them first; `GET /api/v1/users?role=` lists them."


class RoleBuiltinError(AppError):
    """The roles `admin` and `user` belong to the service and stay as they are."""

    http_status = 409
    code = "role_builtin"
    title = "Built-in roles can't be changed."
    remedy = "Make a role of your own."


class LastAdminError(AppError):
    """This is the last active administrator; without one nobody could manage the
    service any more."""

    http_status = 409
    code = "last_admin"
    title = "The last active administrator must stay."
    remedy = "Make somebody else an administrator first."


class RetryLaterError(AppError):
    """The request may succeed later; `Retry-After` says in how many seconds."""

    def __init__(self, retry_after: int = 1) -> None:
        super().__init__(headers={"Retry-After": str(max(1, retry_after))})


class TooManyRequestsError(RetryLaterError):
    """There were too many attempts from here, or for this account. The wait grows with
    further attempts and always ends; signing in on a device that was signed in to
    this account before is counted apart."""

    http_status = 429
    code = "too_many_requests"
    title = "Too many attempts."
    remedy = "Wait for the seconds that `Retry-After` says, then try again."
    keeps_writes = True


class BusyError(RetryLaterError):
    """More people are signing in at this moment than the service can check, or it is
    answering as many requests as it has room for."""

    http_status = 503
    code = "busy"
    title = "The service is busy."
    remedy = "Try again after the seconds that `Retry-After` says."


class DatabaseUnavailableError(RetryLaterError):
    """The service can't reach its database. Nothing was changed by this request, unless
    the connection broke while its change was being saved."""

    http_status = 503
    code = "database_unavailable"
    title = "The database can't be reached."
    remedy = "Try again shortly; the service recovers by itself."


class InternalError(AppError):
    """Something went wrong inside the service. It has been logged with the request's
    id; nothing of the request was saved."""

    http_status = 500
    code = "internal_error"
    title = "Something went wrong on our side."
    remedy = "Try again. If it stays, report the `request_id` to whoever runs this."


def _with_codes(root: type[AppError]) -> list[type[AppError]]:
    found = [root] if root.code else []
    for child in root.__subclasses__():
        found.extend(_with_codes(child))
    return found


def all_errors() -> list[type[AppError]]:
    """Return every error that has a code, in the order of this file."""
    return _with_codes(AppError)
