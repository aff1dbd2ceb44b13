"""Proving an e-mail address, and changing it."""

from fastapi import status

from app.api.challenges import CHALLENGE_NAMED, ChallengeWriterDep
from app.api.deps import ClientDep, EmailChangeDep, SignUpDep
from app.api.proofs import EmailChangeProofBody, EmailProofBody
from app.api.v1.endpoints import endpoints
from app.core.exceptions import (
    AccountPasswordError,
    BusyError,
    EmailTakenError,
    MailOffError,
    SignUpPasswordError,
    TooManyRequestsError,
)
from app.schemas.challenges import (
    LinkProof,
    MailSent,
    VerificationRequest,
)
from app.schemas.problems import LINK, PROOF, problems
from app.schemas.user import User

router = endpoints("/auth/email", "Auth")


@router.post("/verify", responses=problems(*PROOF, SignUpPasswordError, BusyError))
async def verify_email(
    body: EmailProofBody, client: ClientDep, sign_up: SignUpDep
) -> User:
    """Prove an address with the link or the code that was sent to it.

    Where addresses must be proven first, this makes the account. A link takes the
    password of the sign-up then, as somebody else may have signed up with the address.
    """
    password = body.password.get_secret_value() if body.password else None
    return User.of(await sign_up.verify(body.proof(), password, client))


@router.post(
    "/change",
    responses=problems(
        *PROOF,
        AccountPasswordError,
        EmailTakenError,
        BusyError,
    ),
)
async def change_email(
    body: EmailChangeProofBody, client: ClientDep, change: EmailChangeDep
) -> User:
    """Give an account its new address, with the link or the code sent to it.

    A link takes the password of the account too, as somebody else may have given this
    address. The old address, if it was proven, is told and can undo it for seven days.
    """
    password = body.password.get_secret_value() if body.password else None
    moved = await change.confirm(body.proof(), password, client)
    return User.of(moved.user)


@router.post(
    "/undo",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problems(*LINK, EmailTakenError),
)
async def undo_email_change(
    body: LinkProof, client: ClientDep, change: EmailChangeDep
) -> None:
    """Give an account its old address back, with the link that was sent there.

    All its sessions end, and its password opens nothing any more: a mail to set another
    is sent to the old address.
    """
    await change.undo(body.proof(), client)


@router.post(
    "/resend",
    status_code=status.HTTP_202_ACCEPTED,
    responses={
        202: CHALLENGE_NAMED,
        **problems(TooManyRequestsError, MailOffError),
    },
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
