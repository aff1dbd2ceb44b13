"""Getting back in: a new password for who reads the account's mail."""

import logging
from uuid import UUID

from app.core.challenge_tokens import Proof
from app.core.client import Client
from app.core.clock import Clock
from app.core.exceptions import ChallengeFailedError
from app.database import Database
from app.models import Purpose
from app.services.mail import Mail
from app.services.ownership import hand_over
from app.services.passwords import Passwords

logger = logging.getLogger(__name__)


class Recovery:
    """The rules of a forgotten password."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        passwords: Passwords,
        mail: Mail,
    ) -> None:
        self._database = database
        self._clock = clock
        self._passwords = passwords
        self._challenges = mail.challenges
        self._mail = mail.requests

    async def forgot_password(self, email: str, client: Client) -> UUID:
        """Send a mail with which the password can be set anew, if there is an account.

        Returns:
            What the code in the mail is to be given with.

        Raises:
            MailOffError: If no mail is sent here.
            TooManyRequestsError: If this client asks too often.
        """
        return await self._mail.ask(Purpose.RESET_PASSWORD, email, client)

    async def reset_password(self, proof: Proof, new_password: str) -> None:
        """Set a new password; whoever was signed in is signed out.

        Whatever somebody else has prepared on the account is gone with it: sessions,
        the old password, and every other link and code. The address is proven now.

        Raises:
            ChallengeFailedError: If the proof is wrong.
            ChallengeEndedError: If it was right once.
            PasswordRefusedError: If the password breaks a rule; the proof can be used
                again then.
        """
        async with self._database.writing() as session:
            seen, _ = await self._challenges.examine(
                session, Purpose.RESET_PASSWORD, proof
            )
        new_hash = await self._passwords.hash_new(new_password, seen.email)
        async with self._database.writing() as session:
            challenge, user = await self._challenges.examine(
                session, Purpose.RESET_PASSWORD, proof
            )
            await self._challenges.use_up(session, challenge)
            if user is None or not user.is_active:
                raise ChallengeFailedError
            await hand_over(session, user, new_hash, self._clock())
        logger.info("user.password_reset", extra={"of_user": str(user.id)})
