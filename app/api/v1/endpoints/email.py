"""Proving an e-mail address."""

from fastapi import status

from app.api.challenges import ChallengeWriterDep
from app.api.deps import ClientDep, SignUpDep
from app.api.v1.endpoints import endpoints
from app.core.exceptions import MailOffError, TooManyRequestsError
from app.schemas.challenges import GivenProof, MailRequest, MailSent
from app.schemas.problems import PROOF, problems
from app.schemas.user import User

router = endpoints("/auth/email", "Auth")


@router.post("/verify", responses=problems(*PROOF))
async def verify_email(body: GivenProof, sign_up: SignUpDep) -> User:
    """Prove an address with the link or the code that was sent to it.

    Where addresses must be proven first, this makes the account.
    """
    return User.of(await sign_up.verify(body.proof()))


@router.post(
    "/resend",
    status_code=status.HTTP_202_ACCEPTED,
    responses=problems(TooManyRequestsError, MailOffError),
)
async def resend_verification(
    body: MailRequest,
    client: ClientDep,
    sign_up: SignUpDep,
    challenges: ChallengeWriterDep,
) -> MailSent:
    """Send the mail again that proves an address; the one before no longer works.

    The answer is the same for every address, and takes as long. Each gets one mail a
    minute and ten a day at most. The `Cardea-Challenge` header is to be sent back with
    the code in the mail.
    """
    challenges.write(await sign_up.resend(body.email, client))
    return MailSent()
