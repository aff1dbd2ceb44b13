"""The OpenAPI document: what FastAPI finds out, and what every operation shares."""

from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI

from app.core.exceptions import (
    AppError,
    BodyTooLargeError,
    CrossSiteRequestError,
    DatabaseUnavailableError,
    HostNotAllowedError,
    InternalError,
    InvalidTokenError,
    NotAuthenticatedError,
    RequestTimeoutError,
    SessionEndedError,
    TokenExpiredError,
    UnsupportedMediaTypeError,
    ValidationFailedError,
)
from app.core.problems import MEDIA_TYPE
from app.schemas.problems import Problem, add_problem

DESCRIPTION = """
Accounts, sessions, tokens and roles for your programs.

Press **Authorize** and sign in with an e-mail address and its password to try the calls
out. Every error is a problem document (RFC 9457) with a stable `code`; its `type` is a
page that explains it.
"""

TAGS = [
    {"name": "Auth", "description": "Sign up, in and out."},
    {"name": "The caller", "description": "One's own account and devices."},
    {"name": "Users", "description": "Accounts, for administrators."},
    {"name": "Roles", "description": "Roles and permissions."},
    {"name": "Outbox", "description": "Mail that waits, was sent, or was given up."},
    {"name": "System", "description": "Health, keys and name of the service."},
]

_UNSAFE = frozenset({"post", "put", "patch", "delete"})
_UNAUTHENTICATED = (
    NotAuthenticatedError,
    InvalidTokenError,
    TokenExpiredError,
    SessionEndedError,
)


def complete(app: FastAPI) -> None:
    """Have the app's document say the whole truth about errors."""
    describe = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _completed(describe())
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def _completed(document: dict[str, Any]) -> dict[str, Any]:
    schemas = document["components"]["schemas"]
    problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas.update(problem.pop("$defs"), Problem=problem)
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            _complete_operation(path, method, operation)
            _name_a_field(operation, schemas)
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    return document


def _complete_operation(path: str, method: str, operation: dict[str, Any]) -> None:
    summary, _, rest = operation.pop("description", "").partition("\n")
    operation["summary"] = summary.removesuffix(".") or operation["summary"]
    if rest.strip():
        operation["description"] = rest.strip()
    responses = operation["responses"]
    if responses.get("422", {}).get("description") == "Validation Error":
        del responses["422"]
    for error in _shared_errors(path, method, operation):
        add_problem(responses, error, str(error.http_status))
    operation["responses"] = dict(sorted(responses.items()))


def _name_a_field(operation: dict[str, Any], schemas: dict[str, Any]) -> None:
    """Have the example of a mistake be about something that the operation takes."""
    media = operation["responses"].get("422", {}).get("content", {}).get(MEDIA_TYPE, {})
    mistake = media.get("examples", {}).get(ValidationFailedError.code)
    if mistake is None:
        return
    field, schema = next(_fields(operation, schemas))
    reason = _what_it_should_be(_one_of(schema, schemas))
    mistake["value"]["errors"] = [{"field": field, "reason": reason}]


def _fields(
    operation: dict[str, Any], schemas: dict[str, Any]
) -> Iterator[tuple[str, dict[str, Any]]]:
    for media in operation.get("requestBody", {}).get("content", {}).values():
        for name, schema in _one_of(media["schema"], schemas)["properties"].items():
            yield f"body.{name}", schema
    for parameter in operation.get("parameters", ()):
        yield f"{parameter['in']}.{parameter['name']}", parameter["schema"]


def _one_of(schema: dict[str, Any], schemas: dict[str, Any]) -> dict[str, Any]:
    """Return what a schema means: null, where that is allowed, is no mistake."""
    schema = schema.get("anyOf", [schema])[0]
    if "$ref" in schema:
        schema = schemas[schema["$ref"].rpartition("/")[2]]
    return schema


def _what_it_should_be(schema: dict[str, Any]) -> str:
    if schema.get("format") == "email":
        return "must be one valid e-mail address"
    if "enum" in schema:
        return "Input should be " + " or ".join(map(repr, schema["enum"]))
    kind = "UUID" if schema.get("format") == "uuid" else schema["type"]
    return f"Input should be a valid {kind}"


def _shared_errors(
    path: str, method: str, operation: dict[str, Any]
) -> Iterator[type[AppError]]:
    """Name the errors that do not depend on what the operation is about."""
    speaks_oauth = "400" in operation["responses"]
    takes_input = "requestBody" in operation or "parameters" in operation
    yield InternalError
    if not path.startswith("/health/"):
        yield HostNotAllowedError
    if "security" in operation:
        yield from _UNAUTHENTICATED
    if method in _UNSAFE:
        yield CrossSiteRequestError
        yield RequestTimeoutError
        yield BodyTooLargeError
        yield UnsupportedMediaTypeError
    if takes_input and not speaks_oauth:
        yield ValidationFailedError
    if path.startswith("/api/") and not speaks_oauth:
        yield DatabaseUnavailableError
