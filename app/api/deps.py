"""What endpoints ask for: services, the client, the caller, its permissions."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Request, Security
from fastapi.security import OAuth2PasswordBearer

from app.core.client import MAXIMUM_USER_AGENT, Client
from app.core.config import Settings
from app.core.exceptions import (
    InvalidTokenError,
    NotAuthenticatedError,
)
from app.core.headers import header_values
from app.core.middleware import DEVICE_HEADER
from app.core.security import Cookies
from app.models import Permission
from app.repositories.pages import DEFAULT_LIMIT, MAXIMUM_LIMIT, PageRequest
from app.schemas.pages import Cursor
from app.services.auth import AuthService
from app.services.container import Services
from app.services.deletion import Deletion
from app.services.email_change import EmailChange
from app.services.invitations import Invitations
from app.services.mail_sign_in import MailSignIn
from app.services.notices import Notices
from app.services.outbox import Outbox
from app.services.own_account import OwnAccount
from app.services.principals import Principal
from app.services.recovery import Recovery
from app.services.roles import RoleService
from app.services.sessions import Sessions
from app.services.sign_up import SignUp
from app.services.users import UserService


def services_of(request: Request) -> Services:
    """Return what the lifespan has built."""
    services: Services = request.app.state.services
    return services


def cookies_of(request: Request) -> Cookies:
    """Return our cookies as they are named here."""
    cookies: Cookies = request.app.state.cookies
    return cookies


# One dependency each, none of another: to resolve one takes FastAPI longer than what
# most of them do.


async def get_services(request: Request) -> Services:
    """Return all services."""
    return services_of(request)


async def get_settings(request: Request) -> Settings:
    """Return the settings."""
    return services_of(request).settings


async def get_auth(request: Request) -> AuthService:
    """Return the rules of signing in and out."""
    return services_of(request).auth


async def get_sign_up(request: Request) -> SignUp:
    """Return the rules of signing up."""
    return services_of(request).sign_up


async def get_recovery(request: Request) -> Recovery:
    """Return the rules of a forgotten password."""
    return services_of(request).recovery


async def get_mail_sign_in(request: Request) -> MailSignIn:
    """Return the rules of signing in by mail."""
    return services_of(request).mail_sign_in


async def get_email_change(request: Request) -> EmailChange:
    """Return the rules of changing an address."""
    return services_of(request).email_change


async def get_invitations(request: Request) -> Invitations:
    """Return the rules of inviting people."""
    return services_of(request).invitations


async def get_notices(request: Request) -> Notices:
    """Return the rules of notices."""
    return services_of(request).mail.notices


async def get_own_account(request: Request) -> OwnAccount:
    """Return the rules of one's own account."""
    return services_of(request).own_account


async def get_deletion(request: Request) -> Deletion:
    """Return the rules of deleting one's own account."""
    return services_of(request).deletion


async def get_outbox(request: Request) -> Outbox:
    """Return the rules of the outbox."""
    return services_of(request).mail.outbox


async def get_users(request: Request) -> UserService:
    """Return the rules of accounts."""
    return services_of(request).users


async def get_sessions(request: Request) -> Sessions:
    """Return the rules of sessions."""
    return services_of(request).sessions


async def get_roles(request: Request) -> RoleService:
    """Return the rules of roles."""
    return services_of(request).roles


async def get_cookies(request: Request) -> Cookies:
    """Return our cookies as they are named here."""
    return cookies_of(request)


async def get_client(request: Request) -> Client:
    """Return who sent the request."""
    agent = request.headers.get("user-agent", "")[:MAXIMUM_USER_AGENT]
    device = request.headers.get(DEVICE_HEADER)
    device = device or cookies_of(request).device.read(request)
    return Client(
        request.state.log["client"],
        agent.replace("\x00", ""),
        device,
        request.headers.get("accept-language", ""),
    )


async def get_bearer_token(request: Request) -> str | None:
    """Return the token of the Authorization header, None if there is no such header."""
    return _bearer_token(request)


