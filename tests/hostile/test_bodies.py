"""Bodies that are not what they should be: every call refuses them, and whole."""

import json
from typing import Any

import httpx2
import pytest

from app.core.config import Settings
from app.core.guards import MAXIMUM_BODY_BYTES
from app.database import Database
from tests.conftest import MakeSettings
from tests.hostile.calls import CALLS, LOGIN, LOGOUT_ALL, REGISTER, Call
from tests.support.apps import RunningApp
from tests.support.hostile import JSON, contents, refused, send
from tests.support.people import API, PASSWORD, Person
from tests.support.problems import fields, problem

ADA = json.dumps({"email": "ada@example.com", "password": PASSWORD}).encode()
DEPTH = 3000

NOT_JSON = {
    "nothing": b"",
    "spaces": b"   \n",
    "text": b"hello, is it me",
    "cut-short": b'{"email": "ada@exam',
    "two-documents": b"{}{}",
    "trailing-comma": b'{"email": "ada@example.com",}',
    "single-quotes": b"{'email': 'ada@example.com'}",
    "comment": b"{} // done",
    "form": b"email=ada%40example.com&password=x",
    "xml": b"<?xml version='1.0'?><email>ada</email>",
    "not-utf-8": b'{"email": "\xff\xfe\xfd"}',
    "overlong-utf-8": b'{"email": "\xc0\xaf\xe0\x80\xaf"}',
    "raw-nul": b'{"email": "a\x00b"}',
    "raw-control": b'{"email": "a\x01b"}',
    "huge-number": b'{"email": ' + b"9" * 5000 + b"}",
    "deep-arrays": b"[" * DEPTH + b"]" * DEPTH,
    "deep-objects": b'{"email":' * DEPTH + b"1" + b"}" * DEPTH,
    "deep-and-unclosed": b"[" * 60_000,
    "deep-in-a-field": b'{"email": ' + b"[" * DEPTH + b"]" * DEPTH + b"}",
}
NOT_AN_OBJECT = {
    "array": [],
    "array-of-objects": [{"email": "ada@example.com", "password": PASSWORD}],
    "string": "hello, is it me",
    "number": 42,
    "true": True,
    "nan": float("nan"),
}
NOT_A_STRING: dict[str, Any] = {
    "array": ["ada@example.com"],
    "object": {"$gt": ""},
    "number": 1234567890,
    "huge-exponent": 1e300,
    "nan": float("nan"),
    "true": True,
}
TEXT_FIELDS = frozenset({"email", "password", "current_password", "new_password"}) | {
    *("display_name", "description", "name", "refresh_token", "status", "transport")
}
NOT_A_LIST: dict[str, Any] = {
    "string": "admin",
    "object": {"admin": True},
    "number": 1,
    "numbers": [1],
    "nested": [["admin"]],
    "nulls": [None],
}
LIST_FIELDS = frozenset({"roles", "permissions"})
NOT_A_BOOLEAN: dict[str, Any] = {
    "zero": 0,
    "one": 1,
    "true-as-text": "true",
    "off": "off",
    "empty": "",
    "array": [],
    "null": None,
}
BOOLEAN_FIELDS = frozenset({"keep_current", "email_verified"})


def fields_named(names: frozenset[str]) -> list[tuple[Call, str]]:
    """Return every field of any call that is among these."""
    found = [(call, name) for call in CALLS for name in call.body if name in names]
    assert {name for _, name in found} == names
    return found


async def ask(
    client: httpx2.AsyncClient, call: Call, content: bytes, who: Person, **headers: str
) -> httpx2.Response:
    """Make a call as this person."""
    sent = {"Content-Type": "application/json", **who.headers, **headers}
    return await client.request(call.method, call.path, content=content, headers=sent)


@pytest.fixture
def settings(make: MakeSettings) -> Settings:
    """Without limits: many wrong requests come from one place here."""
    return make(rate_limits=False)


class TestNotJson:
    """A body that is no JSON."""

    @pytest.mark.parametrize("content", NOT_JSON.values(), ids=NOT_JSON)
    async def test_is_refused_by_every_call(
        self,
        client: httpx2.AsyncClient,
        admin: Person,
        database: Database,
        content: bytes,
    ) -> None:
        """The answer is 422 and names the body or field; nothing is changed."""
        before = await contents(database)
        for call in CALLS:
            if call.optional and not content:
                continue
            response = await ask(client, call, content, admin)
            refused(response, 422, "validation_failed", "ada@exam", "hello", "9999999")
        assert await contents(database) == before


