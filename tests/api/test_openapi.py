"""The OpenAPI document: complete, true, committed.

That no answer is undocumented is checked by every test in this folder: see conftest.py.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx2
import jsonschema_rs
import pytest

from app.core.exceptions import all_errors
from app.main import create_app
from tests.support.databases import make_settings
from tests.support.documented import Documented
from tests.support.people import API, Person, register, sign_in

COMMITTED = Path(__file__).parents[2] / "openapi.json"

DOCUMENT: dict[str, Any] = create_app(make_settings("sqlite+aiosqlite:///x")).openapi()
OPERATIONS = {
    f"{method.upper()} {path}": operation
    for path, operations in DOCUMENT["paths"].items()
    for method, operation in operations.items()
}
UNSAFE = ("POST", "PUT", "PATCH", "DELETE")

operations = pytest.mark.parametrize(
    ("name", "operation"), OPERATIONS.items(), ids=OPERATIONS.keys()
)


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema that a reference means."""
    if "$ref" not in schema:
        return schema
    found: dict[str, Any] = DOCUMENT["components"]["schemas"][
        schema["$ref"].rpartition("/")[2]
    ]
    return found


def codes(operation: dict[str, Any], status: str) -> set[str]:
    """Return the error codes that an operation tells of."""
    content = operation["responses"].get(status, {}).get("content", {})
    return set(content.get("application/problem+json", {}).get("examples", {}))


def with_examples(node: Any) -> Iterator[dict[str, Any]]:
    """Return every schema in the document that has examples."""
    if isinstance(node, dict):
        if isinstance(node.get("examples"), list):
            yield node
        for child in node.values():
            yield from with_examples(child)
    elif isinstance(node, list):
        for child in node:
            yield from with_examples(child)


def example_of(schema: dict[str, Any]) -> Any:
    """Return a value made of the document's own examples and defaults."""
    schema = resolved(schema)
    if "examples" in schema:
        return schema["examples"][0]
    if "default" in schema:
        return schema["default"]
    if schema.get("type") == "array":
        return [example_of(schema["items"])]
    return {
        name: example_of(schema["properties"][name])
        for name in schema.get("required", [])
    }


def bodies(operation: dict[str, Any]) -> Iterator[tuple[Any, dict[str, Any]]]:
    """Return every body that the document shows for an operation, and its shape.

    Where it gives no example, /docs makes one of all members.
    """
    content = operation.get("requestBody", {}).get("content", {})
    for media_type, media in content.items():
        if media_type == "application/json":
            whole = {"example": {"value": filled_in(media["schema"])}}
            for example in media.get("examples", whole).values():
                yield example["value"], media["schema"]


def filled_in(schema: dict[str, Any]) -> Any:
    """Return a value with every member, made as /docs makes one."""
    schema = resolved(schema.get("anyOf", [schema])[0])
    for known in ("examples", "enum"):
        if known in schema:
            return schema[known][0]
    if "default" in schema:
        return schema["default"]
    if schema["type"] == "array":
        return [filled_in(schema["items"])]
    if schema.get("format") == "uuid":
        return str(UUID(int=0))
    if schema["type"] != "object":
        return {"string": "string", "boolean": True}[schema["type"]]
    return {name: filled_in(one) for name, one in schema["properties"].items()}


class TestDocument:
    """The document as a whole."""

    async def test_is_served(self, client: httpx2.AsyncClient) -> None:
        """Anybody can read it, as often as they like; it is OpenAPI 3.1."""
        for _ in range(2):
            response = await client.get("/openapi.json")
        assert response.status_code == 200
        assert response.json() == json.loads(json.dumps(DOCUMENT))
        assert response.json()["openapi"].startswith("3.1.")

    def test_committed_one_is_the_same(self) -> None:
        """A change of the contract is a choice: the committed one says the same."""
        committed = json.loads(COMMITTED.read_text("utf-8"))
        assert committed == json.loads(json.dumps(DOCUMENT))

    def test_every_code_is_documented(self) -> None:
        """Every error that a call can end with is in the document."""
        documented = {
            code
            for operation in OPERATIONS.values()
            for status in operation["responses"]
            for code in codes(operation, status)
        }
        # These stand for calls that the document does not have, and for no call at all.
        elsewhere = {"not_found", "method_not_allowed"}
        elsewhere |= {"malformed_request", "head_too_large"}
        assert documented == {error.code for error in all_errors()} - elsewhere

    def test_operation_ids_are_unique(self) -> None:
        """Generated clients get one name per operation."""
        ids = [operation["operationId"] for operation in OPERATIONS.values()]
        assert len(set(ids)) == len(ids)

    def test_authorize_button_works_with_the_token_endpoint(self) -> None:
        """The one security scheme asks the token endpoint, which is documented."""
        flow = DOCUMENT["components"]["securitySchemes"]["Cardea"]["flows"]["password"]
        assert flow["tokenUrl"] == f"{API}/auth/token"
        assert f"POST {flow['tokenUrl']}" in OPERATIONS


