"""How routes are declared, and what they look at before a body is read."""

from collections.abc import Callable, Coroutine
from inspect import signature
from typing import Any, ClassVar
from weakref import WeakKeyDictionary

from fastapi import APIRouter, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import TypeAdapter
from starlette.types import Receive, Scope, Send

from app.core.exceptions import UnsupportedMediaTypeError
from app.core.headers import header_value, header_values
from app.services.principals import Principal

Handler = Callable[[Request], Coroutine[Any, Any, Response]]

_NO_BODY = (("body",), "missing")


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
            self._refuse_others(request.scope)
            try:
                return await handle(request)
            except RequestValidationError as error:
                raise self._naming_fields(error) from None

        return handle_its_media_type

    def _naming_fields(self, error: RequestValidationError) -> RequestValidationError:
        """Have a body that is not there named as one that is empty: by its fields."""
        found = error.errors()
        others = [one for one in found if (one["loc"], one["type"]) != _NO_BODY]
        if self.body_field is None or len(others) == len(found):
            return error
        _, missing = self.body_field.validate({}, loc=("body",))
        return RequestValidationError([*others, *missing])

    def _refuse_others(self, scope: Scope) -> None:
        announced = header_value(scope, b"content-length", "0")
        if announced == "0" and not header_values(scope, b"transfer-encoding"):
            return
        sent = header_value(scope, b"content-type").partition(";")[0]
        if sent.strip().lower() != self.media_type:
            raise UnsupportedMediaTypeError


class CallerRoute(JsonRoute):
    """Answers with what follows from the caller alone.

    It is declared, and described to clients, like any other route. But FastAPI takes
    longer to resolve its one dependency, look for a body and validate its answer than
    the rest of the service needs, and a token check is what is asked most. The answer
    is made once for each principal; there is a new one when anything has changed.
    """

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        super().__init__(path, endpoint, **options)
        [caller] = self.dependant.dependencies
        assert caller.call is not None and len(signature(endpoint).parameters) == 1
        self._find_caller = caller.call
        self._answers: WeakKeyDictionary[Principal, bytes] = WeakKeyDictionary()
        self._shape = TypeAdapter[Any](self.response_model)
        self.app = self._answer

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._refuse_others(scope)
        principal = await self._find_caller(Request(scope, receive))
        body = self._answers.get(principal)
        if body is None:
            body = self._shape.dump_json(await self.endpoint(principal), by_alias=True)
            self._answers[principal] = body
        headers = [
            (b"content-length", b"%d" % len(body)),
            (b"content-type", b"application/json"),
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})


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
