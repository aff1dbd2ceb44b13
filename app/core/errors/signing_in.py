"""Callers who may not come in, or not do this."""

from app.core.errors.base import AppError, UnauthorizedError


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
    `idle_timeout`, `max_age`, `token_reused`, `ended_by_admin`, `user_disabled`,
    `user_deleted` or `email_change_undone`."""

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


class AccountDeletedError(AppError):
    """The password is right, but the account's owner has deleted it. It will be gone
    when the time in which that can be undone is over."""

    http_status = 403
    code = "account_deleted"
    title = "This account has been deleted."
    remedy = "To keep it, use the link in the mail that told of it."


class EmailNotVerifiedError(AppError):
    """The password is right, but the e-mail address has not been proven yet."""

    http_status = 403
    code = "email_not_verified"
    title = "The e-mail address is not verified."
    remedy = (
        "Use the link or the code in the mail that was sent. "
        "`POST /api/v1/auth/email/resend` sends another; give it as `challenge_id` "
        "what the header `Cardea-Challenge` of the sign-up's answer said: without "
        "that, the mail may say only that there is no account."
    )


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
