"""Errors in responses: RFC 9457 problem documents, for the OpenAPI page."""

from typing import Any

from pydantic import Field

from app.core.exceptions import (
    AppError,
    ChallengeCancelledError,
    ChallengeExpiredError,
    ChallengeFailedError,
    ChallengeUsedError,
    CodeExhaustedError,
    PasswordBreachedError,
    PasswordContainsPersonalDataError,
    PasswordTooCommonError,
    PasswordTooLongError,
    PasswordTooShortError,
    RetryLaterError,
    SessionEndedError,
    TooManyRequestsError,
    UnauthorizedError,
)
from app.core.problems import MEDIA_TYPE
from app.schemas.base import ResponseBody

Responses = dict[int | str, dict[str, Any]]

PASSWORD_RULES = (
    PasswordTooShortError,
    PasswordTooLongError,
    PasswordTooCommonError,
    PasswordContainsPersonalDataError,
    PasswordBreachedError,
)
"""How a new password can be refused."""

LINK = (
    ChallengeFailedError,
    ChallengeUsedError,
    ChallengeCancelledError,
    ChallengeExpiredError,
)
"""How a link can be refused that comes without a code."""

PROOF = (*LINK, CodeExhaustedError, TooManyRequestsError)
"""How a link or a code can be refused."""


class FieldProblem(ResponseBody):
    """One thing wrong with a request."""

    field: str
    reason: str


class Problem(ResponseBody):
    """Any error of the service (RFC 9457)."""

    type: str = Field(json_schema_extra={"format": "uri"})
    """A page that says what happened, why, and what to do."""

    title: str
    status: int
    code: str
    """Stable; made to be compared with."""

    request_id: str
    errors: list[FieldProblem] = []
    """Only with `validation_failed`."""

    reason: str = ""
    """Only with `session_ended`."""

    detail: str = ""
    """Only with `password_too_short`: how long it must be."""


def problems(*errors: type[AppError]) -> Responses:
    """Return the OpenAPI responses of an operation that can end with these errors."""
    responses: Responses = {}
    for error in errors:
        add_problem(responses, error, error.http_status)
    return responses


def add_problem(responses: Responses, error: type[AppError], status: int | str) -> None:
    """Document that an operation can end with this error too."""
    response = responses.setdefault(status, {})
    media = response.setdefault("content", {}).setdefault(MEDIA_TYPE, {})
    media["schema"] = {"$ref": "#/components/schemas/Problem"}
    examples = media.setdefault("examples", {})
    examples[error.code] = {"summary": error.title, "value": _example(error)}
    response["description"] = ", ".join(f"`{code}`" for code in examples)
    if issubclass(error, RetryLaterError):
        response["headers"] = {"Retry-After": _header("Seconds to wait.", "integer")}
    if issubclass(error, UnauthorizedError):
        response["headers"] = {"WWW-Authenticate": _header("`Bearer`.", "string")}


def _header(description: str, kind: str) -> dict[str, Any]:
    return {"description": description, "schema": {"type": kind}}


def _example(error: type[AppError]) -> dict[str, Any]:
    example: dict[str, Any] = {
        "type": f"http://localhost:8000/errors/{error.code}",
        "title": error.title,
        "status": error.http_status,
        "code": error.code,
        "request_id": "6f1c2a0b9d5e4f4c8e0d3b7a51c2f9e4",
    }
    if error is SessionEndedError:
        example["reason"] = "signed_out_elsewhere"
    if error is PasswordTooShortError:
        example.update(PasswordTooShortError(10).extra)
    return example
