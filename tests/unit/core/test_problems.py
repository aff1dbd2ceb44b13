"""Tests of `app.core.problems`."""

import json
from collections.abc import Iterator
from typing import Annotated, Any

import httpx2
import pytest
from fastapi import Body, FastAPI
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from app.core.exceptions import (
    AppError,
    BodyTooLargeError,
    FieldError,
    InternalError,
    MethodNotAllowedError,
    NotFoundError,
    SessionEndedError,
    TooManyRequestsError,
    ValidationFailedError,
)
from app.core.logging import request_id
from app.core.problems import (
    MAXIMUM_FIELD_LENGTH,
    Problems,
    as_app_error,
    field_errors,
)
from tests.support.apps import browse

PROBLEMS = Problems("https://auth.example.com")


@pytest.fixture
def current_request() -> Iterator[str]:
    """A request that is being answered."""
    token = request_id.set("request-0001")
    yield "request-0001"
    request_id.reset(token)


def invalid(*problems: dict[str, Any]) -> RequestValidationError:
    """Return what FastAPI raises for a bad request."""
    defaults = {"type": "missing", "loc": ("body",), "msg": "Field required"}
    return RequestValidationError([{**defaults, **problem} for problem in problems])


class TestDocument:
    """Problems.document()."""

    def test_members(self, current_request: str) -> None:
        """It has type, title, status, code and request id (RFC 9457)."""
        assert PROBLEMS.document(NotFoundError()) == {
            "type": "https://auth.example.com/errors/not_found",
            "title": "There is nothing here.",
            "status": 404,
            "code": "not_found",
            "request_id": current_request,
        }

    def test_reason(self) -> None:
        """An ended session adds why."""
        document = PROBLEMS.document(SessionEndedError("idle_timeout"))
        assert document["reason"] == "idle_timeout"

    def test_fields(self) -> None:
        """A refused request adds the fields."""
        error = ValidationFailedError([FieldError("body.x", "is wrong")])
        document = PROBLEMS.document(error)
        assert document["errors"] == [{"field": "body.x", "reason": "is wrong"}]

    def test_never_the_cause(self) -> None:
        """What only the log may see is not in it."""
        error = InternalError()
        error.__cause__ = RuntimeError("the secret cause")
        assert "secret" not in json.dumps(PROBLEMS.document(error))


class TestResponse:
    """Problems.response()."""

    def test_media_type_and_status(self) -> None:
        """It is a problem document with the error's status and headers."""
        response = PROBLEMS.response(TooManyRequestsError(7))
        assert response.status_code == 429
        assert response.headers["content-type"] == "application/problem+json"
        assert response.headers["retry-after"] == "7"

    def test_body(self, current_request: str) -> None:
        """Its body is the document, as UTF-8."""
        error = ValidationFailedError([FieldError("body.größe", "is wrong")])
        body = bytes(PROBLEMS.response(error).body)
        assert json.loads(body) == PROBLEMS.document(error)
        assert "größe".encode() in body


class TestAsAppError:
    """as_app_error()."""

    def test_own(self) -> None:
        """An error of ours stays what it is."""
        error = NotFoundError()
        assert as_app_error(error) is error

    @pytest.mark.parametrize(
        ("status", "expected"),
        [
            (400, ValidationFailedError),
            (404, NotFoundError),
            (405, MethodNotAllowedError),
            (413, BodyTooLargeError),
        ],
    )
    def test_framework(self, status: int, expected: type[AppError]) -> None:
        """What the framework refuses is our error for that status."""
        assert type(as_app_error(HTTPException(status))) is expected

    def test_headers_kept(self) -> None:
        """Headers such as Allow stay."""
        error = as_app_error(HTTPException(405, headers={"Allow": "GET"}))
        assert error.headers == {"Allow": "GET"}

    @pytest.mark.parametrize("status", [402, 418, 500, 502])
    def test_unexpected(self, status: int, caplog: pytest.LogCaptureFixture) -> None:
        """A status that nobody here uses is our mistake, and logged as one."""
        error = as_app_error(HTTPException(status, "its own text"))
        assert (type(error), error.detail) == (InternalError, InternalError.title)
        assert [(r.levelname, r.getMessage()) for r in caplog.records] == [
            ("ERROR", "request.unexpected_status")
        ]
        assert vars(caplog.records[0])["status"] == status


