"""Requests that are wrong in themselves."""

from collections.abc import Sequence

from app.core.errors.base import AppError, FieldError


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
