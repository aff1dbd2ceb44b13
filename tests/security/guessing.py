"""Guesses at passwords, sent through any door from anywhere."""

import json

import httpx2

from tests.support.apps import RunningApp
from tests.support.hostile import JSON, Header, send
from tests.support.people import API

LOGIN, TOKEN = f"{API}/auth/login", f"{API}/auth/token"
ADA, WRONG = "ada@example.com", "a wrong guess at it"
PER_ACCOUNT, PER_NETWORK = 10, 50
"""Wrong passwords in five minutes."""

_FORM: Header = ("content-type", "application/x-www-form-urlencoded")


async def guess(
    running: RunningApp,
    email: str = ADA,
    password: str = WRONG,
    *headers: Header,
    path: str = LOGIN,
    peer: str = "192.0.2.1",
) -> httpx2.Response:
    """Try a password."""
    content = json.dumps({"email": email, "password": password})
    kind = JSON
    if path == TOKEN:
        form = {"grant_type": "password", "username": email, "password": password}
        content, kind = str(httpx2.QueryParams(form)), _FORM
    chunks = [content.encode()]
    return await send(running.app, "POST", path, [kind, *headers], chunks, peer=peer)
