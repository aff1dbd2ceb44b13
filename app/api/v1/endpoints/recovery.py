"""Getting back in with a forgotten password."""

from fastapi import status

from app.api.challenges import CHALLENGE_NAMED, ChallengeWriterDep
from app.api.deps import ClientDep, RecoveryDep
from app.api.proofs import PasswordResetBody
from app.api.v1.endpoints import endpoints
from app.core.exceptions import BusyError, MailOffError, TooManyRequestsError
from app.schemas.challenges import MailRequest, MailSent
from app.schemas.problems import PASSWORD_RULES, PROOF, problems

router = endpoints("/auth/password", "Auth")


@router.post(
    "/forgot",
    status_code=status.HTTP_202_ACCEPTED,
    responses={
        202: CHALLENGE_NAMED,
        **problems(TooManyRequestsError, MailOffError),
    },
)
async def forgot_password(
    body: MailRequest,
    client: ClientDep,
    recovery: RecoveryDep,
    challenges: ChallengeWriterDep,
) -> MailSent:
    """Send a mail with which a new password can be set.

    The answer is the same for every address, and takes as long. Each gets one mail a
    minute and ten a day at most. The `Cardea-Challenge` header is to be sent back with
    the code in the mail.
    """
    challenges.write(await recovery.forgot_password(body.email, client))
    return MailSent()


@router.post(
    "/reset",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problems(*PROOF, *PASSWORD_RULES, BusyError),
)
async def reset_password(
    body: PasswordResetBody, client: ClientDep, recovery: RecoveryDep
) -> None:
    """Set a new password with the link or the code that was sent.

    All sessions of the account end, and its address counts as verified.
    """
    new_password = body.new_password.get_secret_value()
    await recovery.reset_password(body.proof(), new_password, client)
