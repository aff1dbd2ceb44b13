"""What the service can't do now."""

from app.core.errors.base import AppError, RetryLaterError


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
