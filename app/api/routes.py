"""How routes are declared, and what they look at before a body is read."""

from collections.abc import Callable, Coroutine
from typing import Any, ClassVar

from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute

from app.core.exceptions import UnsupportedMediaTypeError
from app.core.headers import header_value, header_values

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
        scope = request.scope
        announced = header_value(scope, b"content-length", "0")
        if announced == "0" and not header_values(scope, b"transfer-encoding"):
            return
        sent = header_value(scope, b"content-type").partition(";")[0]
        if sent.strip().lower() != self.media_type:
            raise UnsupportedMediaTypeError


class FormRoute(JsonRoute):
    """Refuses bodies that are no form of the kind that OAuth 2 uses."""

    media_type = "application/x-www-form-urlencoded"


def declare(prefix: str, tag: str, route_class: type[APIRoute] = APIRoute) -> APIRouter:
    """Return a router whose routes are complete: they need no other one around them.

    FastAPI matches nested routers anew at every level, and asks all of them each time
    whether they have changed.
    """
    return APIRouter(
        prefix=prefix,
        tags=[tag],
        route_class=route_class,
        generate_unique_id_function=lambda route: route.name,
    )
