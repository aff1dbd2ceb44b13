"""Guards: middleware that refuses requests before anything looks at them.

Plain ASGI classes inside the crash guard, which answers what they raise; outermost
first: HostCheck, CrossSiteGuard, BodyLimit. None of them waits for anything itself.
"""

import re
from collections.abc import Awaitable, Collection

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.core.cookies import Cookies
from app.core.exceptions import (
    BodyTooLargeError,
    CrossSiteRequestError,
    HostNotAllowedError,
)
from app.core.headers import header_values

MAXIMUM_BODY_BYTES = 64 * 1024
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

_NUMBER = re.compile(r"[0-9]{1,20}")
"""Python refuses to read numbers of thousands of digits."""


class HostCheck:
    """Refuses requests for a host that is not ours, except health checks.

    A link or a cache key built from a forged Host is how resets get poisoned.
    """

    def __init__(self, app: ASGIApp, hosts: Collection[str]) -> None:
        self._app = app
        self._hosts = frozenset(hosts)

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Pass on what names a host of ours."""
        if scope["type"] == "http" and not scope["path"].startswith("/health/"):
            hosts = header_values(scope, b"host")
            if len(hosts) != 1 or _without_port(hosts[0]) not in self._hosts:
                raise HostNotAllowedError
        return self._app(scope, receive, send)


class CrossSiteGuard:
    """Refuses changes that another site's page makes with the user's cookies."""

    def __init__(
        self, app: ASGIApp, cookies: Cookies, origins: Collection[str]
    ) -> None:
        self._app = app
        self._cookies = cookies
        self._origins = frozenset(origins)

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Pass on what is safe, has no cookie of ours, or comes from our own pages."""
        if scope["type"] == "http" and scope["method"] not in SAFE_METHODS:
            connection = HTTPConnection(scope)
            if self._cookies.authenticate(connection):
                refuse_other_sites(connection.headers, self._origins)
        return self._app(scope, receive, send)


def refuse_other_sites(headers: Headers, origins: Collection[str]) -> None:
    """Refuse what a browser sends for a page that is neither ours nor a friend's.

    Raises:
        CrossSiteRequestError: If it is another site's.
    """
    origin = headers.get("origin")
    if origin in origins:
        return
    site = headers.get("sec-fetch-site")
    # Without either header it is no browser that could be tricked into sending it.
    is_ours = origin is None if site is None else site in ("same-origin", "none")
    if not is_ours:
        raise CrossSiteRequestError


class BodyLimit:
    """Refuses bodies over 64 KiB, announced or not."""

    def __init__(self, app: ASGIApp, maximum: int = MAXIMUM_BODY_BYTES) -> None:
        self._app = app
        self._maximum = maximum

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Count what arrives and stop at the limit."""
        if scope["type"] != "http":
            return self._app(scope, receive, send)
        for announced in header_values(scope, b"content-length"):
            if not _NUMBER.fullmatch(announced) or int(announced) > self._maximum:
                raise BodyTooLargeError
        received = 0

        async def receive_limited() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self._maximum:
                raise BodyTooLargeError
            return message

        return self._app(scope, receive_limited, send)


def _without_port(host: str) -> str:
    name = host.lower().rstrip(".")
    head, colon, port = name.rpartition(":")
    return head if colon and port.isdecimal() else name
