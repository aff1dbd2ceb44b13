"""No request makes the service hold more than 64 KiB of it."""

from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send

from app.core.exceptions import BodyTooLargeError
from app.core.guards import MAXIMUM_BODY_BYTES, BodyLimit
from tests.support.apps import RunningApp
from tests.support.hostile import JSON, refused, send
from tests.support.people import API

LOGIN = f"{API}/auth/login"


class TestOverHttp:
    """What callers see."""

    @pytest.mark.parametrize("excess", [0, 1])
    @pytest.mark.parametrize("announced", [True, False])
    async def test_boundary(
        self, running: RunningApp, announced: bool, excess: int
    ) -> None:
        """65,536 bytes are read, one more is not, announced or chunked."""
        body = b" " * (MAXIMUM_BODY_BYTES + excess)
        length = ("content-length", str(len(body)))
        headers = [JSON, length if announced else ("transfer-encoding", "chunked")]
        response = await send(
            running.app, "POST", LOGIN, headers, [body[:40_000], body[40_000:]]
        )
        if excess:
            refused(response, 413, "body_too_large")
        else:
            refused(response, 422, "validation_failed")

    async def test_lies_about_its_length(self, running: RunningApp) -> None:
        """What arrives counts, whatever was announced."""
        headers = [JSON, ("content-length", "10")]
        chunks = [b" " * 50_000] * 2
        response = await send(running.app, "POST", LOGIN, headers, chunks)
        refused(response, 413, "body_too_large")

    async def test_form(self, running: RunningApp) -> None:
        """Forms have the same limit and the same problem."""
        headers = [
            ("content-type", "application/x-www-form-urlencoded"),
            ("transfer-encoding", "chunked"),
        ]
        chunks = [b"username=" + b"a" * 70_000]
        response = await send(running.app, "POST", f"{API}/auth/token", headers, chunks)
        refused(response, 413, "body_too_large")

    async def test_path_without_an_endpoint(self, running: RunningApp) -> None:
        """It is refused before anybody looks where it goes."""
        headers = [("content-length", "1000000")]
        response = await send(running.app, "POST", "/nowhere", headers)
        refused(response, 413, "body_too_large")

    async def test_lengths_that_no_integer_holds(self, running: RunningApp) -> None:
        """More digits than Python reads are too many, not a crash."""
        headers = [JSON, ("content-length", "9" * 5000)]
        response = await send(running.app, "POST", LOGIN, headers)
        refused(response, 413, "body_too_large")

    async def test_each_length_counts(self, running: RunningApp) -> None:
        """A second length is not hidden by a first."""
        headers = [JSON, ("content-length", "10"), ("content-length", "1000000")]
        response = await send(running.app, "POST", LOGIN, headers)
        refused(response, 413, "body_too_large")


class TestReading:
    """What the rest of the service gets to read."""

    async def test_nothing_is_read_ahead(self) -> None:
        """The limit passes chunks on one by one and stops at the first too many."""
        read: list[int] = []
        asked = 0

        async def endless() -> Message:
            nonlocal asked
            asked += 1
            return {"type": "http.request", "body": b"x" * 30, "more_body": True}

        async def reader(scope: Scope, receive: Receive, send: Send) -> None:
            while True:
                read.append(len((await receive())["body"]))

        async def ignore(message: Any) -> None:
            return None

        limit = BodyLimit(reader, maximum=100)
        scope = {"type": "http", "headers": []}
        with pytest.raises(BodyTooLargeError):
            await limit(scope, endless, ignore)
        assert (read, asked) == ([30, 30, 30], 4)
