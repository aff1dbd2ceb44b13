"""The OAuth 2 token endpoint: what makes the Authorize button of /docs work."""

from collections.abc import Mapping
from typing import Annotated, Literal

from fastapi import Form, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, SecretStr
from starlette.exceptions import HTTPException

from app.api.deps import AuthServiceDep, ClientDep, SettingsDep
from app.api.routes import FormRoute, Handler
from app.api.v1.endpoints import endpoints
from app.core.exceptions import (
    AccountDisabledError,
    AppError,
    EmailNotVerifiedError,
    InvalidCredentialsError,
    InvalidRefreshTokenError,
    SessionEndedError,
    ValidationFailedError,
)
from app.core.middleware import DEVICE_HEADER
from app.schemas.auth import OAuthProblem, OAuthTokens
from app.schemas.base import TypedEmail

_INVALID_GRANT = (
    InvalidCredentialsError,
    AccountDisabledError,
    EmailNotVerifiedError,
    InvalidRefreshTokenError,
    SessionEndedError,
)


class OAuthRoute(FormRoute):
    """Answers errors the way RFC 6749, section 5.2 asks for."""

    def get_route_handler(self) -> Handler:
        """Wrap the endpoint."""
        handle = super().get_route_handler()

        async def handle_for_oauth(request: Request) -> Response:
            try:
                return await handle(request)
            except RequestValidationError as error:
                return _problem(400, _what_is_wrong(error), "A parameter is wrong.")
            except ValidationFailedError:
                return _problem(400, "invalid_request", "A parameter is missing.")
            except _INVALID_GRANT as error:
                return _problem(400, "invalid_grant", error.title)
            except AppError as error:
                if error.http_status not in (429, 503):
                    raise
                return _problem(
                    error.http_status,
                    "temporarily_unavailable",
                    error.title,
                    error.headers,
                )
            except HTTPException as error:
                if error.status_code != 400:
                    raise
                return _problem(400, "invalid_request", "The form can't be read.")

        return handle_for_oauth


router = endpoints("/auth", "Auth", OAuthRoute)


class TokenRequest(BaseModel):
    """A password or a refresh token to exchange; unknown parameters are ignored."""

    grant_type: Literal["password", "refresh_token"]
    username: TypedEmail | None = None
    password: SecretStr | None = None
    refresh_token: SecretStr | None = None


@router.post(
    "/token",
    responses={
        400: {"model": OAuthProblem, "description": "`invalid_grant` and its like."},
        429: {"model": OAuthProblem, "description": "`temporarily_unavailable`"},
        503: {"model": OAuthProblem, "description": "`temporarily_unavailable`"},
    },
)
async def exchange(
    form: Annotated[TokenRequest, Form()],
    response: Response,
    client: ClientDep,
    auth: AuthServiceDep,
    settings: SettingsDep,
) -> OAuthTokens:
    """Exchange a password or a refresh token for tokens (RFC 6749)."""
    if form.grant_type == "password":
        username, password = _given(form.username), _given(form.password)
        signed_in = await auth.sign_in(username, password, client)
    else:
        signed_in = await auth.refresh(_given(form.refresh_token), client)
    if signed_in.device_token:
        response.headers[DEVICE_HEADER] = signed_in.device_token
    return OAuthTokens(
        access_token=signed_in.access_token,
        expires_in=settings.access_token_seconds,
        refresh_token=signed_in.refresh_token,
        scope=" ".join(sorted(signed_in.user.permissions)),
    )


def _given(value: str | SecretStr | None) -> str:
    """Return a parameter that this grant type needs."""
    if value is None:
        raise ValidationFailedError
    return value if isinstance(value, str) else value.get_secret_value()


def _what_is_wrong(error: RequestValidationError) -> str:
    problems = error.errors()
    unsupported = any(
        problem["loc"][-1] == "grant_type" and problem["type"] == "literal_error"
        for problem in problems
    )
    return "unsupported_grant_type" if unsupported else "invalid_request"


def _problem(
    status: int, code: str, description: str, headers: Mapping[str, str] | None = None
) -> Response:
    body = OAuthProblem(error=code, error_description=description)
    return JSONResponse(body.model_dump(), status, dict(headers or {}))
