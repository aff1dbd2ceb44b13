"""What endpoints ask for: services, the client, the caller, its permissions."""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends, Query, Request, Security
from fastapi.security import OAuth2PasswordBearer

from app.core.client import MAXIMUM_USER_AGENT, Client
from app.core.config import Settings
from app.core.exceptions import (
    InvalidTokenError,
    NotAuthenticatedError,
    UnsupportedMediaTypeError,
)
from app.core.middleware import DEVICE_HEADER
from app.core.security import Cookies
from app.models import Permission
from app.repositories.pages import DEFAULT_LIMIT, MAXIMUM_LIMIT, PageRequest
from app.schemas.pages import Cursor
from app.services.auth import AuthService
from app.services.container import Services
from app.services.principals import Principal
from app.services.roles import RoleService
from app.services.sessions import Sessions
from app.services.users import UserService

documented_scheme = Security(
    OAuth2PasswordBearer(
        tokenUrl="/api/v1/auth/token",
        refreshUrl="/api/v1/auth/token",
        scheme_name="Cardea",
        description="Sign in with an e-mail address (as username) and a password.",
        auto_error=False,
    )
)
"""Tells the OpenAPI page that an operation needs a caller; checks nothing."""


async def get_services(request: Request) -> Services:
    """Return what the lifespan has built."""
    services: Services = request.app.state.services
    return services


ServicesDep = Annotated[Services, Depends(get_services)]


async def get_settings(services: ServicesDep) -> Settings:
    """Return the settings."""
    return services.settings


async def get_auth(services: ServicesDep) -> AuthService:
    """Return the rules of signing up, in and out."""
    return services.auth


async def get_users(services: ServicesDep) -> UserService:
    """Return the rules of accounts."""
    return services.users


async def get_sessions(services: ServicesDep) -> Sessions:
    """Return the rules of sessions."""
    return services.sessions


async def get_roles(services: ServicesDep) -> RoleService:
    """Return the rules of roles."""
    return services.roles


async def get_cookies(request: Request) -> Cookies:
    """Return our cookies as they are named here."""
    cookies: Cookies = request.app.state.cookies
    return cookies


SettingsDep = Annotated[Settings, Depends(get_settings)]
AuthServiceDep = Annotated[AuthService, Depends(get_auth)]
UserServiceDep = Annotated[UserService, Depends(get_users)]
SessionsDep = Annotated[Sessions, Depends(get_sessions)]
RoleServiceDep = Annotated[RoleService, Depends(get_roles)]
CookiesDep = Annotated[Cookies, Depends(get_cookies)]


async def get_client(request: Request, cookies: CookiesDep) -> Client:
    """Return who sent the request."""
    agent = request.headers.get("user-agent", "")[:MAXIMUM_USER_AGENT]
    device = request.headers.get(DEVICE_HEADER) or cookies.device.read(request)
    return Client(request.state.log["client"], agent.replace("\x00", ""), device)


ClientDep = Annotated[Client, Depends(get_client)]


async def bearer_token(request: Request) -> str | None:
    """Return the token of the Authorization header, None if there is no such header.

    A malformed header is an error, even where a good cookie stands beside it: whoever
    sent it meant it.
    """
    headers = request.headers.getlist("authorization")
    if not headers:
        return None
    scheme, _, token = headers[0].partition(" ")
    if len(headers) > 1 or scheme.lower() != "bearer" or not token:
        raise InvalidTokenError
    return token


BearerTokenDep = Annotated[str | None, Depends(bearer_token)]


async def get_principal(
    request: Request,
    services: ServicesDep,
    bearer: BearerTokenDep,
    cookies: CookiesDep,
    _: Annotated[str | None, documented_scheme],
) -> Principal:
    """Return who is calling, and have the access log say so."""
    token = bearer or cookies.access.read(request)
    if token is None:
        raise NotAuthenticatedError
    principal = await services.principals.authenticate(token)
    request.state.log["user_id"] = str(principal.user.id)
    request.state.log["session_id"] = str(principal.session.id)
    return principal


PrincipalDep = Annotated[Principal, Depends(get_principal)]


def require(permission: Permission) -> Callable[..., Awaitable[Principal]]:
    """Return a dependency that lets only callers with this permission pass."""

    async def check(principal: PrincipalDep) -> Principal:
        principal.must_hold(permission)
        return principal

    return check


UsersReadDep = Annotated[Principal, Depends(require(Permission.USERS_READ))]
UsersWriteDep = Annotated[Principal, Depends(require(Permission.USERS_WRITE))]
RolesReadDep = Annotated[Principal, Depends(require(Permission.ROLES_READ))]
RolesWriteDep = Annotated[Principal, Depends(require(Permission.ROLES_WRITE))]


async def get_page_request(
    limit: Annotated[int, Query(ge=1, le=MAXIMUM_LIMIT)] = DEFAULT_LIMIT,
    cursor: Annotated[
        Cursor | None, Query(description="The `next_cursor` of the page before.")
    ] = None,
) -> PageRequest:
    """Return which page is asked for."""
    return PageRequest(limit, cursor)


PageRequestDep = Annotated[PageRequest, Depends(get_page_request)]


def only(media_type: str) -> Callable[[Request], Awaitable[None]]:
    """Return a dependency that refuses bodies of any other type.

    A web page can send forms and plain text anywhere without asking, but not JSON
    (CVE-2021-32677).
    """

    async def check(request: Request) -> None:
        headers = request.headers
        has_body = headers.get("content-length", "0") != "0"
        sent = headers.get("content-type", "").partition(";")[0].strip().lower()
        if (has_body or "transfer-encoding" in headers) and sent != media_type:
            raise UnsupportedMediaTypeError

    return check
