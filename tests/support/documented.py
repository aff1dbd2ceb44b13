"""Holds answers against what the OpenAPI document says about them."""

import re
from typing import Any

import httpx2
import jsonschema_rs


class Documented:
    """The OpenAPI document, as the judge of real answers."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._components = document["components"]
        self._validators: dict[str, jsonschema_rs.Validator] = {}
        self._operations = {
            (method, path): operation
            for path, operations in document["paths"].items()
            for method, operation in operations.items()
        }
        # A path with fewer parameters is meant first: /users/me before /users/{id}.
        self._paths = [
            (re.compile(re.sub(r"\{\w+\}", "[^/]+", path)), path)
            for path in sorted(document["paths"], key=lambda path: path.count("{"))
        ]

    async def check(self, response: httpx2.Response) -> None:
        """Refuse an answer that the document does not tell of."""
        operation = self._operation_of(response.request)
        if operation is None:
            return
        await response.aread()
        documented = operation["responses"].get(str(response.status_code))
        assert documented, f"undocumented: {_describe(response)}"
        media_type = response.headers.get("content-type", "").partition(";")[0]
        content = documented.get("content", {})
        assert content.keys() or not response.content, _describe(response)
        if content:
            assert media_type in content, f"undocumented type: {_describe(response)}"
            self._check_body(response, media_type, content[media_type])

    def _check_body(
        self, response: httpx2.Response, media_type: str, media: dict[str, Any]
    ) -> None:
        if not media_type.endswith("json"):
            return
        body = response.json()
        self.validate(body, media["schema"])
        if media_type == "application/problem+json":
            codes = media["examples"]
            assert body["code"] in codes, f"undocumented: {_describe(response)}"

    def validate(self, value: Any, schema: dict[str, Any]) -> None:
        """Refuse a value that does not have this shape."""
        key = str(schema)
        if key not in self._validators:
            whole = {**schema, "components": self._components}
            self._validators[key] = jsonschema_rs.validator_for(
                whole, validate_formats=True
            )
        self._validators[key].validate(value)

    def _operation_of(self, request: httpx2.Request) -> dict[str, Any] | None:
        for pattern, path in self._paths:
            if pattern.fullmatch(request.url.path):
                return self._operations.get((request.method.lower(), path))
        return None


def _describe(response: httpx2.Response) -> str:
    request = response.request
    return f"{request.method} {request.url} -> {response.status_code} {response.text}"
