"""Proving an e-mail address."""

from fastapi import status

from app.api.challenges import ChallengeWriterDep
from app.api.deps import ClientDep, SignUpDep
from app.api.v1.endpoints import endpoints
from app.core.exceptions import (
    BusyError,
    MailOffError,
    SignUpPasswordError,
    TooManyRequestsError,
)
from app.schemas.challenges import EmailProof, MailSent, VerificationRequest
from app.schemas.problems import PROOF, problems
from app.schemas.user import User

router = endpoints("/auth/email", "Auth")


@router.post("/verify", responses=problems(*PROOF, SignUpPasswordError, BusyError))
async def verify_email(body: EmailProof, sign_up: SignUpDep) -> User:
    """Prove an address with the link or the code that was sent to it.

    Where addresses must be proven first, this makes the account. A link takes the
    password of the sign-up then, as somebody else may have signed up with the address.
    """
    password = body.password.get_secret_value() if body.password else None
    return User.of(await sign_up.verify(body.proof(), password))


@router.post(
    "/resend",
    status_code=status.HTTP_202_ACCEPTED,
    responses=problems(TooManyRequestsError, MailOffError),
)
async def resend_verification(
    body: VerificationRequest,
    client: ClientDep,
    sign_up: SignUpDep,
    challenges: ChallengeWriterDep,
) -> MailSent:
    """Send the mail again that proves an address; the one before no longer works.

    The answer is the same for every address, and takes as long. Each gets one mail a
    minute and ten a day at most. The `Cardea-Challenge` header is to be sent back with
    the code in the mail.
    """
    challenges.write(await sign_up.resend(body.email, client, body.challenge_id))
    return MailSent()
