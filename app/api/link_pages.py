"""What the pages of links have in common: their form, and what follows it."""

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, Response

from app.api.deps import SettingsDep, services_of
from app.api.html import PERSONAL, PageRoute, page
from app.core.config import Settings
from app.core.exceptions import (
    AccountPasswordError,
    AppError,
    PasswordRefusedError,
    RetryLaterError,
    SignUpPasswordError,
)

LONGEST_TOKEN = 200
"""What is longer is no link of ours with something lost or added on its way."""

_NEEDED = (AccountPasswordError, SignUpPasswordError)
_NOT_YET = (*_NEEDED, PasswordRefusedError, RetryLaterError)
"""What does not use a link up: its form is shown again."""


class LinkRoute(PageRoute):
    """Shows the form of a link again if what was sent with it can be mended."""

    async def refuse(self, request: Request, error: AppError) -> Response:
        """Return the page that says what is wrong."""
        if not isinstance(error, _NOT_YET):
            return await super().refuse(request, error)
        given = await request.form()
        settings = services_of(request).settings
        tried = "password" in given
        return link_form(
            self.path, settings, str(given.get("token", "")), error, tried=tried
        )


def offer(router: APIRouter, path: str) -> None:
    """Have a link show a form, whose sending does what the link is for."""

    async def show_form(settings: SettingsDep, token: str = "") -> HTMLResponse:
        """Show it; nothing is looked up, so a good link looks like any other."""
        return link_form(router.prefix + path, settings, token)

    router.add_api_route(path, show_form, methods=["GET", "HEAD"])


def link_form(
    path: str,
    settings: Settings,
    token: str,
    error: AppError | None = None,
    *,
    tried: bool = False,
) -> HTMLResponse:
    """Return the form of a link, again if what was sent with it was refused.

    Args:
        path: Where it is sent to, which names its template.
        settings: The service's.
        token: What the link carries.
        error: What is wrong with what was sent.
        tried: Whether a password was sent that shows who asked for the mail.
    """
    name = settings.service_name
    if not 0 < len(token) <= LONGEST_TOKEN:
        return page(_template("incomplete"), status=400, headers=PERSONAL, name=name)
    needed = isinstance(error, _NEEDED)
    return page(
        _template(path),
        status=error.http_status if error else 200,
        headers={**PERSONAL, **((error and error.headers) or {})},
        name=name,
        path=path,
        token=token,
        shortest=settings.password_min_length,
        error=error,
        needed=needed,
        asks=needed or tried,
        tried=tried,
    )


def link_done(path: str, settings: Settings, **values: Any) -> HTMLResponse:
    """Return the page that says that what a link is for has been done."""
    template = _template(f"{path}_done")
    return page(template, headers=PERSONAL, name=settings.service_name, **values)


def _template(path: str) -> str:
    name = path.rpartition("/")[2].replace("-", "_")
    return f"links/{name}.html"
