"""Signing up and in: requests and responses."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, SecretStr, StrictBool

from app.schemas.base import (
    DisplayName,
    Email,
    NewPassword,
    Password,
    RequestBody,
    ResponseBody,
    TypedEmail,
)
from app.schemas.user import User

Transport = Literal["bearer", "cookie"]


class Registration(RequestBody):
    """A new account."""

    email: Email
    password: NewPassword
    display_name: DisplayName | None = None


class VerificationSent(ResponseBody):
    """The answer to every sign-up where addresses must be verified first."""

    status: Literal["verification_sent"] = "verification_sent"


class Credentials(RequestBody):
    """An e-mail address and its password."""

    email: TypedEmail
    password: Password
    transport: Transport = "bearer"
    """`bearer` puts the tokens into the answer; `cookie` into HttpOnly cookies."""


class Refresh(RequestBody):
    """A refresh token; a browser sends none, its cookie is enough."""

    refresh_token: Annotated[SecretStr, Field(max_length=200)]


class SignOutEverywhere(RequestBody):
    """Which sessions to end."""

    keep_current: StrictBool = False
    """Stay signed in here."""


class Tokens(ResponseBody):
    """A live session, and what to carry on with."""

    access_token: str | None = None
    """Left out with the cookie transport."""

    token_type: Literal["Bearer"] = "Bearer"
    expires_in: int
    """Seconds until the access token expires."""

    refresh_token: str | None = None
    """Left out with the cookie transport."""

    refresh_expires_in: int
    """Seconds until the session ends if it is not refreshed."""

    session_id: UUID
    user: User


class OAuthTokens(ResponseBody):
    """The answer of the token endpoint (RFC 6749, section 5.1)."""

    access_token: str
    token_type: Literal["Bearer"] = "Bearer"
    expires_in: int
    refresh_token: str
    scope: str


class OAuthProblem(ResponseBody):
    """An error of the token endpoint (RFC 6749, section 5.2)."""

    error: str
    error_description: str