class TestNotAnObject:
    """JSON of another kind than an object."""

    @pytest.mark.parametrize("value", NOT_AN_OBJECT.values(), ids=NOT_AN_OBJECT)
    async def test_is_refused_by_every_call(
        self, client: httpx2.AsyncClient, admin: Person, database: Database, value: Any
    ) -> None:
        """The answer is 422; nothing is changed."""
        before = await contents(database)
        for call in CALLS:
            response = await ask(client, call, json.dumps(value).encode(), admin)
            refused(response, 422, "validation_failed", PASSWORD, "hello")
        assert await contents(database) == before

    async def test_null_is_no_body(
        self, client: httpx2.AsyncClient, admin: Person
    ) -> None:
        """`null` is refused where a body is needed."""
        for call in CALLS:
            if not call.optional:
                response = await ask(client, call, b"null", admin)
                refused(response, 422, "validation_failed")


class TestEmpty:
    """No body at all where one is needed."""

    async def test_names_the_fields(
        self, client: httpx2.AsyncClient, admin: Person
    ) -> None:
        """It is refused like `{}`: with the fields that are required."""
        needed = fields(await ask(client, LOGIN, b"", admin))
        assert needed == ["body.email", "body.password"]
        for call in CALLS:
            if not call.optional:
                empty = await ask(client, call, b"{}", admin)
                response = await ask(client, call, b"", admin)
                assert fields(response) == fields(empty)

    async def test_either_or(self, client: httpx2.AsyncClient) -> None:
        """Where one of two things is needed, that is what it says."""
        path, headers = f"{API}/auth/email/verify", {"Content-Type": "application/json"}
        response = await client.post(path, headers=headers)
        [error] = problem(response, 422, "validation_failed")["errors"]
        assert "token, or challenge_id and code" in error["reason"]

    async def test_beside_another_mistake(
        self, client: httpx2.AsyncClient, admin: Person
    ) -> None:
        """Other mistakes are named too."""
        call = Call("PUT", f"{API}/users/nobody/roles", {})
        response = await ask(client, call, b"", admin)
        assert fields(response) == ["path.user_id", "body.roles"]


class TestWrongType:
    """A member of another type."""

    @pytest.mark.parametrize("value", NOT_A_STRING.values(), ids=NOT_A_STRING)
    async def test_nothing_passes_for_text(
        self, client: httpx2.AsyncClient, admin: Person, value: Any
    ) -> None:
        """Each text field refuses arrays, objects, numbers and truth values."""
        for call, name in fields_named(TEXT_FIELDS):
            content = json.dumps({**call.body, name: value}).encode()
            response = await ask(client, call, content, admin)
            refused(response, 422, "validation_failed", "ada@example.com", "$gt")
            assert fields(response)[0].startswith(f"body.{name}")

    @pytest.mark.parametrize("value", NOT_A_LIST.values(), ids=NOT_A_LIST)
    async def test_nothing_passes_for_a_list_of_names(
        self, client: httpx2.AsyncClient, admin: Person, value: Any
    ) -> None:
        """A string is no list of roles or permissions, and 1 is no name."""
        for call, name in fields_named(LIST_FIELDS):
            content = json.dumps({**call.body, name: value}).encode()
            refused(await ask(client, call, content, admin), 422, "validation_failed")

    @pytest.mark.parametrize("value", NOT_A_BOOLEAN.values(), ids=NOT_A_BOOLEAN)
    async def test_nothing_passes_for_a_truth_value(
        self, client: httpx2.AsyncClient, admin: Person, value: Any
    ) -> None:
        """Only `true` and `false` are."""
        for call, name in fields_named(BOOLEAN_FIELDS):
            content = json.dumps({**call.body, name: value}).encode()
            refused(await ask(client, call, content, admin), 422, "validation_failed")


