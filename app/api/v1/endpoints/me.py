"""The caller's own account and sessions."""

from typing import Annotated
from uuid import UUID

from fastapi import Query, Response, status

from app.api.challenges import CHALLENGE_NAMED, ChallengeWriterDep
from app.api.deps import (
    ClientDep,
    CookiesDep,
    DeletionDep,
    EmailChangeDep,
    OwnAccountDep,
    PageRequestDep,
    PrincipalDep,
    ServicesDep,
    SessionsDep,
)
from app.api.routes import CallerRoute
from app.api.v1.endpoints import endpoints
from app.core.exceptions import (
    BusyError,
    LastAdminError,
    MailOffError,
    SessionNotFoundError,
    TooManyRequestsError,
    WrongPasswordError,
)
from app.schemas.challenges import EmailChangeRequest, MailSent
from app.schemas.pages import Page
from app.schemas.problems import PASSWORD_RULES, problems
from app.schemas.sessions import Session
from app.schemas.user import AccountDeletion, Me, MeChanges, PasswordChange

router = endpoints("/users/me", "The caller")


async def see_me(principal: PrincipalDep) -> Me:
    """Return the caller's account and permissions."""
    return Me.of(principal.user)


router.add_api_route("", see_me, route_class_override=CallerRoute)


@router.patch("")
async def change_me(body: MeChanges, principal: PrincipalDep, own: OwnAccountDep) -> Me:
    """Change the caller's account."""
    return Me.of(await own.change(principal, body.changes()))


@router.delete(
    "",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problems(
        WrongPasswordError,
        LastAdminError,
        TooManyRequestsError,
        BusyError,
    ),
)
async def delete_me(
    body: AccountDeletion,
    principal: PrincipalDep,
    client: ClientDep,
    deletion: DeletionDep,
    cookies: CookiesDep,
    response: Response,
) -> None:
    """Delete the caller's account and everything of it.

    With DELETION_DAYS it is signed out everywhere and gone after so many days; a link
    in a mail undoes it until then.
    """
    await deletion.delete_own(principal, body.password.get_secret_value(), client)
    cookies.clear(response)


@router.post(
    "/email",
    status_code=status.HTTP_202_ACCEPTED,
    responses={
        202: CHALLENGE_NAMED,
        **problems(WrongPasswordError, TooManyRequestsError, MailOffError, BusyError),
    },
)
async def ask_to_change_email(
    body: EmailChangeRequest,
    principal: PrincipalDep,
    client: ClientDep,
    change: EmailChangeDep,
    challenges: ChallengeWriterDep,
) -> MailSent:
    """Send a mail to a new address for the caller's account.

    The account keeps its address until `POST /api/v1/auth/email/change`. Whether
    another account has the new one is said in the mail only. The `Cardea-Challenge`
    header is to be sent back with the code in the mail.
    """
    password = body.current_password.get_secret_value()
    challenges.write(await change.ask(principal, password, body.email, client))
    return MailSent()


@router.post(
    "/password",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problems(
        WrongPasswordError,
        *PASSWORD_RULES,
        TooManyRequestsError,
        BusyError,
    ),
)
async def change_password(
    body: PasswordChange,
    principal: PrincipalDep,
    client: ClientDep,
    own: OwnAccountDep,
) -> None:
    """Change the caller's password; all other sessions end."""
    await own.change_password(
        principal,
        body.current_password.get_secret_value(),
        body.new_password.get_secret_value(),
        client,
    )


@router.get("/sessions")
async def list_my_sessions(
    principal: PrincipalDep,
    services: ServicesDep,
    page: PageRequestDep,
    ended: Annotated[bool, Query(description="List ended sessions too.")] = False,
) -> Page[Session]:
    """List the devices the caller is signed in on, newest first."""
    rows = await services.sessions.page_of_user(principal.user.id, page, ended=ended)
    now = services.clock()
    return Page[Session].of(
        rows, lambda row: Session.of(row, principal.session.id, now)
    )


@router.delete(
    "/sessions/{session_id}",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problems(SessionNotFoundError),
)
async def end_my_session(
    session_id: UUID, principal: PrincipalDep, sessions: SessionsDep
) -> None:
    """Sign one of the caller's devices out."""
    await sessions.end_own(principal.user.id, session_id, principal.session.id)