class TestOperations:
    """Each operation."""

    @operations
    def test_is_described(self, name: str, operation: dict[str, Any]) -> None:
        """Its summary says what it does; a description, if any, says more."""
        assert " " in operation["summary"]
        assert operation.get("description", ".").endswith(".")
        assert operation["tags"]

    @operations
    def test_answers_are_described(self, name: str, operation: dict[str, Any]) -> None:
        """Each answer is described, and each body has a shape."""
        for status, response in operation["responses"].items():
            assert response["description"]
            assert ("content" in response) == (status != "204")
            for media_type, media in response.get("content", {}).items():
                assert media_type == "text/html" or media["schema"]

    @operations
    def test_shared_errors(self, name: str, operation: dict[str, Any]) -> None:
        """What can end any call, any change, or any call by a user, is told."""
        method, path = name.split()
        assert codes(operation, "500") == {"internal_error"}
        if not path.startswith("/health/"):
            assert codes(operation, "421") == {"host_not_allowed"}
        if method in UNSAFE:
            assert "cross_site_request" in codes(operation, "403")
            assert codes(operation, "413") == {"body_too_large"}
            assert codes(operation, "415") == {"unsupported_media_type"}
        if "security" in operation and not path.endswith("/auth/logout"):
            wanted = {"not_authenticated", "invalid_token", "token_expired"}
            assert codes(operation, "401") == wanted | {"session_ended"}

    @operations
    def test_headers_of_errors(self, name: str, operation: dict[str, Any]) -> None:
        """401, 429 and 503 tell of the header that they carry."""
        headers = {
            "401": "WWW-Authenticate",
            "429": "Retry-After",
            "503": "Retry-After",
        }
        for status, header in headers.items():
            response = operation["responses"].get(status, {})
            if "application/problem+json" in response.get("content", {}):
                assert header in response["headers"]


class TestChallenge:
    """The header `Cardea-Challenge`."""

    def test_is_declared(self) -> None:
        """Whatever has a mail with a code sent tells of it, and nothing else does."""
        having = {
            f"{name} {status}"
            for name, operation in OPERATIONS.items()
            for status, response in operation["responses"].items()
            if "Cardea-Challenge" in response.get("headers", {})
        }
        assert having == {
            f"POST {API}/auth/register 201",
            f"POST {API}/auth/register 202",
            f"POST {API}/auth/email/resend 202",
            f"POST {API}/auth/password/forgot 202",
            f"POST {API}/auth/magic 202",
            f"POST {API}/users/me/email 202",
        }


class TestExamples:
    """The examples."""

    def test_schemas(self, documented: Documented) -> None:
        """Every example of a field is a value of it."""
        found = list(with_examples(DOCUMENT["components"]["schemas"]))
        assert found
        for schema in found:
            for example in schema["examples"]:
                documented.validate(example, {**schema, "examples": []})

    @operations
    def test_errors(
        self, documented: Documented, name: str, operation: dict[str, Any]
    ) -> None:
        """Every example of an error has the shape, the status and the page of it."""
        for status in operation["responses"]:
            for code in codes(operation, status):
                content = operation["responses"][status]["content"]
                media = content["application/problem+json"]
                example = media["examples"][code]["value"]
                documented.validate(example, media["schema"])
                assert example["code"] == code
                assert str(example["status"]) == status
                assert example["type"].endswith(f"/errors/{code}")

    @operations
    def test_bodies(
        self, documented: Documented, name: str, operation: dict[str, Any]
    ) -> None:
        """Every body that /docs shows is one that the operation takes."""
        for body, schema in bodies(operation):
            documented.validate(body, schema)

    @pytest.mark.parametrize(
        "name",
        ["email/verify", "email/change", "magic/verify", "password/reset"],
    )
    def test_link_and_code(self, documented: Documented, name: str) -> None:
        """What a mail brought is shown both ways, and a code is no number."""
        operation = OPERATIONS[f"POST {API}/auth/{name}"]
        media = operation["requestBody"]["content"]["application/json"]
        assert list(media["examples"]) == ["with the link", "with the code"]
        (link, schema), (code, _) = bodies(operation)
        assert "token" in link and "code" not in link and code["code"] == "123456"
        for wrong in ({**code, "code": 123456}, {**code, **link}):
            with pytest.raises(jsonschema_rs.ValidationError):
                documented.validate(wrong, schema)

    @operations
    def test_mistakes(self, name: str, operation: dict[str, Any]) -> None:
        """The example of a mistake is about a field that the operation has."""
        if "validation_failed" not in codes(operation, "422"):
            return
        media = operation["responses"]["422"]["content"]["application/problem+json"]
        [error] = media["examples"]["validation_failed"]["value"]["errors"]
        where, _, field = error["field"].partition(".")
        there = {(p["in"], p["name"]) for p in operation.get("parameters", ())}
        for body, _ in bodies(operation):
            there |= {("body", name) for name in body}
        assert (where, field) in there and error["reason"]

    async def test_work(self, client: httpx2.AsyncClient, admin: Person) -> None:
        """The example bodies do what their calls say, tried in the obvious order."""
        await register(client, "somebody@example.com")
        for method, path, status in (
            ("POST", f"{API}/auth/register", 201),
            ("POST", f"{API}/auth/login", 200),
            ("POST", f"{API}/roles", 201),
            ("PUT", f"{API}/roles/editor", 200),
        ):
            operation = OPERATIONS[f"{method} {path.replace('editor', '{name}')}"]
            content = operation["requestBody"]["content"]["application/json"]
            body = example_of(content["schema"])
            response = await client.request(
                method, path, json=body, headers=admin.headers
            )
            assert response.status_code == status, response.text

    async def test_roles_example_works(
        self, client: httpx2.AsyncClient, admin: Person
    ) -> None:
        """The example of new roles works once its role is there."""
        ada = await sign_in(client, await register(client, "ada@example.com"))
        body = example_of({"$ref": "#/components/schemas/NewRole"})
        await client.post(f"{API}/roles", json=body, headers=admin.headers)
        path = f"{API}/users/{ada.id}/roles"
        body = example_of({"$ref": "#/components/schemas/UserRoles"})
        response = await client.put(path, json=body, headers=admin.headers)
        assert response.status_code == 200
