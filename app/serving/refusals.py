"""Answers to what never becomes a request, in the shape of all other errors."""

import logging
from collections.abc import Sequence
from uuid import uuid4

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from app.core.exceptions import AppError
from app.core.logging import request_id
from app.core.problems import Problems

logger = logging.getLogger(__name__)

_HEADERS = {
    b"connection": b"close",
    b"cache-control": b"no-store",
    b"x-content-type-options": b"nosniff",
}


def refusal(
    problems: Problems,
    error: AppError,
    client: tuple[str, int] | None,
    headers: Sequence[tuple[bytes, bytes]],
) -> bytes:
    """Return a whole answer as it goes over the wire, and log that it was given."""
    token = request_id.set(uuid4().hex)
    try:
        facts = {"code": error.code, "client": client[0] if client else None}
        logger.info("request.refused", extra=facts)
        response = problems.response(error)
        own = {**dict(headers), **dict(response.raw_headers), **_HEADERS}
        own[b"x-request-id"] = (request_id.get() or "").encode()
    finally:
        request_id.reset(token)
    lines = b"".join(b"%b: %b\r\n" % header for header in own.items())
    return STATUS_LINE[error.http_status] + lines + b"\r\n" + bytes(response.body)