def _bearer_token(request: Request) -> str | None:
    """Read the Authorization header.

    A malformed one is an error, even where a good cookie stands beside it: whoever sent
    it meant it.
    """
    headers = header_values(request.scope, b"authorization")
    if not headers:
        return None
    scheme, _, token = headers[0].partition(" ")
    if len(headers) > 1 or scheme.lower() != "bearer" or not token:
        raise InvalidTokenError
    return token


ServicesDep = Annotated[Services, Depends(get_services)]
SettingsDep = Annotated[Settings, Depends(get_settings)]
AuthServiceDep = Annotated[AuthService, Depends(get_auth)]
SignUpDep = Annotated[SignUp, Depends(get_sign_up)]
RecoveryDep = Annotated[Recovery, Depends(get_recovery)]
MailSignInDep = Annotated[MailSignIn, Depends(get_mail_sign_in)]
EmailChangeDep = Annotated[EmailChange, Depends(get_email_change)]
InvitationsDep = Annotated[Invitations, Depends(get_invitations)]
NoticesDep = Annotated[Notices, Depends(get_notices)]
OwnAccountDep = Annotated[OwnAccount, Depends(get_own_account)]
DeletionDep = Annotated[Deletion, Depends(get_deletion)]
OutboxDep = Annotated[Outbox, Depends(get_outbox)]
UserServiceDep = Annotated[UserService, Depends(get_users)]
SessionsDep = Annotated[Sessions, Depends(get_sessions)]
RoleServiceDep = Annotated[RoleService, Depends(get_roles)]
CookiesDep = Annotated[Cookies, Depends(get_cookies)]
ClientDep = Annotated[Client, Depends(get_client)]
BearerTokenDep = Annotated[str | None, Depends(get_bearer_token)]


class Scheme(OAuth2PasswordBearer):
    """Tells the OpenAPI page how callers show who they are; checks nothing."""

    def __init__(self) -> None:
        super().__init__(
            tokenUrl="/api/v1/auth/token",
            refreshUrl="/api/v1/auth/token",
            scheme_name="Cardea",
            description="Sign in with an e-mail address (as username) and a password.",
            auto_error=False,
        )


class Caller(Scheme):
    """Lets callers pass whom we know and who hold these permissions."""

    def __init__(self, *permissions: Permission) -> None:
        super().__init__()
        self._permissions = permissions

    async def __call__(self, request: Request) -> Principal:  # type: ignore[override]
        """Return who is calling, and have the access log say so."""
        token = _bearer_token(request) or cookies_of(request).access.read(request)
        if token is None:
            raise NotAuthenticatedError
        principal = await services_of(request).principals.authenticate(token)
        request.scope["state"]["log"].update(principal.names)
        principal.must_hold(*self._permissions)
        return principal


async def get_session_here(request: Request) -> UUID | None:
    """Return the session that a request comes with, if any; it may have ended."""
    auth, cookies = services_of(request).auth, cookies_of(request)
    if bearer := _bearer_token(request):
        return await auth.session_of(bearer)
    return await auth.session_of_browser(
        cookies.access.read(request), cookies.refresh.read(request)
    )


documented_scheme = Security(Scheme())

PrincipalDep = Annotated[Principal, Security(Caller())]
SessionHereDep = Annotated[UUID | None, Depends(get_session_here)]
UsersReadDep = Annotated[Principal, Security(Caller(Permission.USERS_READ))]
UsersWriteDep = Annotated[Principal, Security(Caller(Permission.USERS_WRITE))]
RolesReadDep = Annotated[Principal, Security(Caller(Permission.ROLES_READ))]
RolesWriteDep = Annotated[Principal, Security(Caller(Permission.ROLES_WRITE))]
OutboxReadDep = Annotated[Principal, Security(Caller(Permission.OUTBOX_READ))]
OutboxWriteDep = Annotated[Principal, Security(Caller(Permission.OUTBOX_WRITE))]


async def get_page_request(
    limit: Annotated[int, Query(ge=1, le=MAXIMUM_LIMIT)] = DEFAULT_LIMIT,
    cursor: Annotated[
        Cursor | None, Query(description="The `next_cursor` of the page before.")
    ] = None,
) -> PageRequest:
    """Return which page is asked for."""
    return PageRequest(limit, cursor)


PageRequestDep = Annotated[PageRequest, Depends(get_page_request)]
