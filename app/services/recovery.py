"""Getting back in: a new password for who reads the account's mail."""

import logging
from uuid import UUID

from app.core.challenge_tokens import Proof
from app.core.client import Client
from app.core.clock import Clock
from app.core.config import Settings
from app.core.exceptions import ChallengeFailedError, MailOffError
from app.database import Database
from app.models import MessageKind, Permission, Purpose, User
from app.services.limits import Limits
from app.services.mail import Mail
from app.services.mailing import Mailing
from app.services.ownership import hand_over
from app.services.passwords import Passwords
from app.services.principals import Principal, Principals
from app.services.users import UserService

logger = logging.getLogger(__name__)


class Recovery:
    """The rules of a forgotten password."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        clock: Clock,
        limits: Limits,
        passwords: Passwords,
        principals: Principals,
        users: UserService,
        mail: Mail,
    ) -> None:
        self._settings = settings
        self._database = database
        self._clock = clock
        self._limits = limits
        self._passwords = passwords
        self._principals = principals
        self._users = users
        self._challenges = mail.challenges
        self._mail = mail.requests
        self._notices = mail.notices

    async def forgot_password(self, email: str, client: Client) -> UUID:
        """Send a mail with which the password can be set anew, if there is an account.

        Returns:
            What the code in the mail is to be given with.

        Raises:
            MailOffError: If no mail is sent here.
            TooManyRequestsError: If this client asks too often.
        """
        return await self._mail.ask(MessageKind.RESET_PASSWORD, email, client)

    async def start_for(self, by: Principal, user_id: UUID, client: Client) -> None:
        """Have an administrator send a user a mail to set a new password with.

        Until then the old one stays: whoever sends it learns and sets none.

        Raises:
            MailOffError: If no mail is sent here.
            TooManyRequestsError: If the address has been sent too many.
            PermissionDeniedError: If the caller may not change accounts any more.
            UserNotFoundError: If there is no such user.
        """
        if self._settings.mail == "off":
            raise MailOffError
        known = await self._users.get(user_id)
        async with (
            self._limits.mail_by_admin(known.email_key),
            self._principals.writing(by, user_id) as (session, actor),
        ):
            actor.must_hold(Permission.USERS_WRITE)
            user = await self._users.find(session, user_id)
            mailing = Mailing(
                kind=MessageKind.RESET_BY_ADMIN, email=user.email, client=client
            )
            await self._challenges.ask(session, mailing)
        logger.info("user.reset_started", extra={"of_user": str(user_id)})

    async def reset_password(
        self, proof: Proof, new_password: str, client: Client
    ) -> None:
        """Set a new password; whoever was signed in is signed out.

        Whatever somebody else has prepared on the account is gone with it: sessions,
        the old password, and every other link and code. The address is proven now.

        Raises:
            ChallengeFailedError: If the proof is wrong.
            ChallengeEndedError: If it was right once.
            PasswordRefusedError: If the password breaks a rule; the proof can be used
                again then.
            TooManyRequestsError: If too many codes were wrong.
        """
        async with self._challenges.counted(proof, client):
            user = await self._reset(proof, new_password, client)
        logger.info("user.password_reset", extra={"of_user": str(user.id)})

    async def _reset(self, proof: Proof, new_password: str, client: Client) -> User:
        async with self._database.writing() as session:
            seen, _ = await self._challenges.examine(
                session, Purpose.RESET_PASSWORD, proof
            )
        new_hash = await self._passwords.hash_new(new_password, seen.email)
        async with self._database.writing() as session:
            challenge, user = await self._challenges.examine(
                session, Purpose.RESET_PASSWORD, proof
            )
            if user is None or not user.is_active:
                raise ChallengeFailedError
            await self._challenges.use_up(session, challenge)
            await hand_over(session, user, new_hash, self._clock())
            await self._notices.tell(
                session, MessageKind.PASSWORD_CHANGED, user, client
            )
        return user
