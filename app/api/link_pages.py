"""What the pages of links have in common: their form, what follows it, and refusals."""

from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Annotated, Any

from fastapi import Depends, Request
from starlette.responses import HTMLResponse, Response

from app.api.deps import services_of
from app.api.html import PERSONAL, PageRoute, page
from app.api.link_words import words_of
from app.core.config import Settings
from app.core.exceptions import (
    AccountPasswordError,
    AppError,
    ChallengeFailedError,
    PasswordRefusedError,
    RetryLaterError,
    SignUpPasswordError,
)
from app.core.guards import SAFE_METHODS
from app.core.languages import best_language, preferred_language
from app.core.middleware import route_template
from app.services.composing import LINK_PATHS
from app.services.links import Seen

LONGEST_TOKEN = 200
"""What is longer is no link of ours with something lost or added on its way."""

_HEADERS = {**PERSONAL, "Vary": "Accept, Accept-Language"}

_NEEDED = (AccountPasswordError, SignUpPasswordError)
_NOT_YET = (*_NEEDED, PasswordRefusedError, RetryLaterError)
"""What does not use a link up: its form is shown again."""

_PURPOSES = {path: purpose for purpose, path in LINK_PATHS.items()}


@dataclass(frozen=True)
class Visit:
    """Somebody on the page of a link.

    Attributes:
        settings: The service's.
        path: Where the page is, which names its templates.
        languages: What their browser prefers, as in Accept-Language.
        token: What their link carries, as far as it is known.
        seen: What there is to see behind it; None if nothing is, or not yet.
        tried: Whether they have sent a password that shows who asked for the mail.
    """

    settings: Settings
    path: str
    languages: str
    token: str = ""
    seen: Seen | None = None
    tried: bool = False

    @property
    def language(self) -> str:
        """The language that they have chosen, or else their browser."""
        chosen = preferred_language(self.seen.locale) if self.seen else None
        return chosen or best_language(self.languages)

    @property
    def may_be_whole(self) -> bool:
        """Whether the token may be one of ours."""
        return 0 < len(self.token) <= LONGEST_TOKEN

    def form(self, error: AppError | None = None) -> HTMLResponse:
        """Return the form of the link, again if what was sent with it was refused."""
        if not self.may_be_whole:
            return self._page("incomplete", status=400)
        needed = isinstance(error, _NEEDED)
        takes_password = self.seen is not None and self.seen.takes_password
        return self._page(
            self._name,
            error,
            token=self.token,
            email=self.seen.email if self.seen else None,
            shortest=self.settings.password_min_length,
            needed=needed,
            asks=takes_password or needed or self.tried,
            tried=self.tried,
        )

    def done(self, **values: Any) -> HTMLResponse:
        """Return the page that says that what the link is for has been done."""
        return self._page(f"{self._name}_done", **values)

    def refused(self, error: AppError) -> HTMLResponse:
        """Return the page that says why nothing has been done, or can be."""
        return self._page("refused", error)

    @property
    def _name(self) -> str:
        return self.path.rpartition("/")[2].replace("-", "_")

    def _page(
        self,
        template: str,
        error: AppError | None = None,
        *,
        status: int = 200,
        **values: Any,
    ) -> HTMLResponse:
        return page(
            f"links/{template}.html",
            self.settings,
            status=error.http_status if error else status,
            headers={**_HEADERS, **(error.headers or {})} if error else _HEADERS,
            language=self.language,
            path=self.path,
            app_url=self.settings.app_url,
            error=error,
            words=words_of(error, _PURPOSES.get(self.path)) if error else None,
            **values,
        )


async def get_visit(request: Request) -> Visit:
    """Return who is here, and look what there is behind their link."""
    given = await _given(request)
    token = str(given.get("token", ""))
    visit = replace(_arrival(request), token=token, tried="password" in given)
    # What refuses the request has to know it, even if the look goes wrong.
    request.state.visit = visit
    with suppress(ChallengeFailedError):
        seen = await services_of(request).links.look(_PURPOSES[visit.path], token)
        request.state.visit = visit = replace(visit, seen=seen)
    return visit


VisitDep = Annotated[Visit, Depends(get_visit)]


class LinkRoute(PageRoute):
    """Shows the form of a link again if what was sent with it can be mended."""

    async def refuse(self, request: Request, error: AppError) -> Response:
        """Return the page that says what is wrong."""
        visit: Visit = getattr(request.state, "visit", _arrival(request))
        if isinstance(error, _NOT_YET):
            return visit.form(error)
        return visit.refused(error)


async def show_form(visit: VisitDep) -> HTMLResponse:
    """Show the form of a link that works, or say at once why it does not.

    Nothing is changed, however often it is opened, and by whom.
    """
    if visit.may_be_whole:
        if visit.seen is None:
            raise ChallengeFailedError
        if visit.seen.ended:
            raise visit.seen.ended
    return visit.form()


def _arrival(request: Request) -> Visit:
    """Return what is known of who is here before anything is read."""
    return Visit(
        services_of(request).settings,
        route_template(request.scope) or "",
        request.headers.get("accept-language", ""),
    )


async def _given(request: Request) -> Any:
    if request.method in SAFE_METHODS:
        return request.query_params
    return await request.form()
