"""Signing up, in and out."""

from fastapi import Request, Response, status

from app.api.challenges import CHALLENGE_NAMED, ChallengeWriterDep
from app.api.deps import (
    AuthServiceDep,
    BearerTokenDep,
    ClientDep,
    CookiesDep,
    NoticesDep,
    PrincipalDep,
    SessionHereDep,
    SessionsDep,
    SignUpDep,
    documented_scheme,
)
from app.api.tokens import TokenWriterDep
from app.api.v1.endpoints import endpoints
from app.core.exceptions import (
    AccountDeletedError,
    AccountDisabledError,
    BusyError,
    EmailNotVerifiedError,
    EmailTakenError,
    InvalidCredentialsError,
    InvalidRefreshTokenError,
    InvalidTokenError,
    NotAuthenticatedError,
    SessionEndedError,
    SignUpClosedError,
    TokenExpiredError,
    TooManyRequestsError,
)
from app.models import EndReason
from app.schemas.auth import (
    Credentials,
    Refresh,
    Registration,
    SignOutEverywhere,
    Tokens,
    VerificationSent,
)
from app.schemas.challenges import LinkProof
from app.schemas.problems import LINK, PASSWORD_RULES, problems
from app.schemas.user import User

router = endpoints("/auth", "Auth")


@router.post(
    "/register",
    status_code=status.HTTP_201_CREATED,
    responses={
        201: CHALLENGE_NAMED,
        202: {
            "model": VerificationSent,
            "description": "Where addresses must be verified: always this.",
            **CHALLENGE_NAMED,
        },
        **problems(
            SignUpClosedError,
            EmailTakenError,
            *PASSWORD_RULES,
            TooManyRequestsError,
            BusyError,
        ),
    },
)
async def register(
    body: Registration,
    client: ClientDep,
    sign_up: SignUpDep,
    response: Response,
    challenges: ChallengeWriterDep,
) -> User | VerificationSent:
    """Make an account; a mail asks its owner to prove the address.

    The answer's `Cardea-Challenge` header is to be sent back with the code in the mail.
    """
    password = body.password.get_secret_value()
    done = await sign_up.register(body.email, password, body.display_name, client)
    challenges.write(done.challenge_id)
    if done.user is None:
        response.status_code = status.HTTP_202_ACCEPTED
        return VerificationSent()
    return User.of(done.user)


@router.post(
    "/login",
    response_model_exclude_unset=True,
    responses=problems(
        InvalidCredentialsError,
        AccountDisabledError,
        AccountDeletedError,
        EmailNotVerifiedError,
        TooManyRequestsError,
        BusyError,
    ),
)
async def sign_in(
    body: Credentials, client: ClientDep, auth: AuthServiceDep, tokens: TokenWriterDep
) -> Tokens:
    """Sign in with e-mail and password.

    The answer's `Cardea-Device` header, sent back at the next sign-in, keeps strangers'
    wrong guesses at this account from making you wait; browsers keep it as a cookie.
    """
    password = body.password.get_secret_value()
    signed_in = await auth.sign_in(body.email, password, client)
    return tokens.write(signed_in, body.transport)


@router.post(
    "/refresh",
    response_model_exclude_unset=True,
    responses=problems(
        NotAuthenticatedError,
        InvalidRefreshTokenError,
        SessionEndedError,
        TooManyRequestsError,
        BusyError,
    ),
)
async def refresh(
    request: Request,
    client: ClientDep,
    auth: AuthServiceDep,
    cookies: CookiesDep,
    tokens: TokenWriterDep,
    body: Refresh | None = None,
) -> Tokens:
    """Exchange a refresh token for a new pair.

    Each token is exchanged once. Asking again with the last one is safe: whoever lost
    the answer, or asks from two tabs, gets the same successor again.
    """
    if body is not None:
        given = body.refresh_token.get_secret_value()
        return tokens.write(await auth.refresh(given, client), "bearer")
    cookie = cookies.refresh.read(request)
    if cookie is None:
        raise NotAuthenticatedError
    return tokens.write(await auth.refresh(cookie, client), "cookie")


@router.post(
    "/logout",
    status_code=status.HTTP_204_NO_CONTENT,
    dependencies=[documented_scheme],
    responses=problems(NotAuthenticatedError, InvalidTokenError, TokenExpiredError),
)
async def sign_out(
    request: Request,
    response: Response,
    bearer: BearerTokenDep,
    auth: AuthServiceDep,
    cookies: CookiesDep,
) -> None:
    """End the caller's session; it may have ended already."""
    if bearer is not None:
        await auth.sign_out(bearer)
        return
    if not cookies.authenticate(request):
        raise NotAuthenticatedError
    await auth.sign_out_browser(
        cookies.access.read(request), cookies.refresh.read(request)
    )
    cookies.clear(response)


@router.post("/logout-all", status_code=status.HTTP_204_NO_CONTENT)
async def sign_out_everywhere(
    principal: PrincipalDep,
    sessions: SessionsDep,
    cookies: CookiesDep,
    response: Response,
    body: SignOutEverywhere | None = None,
) -> None:
    """End all sessions of the caller, or all but this one."""
    keep = principal.session.id if body and body.keep_current else None
    await sessions.end_all(principal.user.id, EndReason.SIGNED_OUT_ELSEWHERE, keep=keep)
    if keep is None:
        cookies.clear(response)


@router.post(
    "/logout-others",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problems(*LINK, InvalidTokenError, TokenExpiredError),
)
async def sign_out_others(
    body: LinkProof, here: SessionHereDep, client: ClientDep, notices: NoticesDep
) -> None:
    """End the sessions of an account with the link of a mail about it.

    The session that the request comes with, if any, goes on. A mail to set a new
    password is sent along.
    """
    await notices.sign_out_others(body.proof(), here, client)