class TestUnknownFields:
    """A member that the call does not know."""

    @pytest.mark.parametrize("call", CALLS, ids=lambda call: call.name)
    async def test_are_refused(
        self,
        client: httpx2.AsyncClient,
        admin: Person,
        database: Database,
        call: Call,
    ) -> None:
        """The answer names the field, not its value, and nothing is changed."""
        before = await contents(database)
        body = {**call.body, "surprise": "do not repeat me"}
        response = await ask(client, call, json.dumps(body).encode(), admin)
        problem = refused(response, 422, "validation_failed", "do not repeat me")
        assert problem["errors"] == [
            {"field": "body.surprise", "reason": "Extra inputs are not permitted"}
        ]
        assert await contents(database) == before

    async def test_long_names_are_cut(self, client: httpx2.AsyncClient) -> None:
        """What is no field of ours comes back with 100 characters at most."""
        body = {"email": "ada@example.com", "password": PASSWORD, "n" * 60_000: 1}
        response = await client.post(REGISTER.path, json=body)
        assert fields(response) == [f"body.{'n' * 95}"]

    async def test_many_are_not_all_listed(self, client: httpx2.AsyncClient) -> None:
        """Thousands of unknown fields get a short answer."""
        body = {f"field{number}": number for number in range(3000)}
        response = await client.post(REGISTER.path, json=body)
        assert len(fields(response)) == 20

    async def test_name_with_lone_surrogate(self, client: httpx2.AsyncClient) -> None:
        """A name that UTF-8 can't write is refused without being repeated."""
        content = b'{"email": "a@example.com", "password": "x", "\\ud800": 1}'
        response = await client.post(
            LOGIN.path, content=content, headers={"Content-Type": "application/json"}
        )
        assert fields(response) == ["body"]


class TestSize:
    """Bodies over 64 KiB."""

    async def test_largest(self, running: RunningApp) -> None:
        """65,536 bytes are taken."""
        content = ADA.ljust(MAXIMUM_BODY_BYTES)
        length = ("content-length", str(len(content)))
        response = await send(
            running.app, "POST", REGISTER.path, [JSON, length], [content]
        )
        assert response.status_code == 201

    @pytest.mark.parametrize("call", CALLS, ids=lambda call: call.name)
    async def test_announced_megabyte(
        self, running: RunningApp, database: Database, call: Call
    ) -> None:
        """It is refused for what it announces, before a byte of it is read."""
        before = await contents(database)
        headers = [JSON, ("content-length", "1048576")]
        response = await send(running.app, call.method, call.path, headers, [ADA])
        refused(response, 413, "body_too_large")
        assert await contents(database) == before

    async def test_unannounced_megabyte(
        self, running: RunningApp, database: Database
    ) -> None:
        """A chunked body is refused at the first byte too many."""
        before = await contents(database)
        chunks = [ADA.ljust(MAXIMUM_BODY_BYTES), *[b" " * 65_536] * 15]
        headers = [JSON, ("transfer-encoding", "chunked")]
        response = await send(running.app, "POST", REGISTER.path, headers, chunks)
        refused(response, 413, "body_too_large", "ada@example.com")
        assert await contents(database) == before

    @pytest.mark.parametrize(
        "length", ["-1", "1e3", "0x10", "twelve", "", " ", "9" * 4000, "٣"]
    )
    async def test_length_that_is_no_length(
        self, running: RunningApp, length: str
    ) -> None:
        """A length that is not digits, or too many, is refused."""
        headers = [JSON, ("content-length", length)]
        response = await send(running.app, "POST", REGISTER.path, headers, [ADA])
        refused(response, 413, "body_too_large", length)

    async def test_body_on_get(self, running: RunningApp) -> None:
        """The limit holds for every method."""
        headers = [("content-length", "1048576")]
        response = await send(running.app, "GET", f"{API}/users/me", headers)
        refused(response, 413, "body_too_large")


class TestOptionalBody:
    """Calls that need no body."""

    async def test_sign_out_everywhere_without(
        self, client: httpx2.AsyncClient, ada: Person
    ) -> None:
        """No body and no content type end every session."""
        response = await client.post(LOGOUT_ALL.path, headers=ada.headers)
        assert response.status_code == 204
        again = await client.get(f"{API}/users/me", headers=ada.headers)
        refused(again, 401, "session_ended")
