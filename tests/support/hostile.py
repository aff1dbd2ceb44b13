"""What a stranger sends past every well-behaved client, and how to judge the answer."""

import json
from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import unquote

import httpx2
from fastapi import FastAPI
from sqlalchemy import select

from app.database import Database
from app.models import Base
from tests.support.problems import problem

Header = tuple[str, str]
JSON: Header = ("content-type", "application/json")
HOST: Header = ("host", "localhost:8000")
SHORTEST_TELLING = 5
"""Shorter input may stand in an answer by chance."""


async def send(
    app: FastAPI,
    method: str,
    target: str,
    headers: Iterable[Header] = (),
    chunks: Sequence[bytes] = (),
    *,
    peer: str = "192.0.2.1",
) -> httpx2.Response:
    """Send a request exactly as it is written, as a server would hand it on.

    Nothing is normalized, counted or added, but a Host header if there is none.
    """
    headers = list(headers)
    if all(name != "host" for name, _ in headers):
        headers.append(HOST)
    path, _, query = target.partition("?")
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": unquote(path),
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(name.encode(), value.encode()) for name, value in headers],
        "client": (peer, 50_000),
        "server": ("127.0.0.1", 8000),
    }
    coming = [{"type": "http.request", "body": c, "more_body": True} for c in chunks]
    coming.append({"type": "http.request", "body": b"", "more_body": False})
    sent: list[Any] = []

    async def receive() -> Any:
        return coming.pop(0) if coming else {"type": "http.disconnect"}

    async def keep(message: Any) -> None:
        sent.append(message)

    await app(scope, receive, keep)
    start, *rest = sent
    return httpx2.Response(
        start["status"],
        headers=start["headers"],
        content=b"".join(message.get("body", b"") for message in rest),
    )


def refused(
    response: httpx2.Response, status: int, code: str, *secrets: str
) -> dict[str, Any]:
    """Return the problem that an answer is; it must repeat none of these."""
    body = problem(response, status, code)
    assert not (said := echoes(response, *secrets)), said
    return body


def echoes(response: httpx2.Response, *inputs: str) -> list[str]:
    """Return which inputs an answer repeats, in its body or its headers."""
    answer = response.text + str(response.headers.raw)
    return [
        text
        for text in inputs
        if len(text) >= SHORTEST_TELLING
        and (text in answer or json.dumps(text)[1:-1] in answer)
    ]


async def contents(database: Database) -> dict[str, list[tuple[Any, ...]]]:
    """Return every row of every table, to be compared with later."""
    stored = {}
    async with database.reading() as session:
        for table in Base.metadata.sorted_tables:
            rows = await session.execute(select(table))
            stored[table.name] = sorted((tuple(row) for row in rows), key=repr)
    return stored
