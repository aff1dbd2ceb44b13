"""The pages that links in mails lead to.

Mail is opened by more than its reader: scanners and previews follow every link. So a
link leads to a page with a form, and only sending that does what the link is for.
Opening it looks, without writing anything, whether the link still works.
"""

from typing import Annotated

from fastapi import APIRouter, Form, Request
from pydantic import BaseModel, SecretStr
from starlette.responses import HTMLResponse

from app.api.deps import (
    ClientDep,
    DeletionDep,
    EmailChangeDep,
    InvitationsDep,
    MailSignInDep,
    NoticesDep,
    RecoveryDep,
    SessionHereDep,
    SignUpDep,
    cookies_of,
    services_of,
)
from app.api.link_pages import LinkRoute, VisitDep, show_form
from app.api.tokens import TokenWriter
from app.core.challenge_tokens import Proof
from app.core.exceptions import NotFoundError
from app.schemas.base import NewPassword, Password
from app.services.composing import LINK_PATHS
from app.services.mailing import LASTING_LIFE

router = APIRouter(include_in_schema=False, route_class=LinkRoute)

for _path in LINK_PATHS.values():
    router.add_api_route(_path, show_form, methods=["GET", "HEAD"])


class GivenLink(BaseModel):
    """The token of a link."""

    token: str = ""

    @property
    def proof(self) -> Proof:
        """What it proves."""
        return Proof(self.token)


class GivenPassword(GivenLink):
    """The same, and a new password that was asked for with it."""

    new_password: NewPassword = SecretStr("")


class GivenProof(GivenLink):
    """The same, and the password of who asked for the mail, where it takes that."""

    password: Password | None = None

    @property
    def shown(self) -> str | None:
        """The password, to be checked."""
        return self.password.get_secret_value() if self.password else None


@router.post("/links/verify-email")
async def verify_email(
    visit: VisitDep,
    client: ClientDep,
    sign_up: SignUpDep,
    given: Annotated[GivenProof, Form()],
) -> HTMLResponse:
    """Note that somebody reads an address, and say that it is done.

    For a sign-up whose account is made now, the form asks for its password.
    """
    await sign_up.verify(given.proof, given.shown, client)
    return visit.done()


@router.post("/links/reset-password")
async def reset_password(
    visit: VisitDep,
    client: ClientDep,
    recovery: RecoveryDep,
    given: Annotated[GivenPassword, Form()],
) -> HTMLResponse:
    """Set a new password, or say what is wrong with it and ask for another."""
    password = given.new_password.get_secret_value()
    await recovery.reset_password(given.proof, password, client)
    return visit.done()


@router.post("/links/sign-in")
async def sign_in(
    request: Request,
    visit: VisitDep,
    client: ClientDep,
    mail_sign_in: MailSignInDep,
    given: Annotated[GivenLink, Form()],
) -> HTMLResponse:
    """Sign a browser in, with cookies, and say as whom."""
    signed_in = await mail_sign_in.sign_in(given.proof, client)
    done = visit.done(email=signed_in.user.email)
    writer = TokenWriter(done, services_of(request), cookies_of(request))
    writer.write(signed_in, "cookie")
    return done


@router.post("/links/change-email")
async def change_email(
    visit: VisitDep,
    client: ClientDep,
    change: EmailChangeDep,
    given: Annotated[GivenProof, Form()],
) -> HTMLResponse:
    """Give an account its new address."""
    moved = await change.confirm(given.proof, given.shown, client)
    return visit.done(is_told=moved.is_told, lasting_days=LASTING_LIFE.days)


@router.post("/links/undo-email-change")
async def undo_email_change(
    visit: VisitDep,
    client: ClientDep,
    change: EmailChangeDep,
    given: Annotated[GivenLink, Form()],
) -> HTMLResponse:
    """Give an account its old address back."""
    await change.undo(given.proof, client)
    return visit.done()


@router.post("/links/accept-invite")
async def accept_invite(
    visit: VisitDep,
    invitations: InvitationsDep,
    given: Annotated[GivenPassword, Form()],
) -> HTMLResponse:
    """Give an account to who was invited, with the password that they choose."""
    await invitations.accept(given.proof, given.new_password.get_secret_value())
    return visit.done()


@router.post("/links/sign-out-others")
async def sign_out_others(
    visit: VisitDep,
    here: SessionHereDep,
    client: ClientDep,
    notices: NoticesDep,
    given: Annotated[GivenLink, Form()],
) -> HTMLResponse:
    """End all sessions but that of this browser, as long as its access token lives.

    Its refresh token is for other addresses than those of pages.
    """
    kept = await notices.sign_out_others(given.proof, here, client)
    return visit.done(kept=kept)


@router.post("/links/undo-deletion")
async def undo_deletion(
    visit: VisitDep,
    deletion: DeletionDep,
    given: Annotated[GivenLink, Form()],
) -> HTMLResponse:
    """Keep an account that its owner has deleted."""
    await deletion.undo(given.proof)
    return visit.done()


@router.api_route("/links/{rest:path}", methods=["GET", "HEAD"])
async def no_such_link() -> None:
    """Say, on a page to people, that there is no such link."""
    raise NotFoundError
