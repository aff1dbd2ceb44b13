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
from app.core.colors import readable_on, readable_variant
from app.core.config import Settings
from app.core.exceptions import AppError, ValidationFailedError
from app.core.guards import SAFE_METHODS, refuse_other_sites
from app.core.languages import LANGUAGES
from app.core.problems import as_app_error
from app.core.translations import Translations

TRANSLATIONS = Translations("pages")

LIGHT_GROUND, DARK_GROUND = "#fbfaf7", "#1c2029"
"""Of the two that text stands on in a scheme, the one on which it is read worse."""

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
            services_of(request).settings,
            status=error.http_status,
            headers={**PERSONAL, **(error.headers or {})},
            error=error,
        )


def wants_page(request: Request) -> bool:
    """Tell whether a browser shows the answer to somebody."""
    return "text/html" in request.headers.get("accept", "")


def page(
    template: str,
    settings: Settings,
    *,
    status: int = 200,
    headers: Mapping[str, str] = PUBLIC,
    language: str = LANGUAGES[0],
    **values: Any,
) -> HTMLResponse:
    """Return a rendered page; its style stands inside, nothing else is loaded."""
    html = (
        _templates()
        .get_template(template)
        .render(
            values,
            name=settings.service_name,
            accent=_accent(settings.mail_color),
            language=language,
        )
    )
    return HTMLResponse(html, status, {**headers, "Content-Language": language})


@cache
def _accent(color: str) -> dict[str, str]:
    """Return what the operator's colour becomes in each scheme.

    In the light one buttons have it as it is; what is thin or small, as links are, may
    need another shade to be seen.
    """
    dark = readable_variant(color, DARK_GROUND)
    return {
        "button": color,
        "on_button": readable_on(color),
        "light": readable_variant(color, LIGHT_GROUND),
        "dark": dark,
        "on_dark": readable_on(dark),
    }


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
    TRANSLATIONS.install(environment)
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
