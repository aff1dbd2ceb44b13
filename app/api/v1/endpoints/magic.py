"""Signing in by mail."""

from fastapi import status

from app.api.challenges import CHALLENGE_NAMED, ChallengeWriterDep
from app.api.deps import ClientDep, MailSignInDep
from app.api.proofs import MailSignInBody
from app.api.tokens import TokenWriterDep
from app.api.v1.endpoints import endpoints
from app.core.exceptions import (
    AccountDeletedError,
    AccountDisabledError,
    BusyError,
    MailOffError,
    MailSignInOffError,
    TooManyRequestsError,
)
from app.schemas.auth import Tokens
from app.schemas.challenges import MailRequest, MailSent
from app.schemas.problems import PROOF, problems

router = endpoints("/auth/magic", "Auth")


@router.post(
    "",
    status_code=status.HTTP_202_ACCEPTED,
    responses={
        202: CHALLENGE_NAMED,
        **problems(MailSignInOffError, TooManyRequestsError, MailOffError),
    },
)
async def ask_to_sign_in_by_mail(
    body: MailRequest,
    client: ClientDep,
    mail_sign_in: MailSignInDep,
    challenges: ChallengeWriterDep,
) -> MailSent:
    """Send a mail that signs its reader in.

    The answer is the same for every address, and takes as long. Each gets one mail a
    minute and ten a day at most. The `Cardea-Challenge` header is to be sent back with
    the code in the mail. Where sign-up is open, an address without an account gets one
    by signing in.
    """
    challenges.write(await mail_sign_in.ask(body.email, client))
    return MailSent()


@router.post(
    "/verify",
    response_model_exclude_unset=True,
    responses=problems(
        *PROOF,
        MailSignInOffError,
        AccountDisabledError,
        AccountDeletedError,
        BusyError,
    ),
)
async def sign_in_by_mail(
    body: MailSignInBody,
    client: ClientDep,
    mail_sign_in: MailSignInDep,
    tokens: TokenWriterDep,
) -> Tokens:
    """Sign in with the link or the code that was sent."""
    signed_in = await mail_sign_in.sign_in(body.proof(), client)
    return tokens.write(signed_in, body.transport)
