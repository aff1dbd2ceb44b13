"""Pages for people: one look, no script, rendered here."""

from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape
from starlette.responses import HTMLResponse

_CONTENT_SECURITY_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; "
    "base-uri 'none'; form-action 'none'"
)


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


def page(template: str, **values: Any) -> HTMLResponse:
    """Return a rendered page; its style stands inside, nothing else is loaded."""
    html = _templates().get_template(template).render(**values)
    headers = {
        "Content-Security-Policy": _CONTENT_SECURITY_POLICY,
        "Cache-Control": "public, max-age=300",
        "Vary": "Accept",
    }
    return HTMLResponse(html, headers=headers)
