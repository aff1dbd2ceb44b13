"""How an error becomes a response: RFC 9457 problem documents."""

import json
import logging
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import iter_route_contexts
from starlette.exceptions import HTTPException

from app.core.exceptions import (
    AppError,
    BodyTooLargeError,
    FieldError,
    InternalError,
    MethodNotAllowedError,
    NotFoundError,
    ValidationFailedError,
)
from app.core.logging import request_id

logger = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
MAXIMUM_FIELD_LENGTH = 100
"""Names of unknown fields are the caller's own text: they are cut."""

_BY_STATUS: dict[int, type[AppError]] = {
    400: ValidationFailedError,
    404: NotFoundError,
    405: MethodNotAllowedError,
    413: BodyTooLargeError,
}


class Problems:
    """Renders errors; knows where their pages are."""

    def __init__(self, public_url: str) -> None:
        self._public_url = public_url

    def document(self, error: AppError) -> dict[str, Any]:
        """Return the body of the answer."""
        return {
            "type": f"{self._public_url}/errors/{error.code}",
            "title": error.title,
            "status": error.http_status,
            "code": error.code,
            "request_id": request_id.get(),
            **error.extra,
        }

    def response(self, error: AppError) -> Response:
        """Return the whole answer."""
        return Response(
            json.dumps(self.document(error), ensure_ascii=False),
            status_code=error.http_status,
            headers=dict(error.headers or {}),
            media_type=MEDIA_TYPE,
        )

    def install(self, app: FastAPI) -> None:
        """Answer every error that reaches FastAPI in the one shape."""
        app.add_exception_handler(HTTPException, self._on_http_exception)
        app.add_exception_handler(RequestValidationError, self._on_invalid_request)

    async def _on_http_exception(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        own = as_app_error(error)
        if isinstance(own, MethodNotAllowedError):
            own.headers = {**(own.headers or {}), "Allow": _methods_at(request)}
        return self.response(own)

    async def _on_invalid_request(self, _: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        return self.response(ValidationFailedError(field_errors(error)))


def as_app_error(error: HTTPException) -> AppError:
    """Return the framework's error as one of ours, keeping headers such as Allow."""
    if isinstance(error, AppError):
        return error
    own = _BY_STATUS.get(error.status_code, InternalError)()
    own.headers = {**(own.headers or {}), **(error.headers or {})}
    if isinstance(own, InternalError):
        logger.error("request.unexpected_status", extra={"status": error.status_code})
    return own


def _methods_at(request: Request) -> str:
    """List what the address takes; the framework itself names one route's methods."""
    methods = {
        method
        for route in iter_route_contexts(request.app.routes)
        if route.methods and route.path_regex.fullmatch(request.scope["path"])
        for method in route.methods
    }
    # Only mounted files name none.
    return ", ".join(sorted(methods or {"GET", "HEAD"}))


def field_errors(error: RequestValidationError) -> list[FieldError]:
    """Return place and reason of each mistake, and nothing of what was sent."""
    return [
        FieldError(_place(problem), _reason(problem)) for problem in error.errors()[:20]
    ]


def _place(problem: Mapping[str, Any]) -> str:
    if problem["type"] == "json_invalid":
        return "body"
    name = ".".join(str(part) for part in problem["loc"])
    return name.encode("utf-8", "replace").decode()[:MAXIMUM_FIELD_LENGTH]


def _reason(problem: Mapping[str, Any]) -> str:
    if problem["type"] == "json_invalid":
        return "The body is not valid JSON."
    return str(problem["msg"]).removeprefix("Value error, ")
