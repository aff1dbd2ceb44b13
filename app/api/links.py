"""The pages that links in mails lead to.

Mail is opened by more than its reader: scanners and previews follow every link. So a
link leads to a page with a form, and only sending that does what the link is for.
"""

from typing import Annotated

from fastapi import APIRouter, Form, Request
from pydantic import BaseModel, SecretStr
from starlette.responses import HTMLResponse

from app.api.deps import (
    ClientDep,
    MailSignInDep,
    RecoveryDep,
    SettingsDep,
    SignUpDep,
    cookies_of,
    services_of,
)
from app.api.html import PERSONAL, PageRoute, page, wants_page
from app.api.tokens import TokenWriter
from app.core.challenge_tokens import Proof
from app.core.config import Settings
from app.core.exceptions import (
    AppError,
    PasswordRefusedError,
    RetryLaterError,
    SignUpPasswordError,
)
from app.schemas.base import NewPassword, Password

LONGEST_TOKEN = 200
"""What is longer is no link of ours with something lost or added on its way."""

_VERIFY, _RESET = "verify_email.html", "reset_password.html"
_SIGN_IN = "sign_in.html"
_READ = ["GET", "HEAD"]

router = APIRouter(prefix="/links", include_in_schema=False, route_class=PageRoute)


class GivenPassword(BaseModel):
    """A new password, and the token of the link that it was asked for with."""

    token: str = ""
    new_password: NewPassword = SecretStr("")


class GivenProof(BaseModel):
    """The token of a link, and the password of the sign-up that it may be of."""

    token: str = ""
    password: Password | None = None


@router.api_route("/verify-email", methods=_READ)
async def offer_to_verify(settings: SettingsDep, token: str = "") -> HTMLResponse:
    """Show a button; nothing is looked up, so a good link looks like any other."""
    return _form(_VERIFY, settings, token)


@router.post("/verify-email")
async def verify_email(
    request: Request,
    settings: SettingsDep,
    sign_up: SignUpDep,
    given: Annotated[GivenProof, Form()],
) -> HTMLResponse:
    """Note that somebody reads an address, and say that it is done.

    For a sign-up whose account is made now, the form comes again and asks for its
    password.
    """
    password = given.password.get_secret_value() if given.password else None
    try:
        await sign_up.verify(Proof(given.token), password)
    except (SignUpPasswordError, RetryLaterError) as error:
        if not wants_page(request):
            raise
        asks = given.password is not None or isinstance(error, SignUpPasswordError)
        tried = given.password is not None
        return _form(_VERIFY, settings, given.token, error, asks=asks, tried=tried)
    return page("email_verified.html", headers=PERSONAL, name=settings.service_name)


@router.api_route("/reset-password", methods=_READ)
async def offer_to_reset(settings: SettingsDep, token: str = "") -> HTMLResponse:
    """Ask for a new password; nothing is looked up before there is one."""
    return _form(_RESET, settings, token)


@router.post("/reset-password")
async def reset_password(
    request: Request,
    settings: SettingsDep,
    recovery: RecoveryDep,
    given: Annotated[GivenPassword, Form()],
) -> HTMLResponse:
    """Set a new password, or say what is wrong with it and ask for another."""
    try:
        password = given.new_password.get_secret_value()
        await recovery.reset_password(Proof(given.token), password)
    except (PasswordRefusedError, RetryLaterError) as error:
        if not wants_page(request):
            raise
        return _form(_RESET, settings, given.token, error)
    return page("password_reset.html", headers=PERSONAL, name=settings.service_name)


@router.api_route("/sign-in", methods=_READ)
async def offer_to_sign_in(settings: SettingsDep, token: str = "") -> HTMLResponse:
    """Show a button; nothing is looked up, so a good link looks like any other."""
    return _form(_SIGN_IN, settings, token)


@router.post("/sign-in")
async def sign_in(
    request: Request,
    settings: SettingsDep,
    client: ClientDep,
    mail_sign_in: MailSignInDep,
    token: Annotated[str, Form()] = "",
) -> HTMLResponse:
    """Sign a browser in, with cookies, and say as whom."""
    try:
        signed_in = await mail_sign_in.sign_in(Proof(token), client)
    except RetryLaterError as error:
        if not wants_page(request):
            raise
        return _form(_SIGN_IN, settings, token, error)
    done = page(
        "signed_in.html",
        headers=PERSONAL,
        name=settings.service_name,
        email=signed_in.user.email,
    )
    TokenWriter(done, services_of(request), cookies_of(request)).write(
        signed_in, "cookie"
    )
    return done


def _form(
    template: str,
    settings: Settings,
    token: str,
    error: AppError | None = None,
    *,
    asks: bool = False,
    tried: bool = False,
) -> HTMLResponse:
    """Show the form of a link, again if what was sent with it was refused."""
    name = settings.service_name
    if not 0 < len(token) <= LONGEST_TOKEN:
        return page("link_incomplete.html", status=400, headers=PERSONAL, name=name)
    return page(
        template,
        status=error.http_status if error else 200,
        headers={**PERSONAL, **((error and error.headers) or {})},
        name=name,
        token=token,
        shortest=settings.password_min_length,
        error=error,
        asks=asks,
        tried=tried,
    )
