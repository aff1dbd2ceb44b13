"""Pages for people: one look, no script, rendered here."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse

from app.api.deps import services_of
from app.api.routes import FormRoute, Handler
from app.core.exceptions import AppError, ValidationFailedError
from app.core.guards import SAFE_METHODS, refuse_other_sites
from app.core.problems import as_app_error

_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; "
    "base-uri 'none'; form-action"
)

PUBLIC = {
    "Content-Security-Policy": f"{_POLICY} 'none'",
    "Cache-Control": "public, max-age=300",
    "Vary": "Accept",
}
"""The headers of a page that is the same for everybody."""

PERSONAL = {
    "Content-Security-Policy": f"{_POLICY} 'self'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "strict-origin",
    "Vary": "Accept",
    "X-Robots-Tag": "noindex",
}
"""The headers of a page for one reader, whose address or text may hold a token.

Where it leads to learns our origin, never its address. With `no-referrer`, browsers
would send its own form with `Origin: null`; those that do not say Sec-Fetch-Site, as
none does over http to anything but this machine, would be refused as another site's.
"""


class PageRoute(FormRoute):
    """Takes forms from our own pages only, and tells browsers on a page what is wrong.

    Programs get the problem document that they get everywhere.
    """

    def get_route_handler(self) -> Handler:
        """Wrap the endpoint."""
        handle = super().get_route_handler()

        async def handle_for_people(request: Request) -> Response:
            try:
                if request.method not in SAFE_METHODS:
                    refuse_other_sites(request.headers, _own_origins(request))
                return await handle(request)
            except HTTPException as error:
                if not wants_page(request):
                    raise
                return await self.refuse(request, as_app_error(error))
            except RequestValidationError:
                if not wants_page(request):
                    raise
                return await self.refuse(request, ValidationFailedError())

        return handle_for_people

    async def refuse(self, request: Request, error: AppError) -> Response:
        """Return the page that says what is wrong."""
        return page(
            "refused.html",
            status=error.http_status,
            headers={**PERSONAL, **(error.headers or {})},
            name=services_of(request).settings.service_name,
            error=error,
        )


def wants_page(request: Request) -> bool:
    """Tell whether a browser shows the answer to somebody."""
    return "text/html" in request.headers.get("accept", "")


def page(
    template: str,
    *,
    status: int = 200,
    headers: Mapping[str, str] = PUBLIC,
    **values: Any,
) -> HTMLResponse:
    """Return a rendered page; its style stands inside, nothing else is loaded."""
    html = _templates().get_template(template).render(**values)
    return HTMLResponse(html, status, headers)


@cache
def _templates() -> Environment:
    environment = Environment(
        loader=PackageLoader("app", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["inline_code"] = _inline_code
    return environment


def _inline_code(text: str) -> Markup:
    """Return text in which `this` is set as code."""
    parts = str(escape(text)).split("`")
    for index in range(1, len(parts), 2):
        parts[index] = f"<code>{parts[index]}</code>"
    return Markup("".join(parts))


def _own_origins(request: Request) -> set[str]:
    settings = services_of(request).settings
    return {settings.public_url, *settings.cors_origins}
