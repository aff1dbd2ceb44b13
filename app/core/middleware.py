"""What every request passes on its way in and every answer on its way out.

Plain ASGI classes, outermost first: StartupGuard, RequestLog, SecurityHeaders, Cors,
CrashGuard, and then those of `guards.py`, which refuse requests.
"""

import logging
import re
import time
from collections.abc import Sequence
from functools import lru_cache, partial
from typing import Any

import uuid_utils
from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.core.client import client_address
from app.core.exceptions import (
    AppError,
    CrossSiteRequestError,
    InternalError,
    StartupError,
)
from app.core.headers import header_values
from app.core.logging import request_id
from app.core.metrics import request_answered
from app.core.problems import Problems
from app.core.settings.service import Network

logger = logging.getLogger(__name__)

DEVICE_HEADER = "Cardea-Device"
"""Where programs without cookies carry their device token, both ways."""

CHALLENGE_HEADER = "Cardea-Challenge"
"""Where whoever asks for a mail is told what its code is to be given with."""

REMEMBERED_CLIENTS = 1000
"""To find out which of the addresses that a request names is its client's costs more
than most of what is done here."""

LONGEST_REMEMBERED = 200

_STATUS = "cardea.status"
"""Where a scope has the status of its answer, once that has begun."""

_REQUEST_ID = b"x-request-id"
_GOOD_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,128}")
_SECURITY_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_VARY = (b"vary", b"Origin")
_HSTS = "max-age=31536000; includeSubDomains"


class StartupGuard:
    """Turns a start that is refused into one line instead of a traceback."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything on but the traceback of a refused start."""
        if scope["type"] != "lifespan":
            await self._app(scope, receive, send)
            return

        failure: Message | None = None

        async def send_all_but_failure(message: Message) -> None:
            nonlocal failure
            if message["type"] == "lifespan.startup.failed":
                failure = message
            else:
                await send(message)

        try:
            await self._app(scope, receive, send_all_but_failure)
        except StartupError as error:
            await send({"type": "lifespan.startup.failed", "message": str(error)})
        except BaseException:
            # Unsaid, a failed start would pass for an app that has nothing to start.
            if failure is not None:
                await send(failure)
            raise


class RequestLog:
    """Gives each request an id, finds out its client's address, writes one line.

    What stands in the scope's state under `log` is part of that line; whoever learns
    more about the caller adds it there.
    """

    def __init__(self, app: ASGIApp, proxies: Sequence[Network]) -> None:
        self._app = app
        self._find_address = lru_cache(REMEMBERED_CLIENTS)(
            partial(client_address, proxies=proxies)
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with `X-Request-ID`; log the method, route, status and duration."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        own_id = _request_id(scope)
        token = request_id.set(own_id)
        scope.setdefault("state", {})["log"] = {"client": self._address(scope)}
        started = time.perf_counter()

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                scope[_STATUS] = message["status"]
                others = [one for one in message["headers"] if one[0] != _REQUEST_ID]
                message["headers"] = [*others, (_REQUEST_ID, own_id.encode())]
            await send(message)

        try:
            await self._app(scope, receive, send_with_id)
        finally:
            seconds = time.perf_counter() - started
            facts = _facts(scope, round(seconds * 1000, 2))
            logger.info("request.answered", extra=facts)
            request_answered(facts["method"], facts["route"], facts["status"], seconds)
            request_id.reset(token)

    def _address(self, scope: Scope) -> str:
        peer = scope["client"][0] if scope.get("client") else None
        forwarded = tuple(header_values(scope, b"x-forwarded-for"))
        # The text is anybody's: what is long would fill the memory.
        is_short = sum(map(len, forwarded)) <= LONGEST_REMEMBERED
        remembered = self._find_address
        find = remembered if is_short else remembered.__wrapped__
        return find(peer, forwarded)


class SecurityHeaders:
    """Adds the headers that browsers obey; an answer's own headers win."""

    def __init__(self, app: ASGIApp, https: bool) -> None:
        self._app = app
        headers = dict(_SECURITY_HEADERS)
        if https:
            headers["Strict-Transport-Security"] = _HSTS
        self._headers = Headers(headers).raw

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Complete the headers of every answer."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                names = {name for name, _ in message["headers"]}
                ours = [one for one in self._headers if one[0] not in names]
                message["headers"] = [*message["headers"], *ours]
            await send(message)

        await self._app(scope, receive, send_with_headers)


class Cors(CORSMiddleware):
    """Starlette's, whose refusals look like every other error."""

    def __init__(
        self, app: ASGIApp, problems: Problems, origins: Sequence[str]
    ) -> None:
        super().__init__(
            app,
            allow_origins=origins,
            allow_credentials=True,
            allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
            allow_headers=["Authorization", DEVICE_HEADER, "X-Request-ID"],
            expose_headers=[
                "Retry-After",
                CHALLENGE_HEADER,
                DEVICE_HEADER,
                "X-Request-ID",
            ],
            max_age=600,
        )
        self._problems = problems

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer pages of other origins; all others are told what caches must know."""
        if scope["type"] != "http" or header_values(scope, b"origin"):
            await super().__call__(scope, receive, send)
            return

        async def send_with_vary(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), _VARY]
            await send(message)

        await self.app(scope, receive, send_with_vary)

    def preflight_response(self, request_headers: Headers) -> Response:
        """Say whether a page of another origin may ask what it is about to ask."""
        response = super().preflight_response(request_headers)
        if response.status_code < 400:
            return response
        refusal = self._problems.response(CrossSiteRequestError())
        refusal.headers["Vary"] = response.headers["Vary"]
        return refusal


class CrashGuard:
    """Answers what nobody else did: errors of middleware, and crashes."""

    def __init__(self, app: ASGIApp, problems: Problems) -> None:
        self._app = app
        self._problems = problems

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Turn an exception into a problem, unless an answer has begun."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            await self._app(scope, receive, send)
        except Exception as error:
            if _STATUS in scope:
                raise
            response = self._problems.response(_expected(error))
            await response(scope, receive, send)


def _request_id(scope: Scope) -> str:
    given = header_values(scope, _REQUEST_ID)
    if given and _GOOD_REQUEST_ID.fullmatch(given[0]):
        return given[0]
    return uuid_utils.uuid4().hex


def _facts(scope: Scope, duration_ms: float) -> dict[str, Any]:
    return {
        "method": scope["method"],
        "route": route_template(scope),
        "status": scope.get(_STATUS, 0),
        "duration_ms": duration_ms,
        **scope["state"]["log"],
    }


def route_template(scope: Scope) -> str | None:
    """Return the path as declared, `/api/v1/users/{user_id}`, or None if none matched.

    The path itself is the caller's text, and too various to count by.
    """
    matched = scope.get("fastapi", {}).get("effective_route_context")
    return getattr(matched or scope.get("route"), "path_format", None)


def _expected(error: Exception) -> AppError:
    if isinstance(error, AppError):
        return error
    logger.error("request.crashed", exc_info=error)
    return InternalError()
