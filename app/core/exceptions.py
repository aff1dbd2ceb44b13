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
    │                AccountDeleted, EmailNotVerified, PermissionDenied, SignUpClosed
    ├── passwords    WrongPassword, PasswordTooShort, PasswordTooLong,
    │                PasswordTooCommon, PasswordBreached, PasswordContainsPersonalData
    ├── accounts     UserNotFound, SessionNotFound, RoleNotFound, EmailTaken,
    │                RoleExists, RoleInUse, RoleBuiltin, LastAdmin
    ├── mail         ChallengeFailed, ChallengeUsed, ChallengeCancelled,
    │                ChallengeExpired, CodeExhausted, MailOff, MailSignInOff,
    │                MessageNotFound, MessageNotFailed, SignUpPassword,
    │                AccountPassword, NotInvited
    └── load         TooManyRequests, Busy, DatabaseUnavailable, InternalError

`StartupError` stands apart: it stops the server from starting and reaches no caller.
"""

from app.core.errors.accounts import (
    EmailTakenError,
    LastAdminError,
    RoleBuiltinError,
    RoleExistsError,
    RoleInUseError,
    RoleNotFoundError,
    SessionNotFoundError,
    UserNotFoundError,
)
from app.core.errors.base import (
    AppError,
    FieldError,
    RetryLaterError,
    StartupError,
    UnauthorizedError,
    all_errors,
)
from app.core.errors.load import (
    BusyError,
    DatabaseUnavailableError,
    InternalError,
    TooManyRequestsError,
)
from app.core.errors.mail import (
    AccountPasswordError,
    ChallengeCancelledError,
    ChallengeEndedError,
    ChallengeExpiredError,
    ChallengeFailedError,
    ChallengeUsedError,
    CodeExhaustedError,
    MailOffError,
    MailSignInOffError,
    MessageNotFailedError,
    MessageNotFoundError,
    NotInvitedError,
    SignUpPasswordError,
)
from app.core.errors.passwords import (
    PasswordBreachedError,
    PasswordContainsPersonalDataError,
    PasswordRefusedError,
    PasswordTooCommonError,
    PasswordTooLongError,
    PasswordTooShortError,
    WrongPasswordError,
)
from app.core.errors.requests import (
    BodyTooLargeError,
    CrossSiteRequestError,
    HeadTooLargeError,
    HostNotAllowedError,
    MalformedRequestError,
    MethodNotAllowedError,
    NotFoundError,
    RequestTimeoutError,
    UnsupportedMediaTypeError,
    ValidationFailedError,
    WireError,
)
from app.core.errors.signing_in import (
    AccountDeletedError,
    AccountDisabledError,
    EmailNotVerifiedError,
    InvalidCredentialsError,
    InvalidRefreshTokenError,
    InvalidTokenError,
    NotAuthenticatedError,
    PermissionDeniedError,
    SessionEndedError,
    SignUpClosedError,
    TokenExpiredError,
)

__all__ = [
    "AccountDeletedError",
    "AccountDisabledError",
    "AccountPasswordError",
    "AppError",
    "BodyTooLargeError",
    "BusyError",
    "ChallengeCancelledError",
    "ChallengeEndedError",
    "ChallengeExpiredError",
    "ChallengeFailedError",
    "ChallengeUsedError",
    "CodeExhaustedError",
    "CrossSiteRequestError",
    "DatabaseUnavailableError",
    "EmailNotVerifiedError",
    "EmailTakenError",
    "FieldError",
    "HeadTooLargeError",
    "HostNotAllowedError",
    "InternalError",
    "InvalidCredentialsError",
    "InvalidRefreshTokenError",
    "InvalidTokenError",
    "LastAdminError",
    "MailOffError",
    "MailSignInOffError",
    "MalformedRequestError",
    "MessageNotFailedError",
    "MessageNotFoundError",
    "MethodNotAllowedError",
    "NotAuthenticatedError",
    "NotFoundError",
    "NotInvitedError",
    "PasswordBreachedError",
    "PasswordContainsPersonalDataError",
    "PasswordRefusedError",
    "PasswordTooCommonError",
    "PasswordTooLongError",
    "PasswordTooShortError",
    "PermissionDeniedError",
    "RequestTimeoutError",
    "RetryLaterError",
    "RoleBuiltinError",
    "RoleExistsError",
    "RoleInUseError",
    "RoleNotFoundError",
    "SessionEndedError",
    "SessionNotFoundError",
    "SignUpClosedError",
    "SignUpPasswordError",
    "StartupError",
    "TokenExpiredError",
    "TooManyRequestsError",
    "UnauthorizedError",
    "UnsupportedMediaTypeError",
    "UserNotFoundError",
    "ValidationFailedError",
    "WireError",
    "WrongPasswordError",
    "all_errors",
]