class TestFieldErrors:
    """field_errors()."""

    def test_place_and_reason(self) -> None:
        """Each mistake has its place and its reason."""
        error = invalid({"loc": ("body", "roles", 2), "msg": "Field required"})
        assert field_errors(error) == [FieldError("body.roles.2", "Field required")]

    def test_own_reason(self) -> None:
        """Our own reasons come without pydantic's words in front."""
        error = invalid({"type": "value_error", "msg": "Value error, must be short"})
        assert field_errors(error)[0].reason == "must be short"

    def test_not_json(self) -> None:
        """Broken JSON is said so, without a position that depends on what was sent."""
        error = invalid(
            {"type": "json_invalid", "loc": ("body", 17), "msg": "JSON decode error"}
        )
        assert field_errors(error) == [
            FieldError("body", "The body is not valid JSON.")
        ]

    def test_never_the_input(self) -> None:
        """What was sent is not repeated."""
        error = invalid({"input": "hunter2", "ctx": {"given": "hunter2"}})
        assert "hunter2" not in repr(field_errors(error))

    def test_long_name(self) -> None:
        """A long name of an unknown field is cut."""
        error = invalid({"loc": ("body", "x" * 10_000)})
        assert len(field_errors(error)[0].field) == MAXIMUM_FIELD_LENGTH

    def test_lone_surrogate(self) -> None:
        """A name that can't be written as UTF-8 can be answered all the same."""
        fields = field_errors(invalid({"loc": ("body", "\ud800")}))
        assert fields[0].field == "body.?"
        assert PROBLEMS.response(ValidationFailedError(fields)).body

    def test_many(self) -> None:
        """At most twenty mistakes are named."""
        error = invalid(*({"loc": ("body", n)} for n in range(1_000)))
        assert [field.field for field in field_errors(error)] == [
            f"body.{n}" for n in range(20)
        ]


class Item(BaseModel):
    """A body with one field."""

    size: int


@pytest.fixture
def small_app() -> FastAPI:
    """The smallest app that answers with problems."""
    app = FastAPI()
    PROBLEMS.install(app)

    @app.post("/items")
    async def make(item: Annotated[Item, Body()]) -> int:
        if item.size > 9:
            raise TooManyRequestsError(3)
        return item.size

    @app.get("/items")
    async def read() -> int:
        return 1

    return app


class TestInstall:
    """Problems.install()."""

    @pytest.mark.parametrize(
        ("method", "path", "body", "code"),
        [
            pytest.param(
                "POST", "/items", b'{"size": 10}', "too_many_requests", id="own"
            ),
            pytest.param(
                "POST", "/items", b'{"size": "x"}', "validation_failed", id="422"
            ),
            pytest.param("POST", "/items", b"{", "validation_failed", id="not JSON"),
            pytest.param("GET", "/nothing", b"", "not_found", id="404"),
            pytest.param("PUT", "/items", b"", "method_not_allowed", id="405"),
        ],
    )
    async def test_one_shape(
        self, small_app: FastAPI, method: str, path: str, body: bytes, code: str
    ) -> None:
        """Whoever raises it, an error is answered in the one shape."""
        async with browse(small_app) as client:
            headers = {"Content-Type": "application/json"}
            answer = await client.request(method, path, content=body, headers=headers)
        assert answer.headers["content-type"] == "application/problem+json"
        problem = answer.json()
        assert (problem["code"], problem["status"]) == (code, answer.status_code)
        assert problem["type"] == f"https://auth.example.com/errors/{code}"

    async def test_allow(self, small_app: FastAPI) -> None:
        """405 names every method that the address takes, of all its routes."""
        async with browse(small_app) as client:
            answer: httpx2.Response = await client.put("/items")
        methods = {method.strip() for method in answer.headers["allow"].split(",")}
        assert methods == {"GET", "POST"}
