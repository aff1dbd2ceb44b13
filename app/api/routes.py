"""Routes that look at a request before anything reads its body."""

from collections.abc import Callable, Coroutine
from typing import Any, ClassVar

from fastapi import Request, Response
from fastapi.routing import APIRoute

from app.core.exceptions import UnsupportedMediaTypeError

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class JsonRoute(APIRoute):
    """Refuses bodies that are not JSON.

    A web page can send forms and plain text anywhere without asking, but not JSON
    (CVE-2021-32677).
    """

    media_type: ClassVar[str] = "application/json"

    def get_route_handler(self) -> Handler:
        """Wrap the endpoint."""
        handle = super().get_route_handler()

        async def handle_its_media_type(request: Request) -> Response:
            self._refuse_others(request)
            return await handle(request)

        return handle_its_media_type

    def _refuse_others(self, request: Request) -> None:
        headers = request.headers
        has_body = headers.get("content-length", "0") != "0"
        if has_body or "transfer-encoding" in headers:
            sent = headers.get("content-type", "").partition(";")[0].strip().lower()
            if sent != self.media_type:
                raise UnsupportedMediaTypeError


class FormRoute(JsonRoute):
    """Refuses bodies that are no form of the kind that OAuth 2 uses."""

    media_type = "application/x-www-form-urlencoded"
