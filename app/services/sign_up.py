"""Signing up, and proving an e-mail address."""

import logging
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.challenge_tokens import Proof
from app.core.client import Client
from app.core.clock import Clock
from app.core.config import Settings
from app.core.exceptions import ChallengeFailedError, SignUpClosedError
from app.database import Database
from app.models import USER, Challenge, Purpose, User
from app.repositories import ChallengeRepository, RoleRepository, UserRepository
from app.services.challenges import SIGN_UP_KEPT
from app.services.limits import Limits
from app.services.mail import Mail
from app.services.ownership import hand_over
from app.services.passwords import Passwords

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class SignedUp:
    """What a sign-up came to.

    Attributes:
        user: The account; None where it is made when its address is proven.
        challenge_id: What the code in the mail is given with; None if none was sent.
    """

    user: User | None
    challenge_id: UUID | None


class SignUp:
    """The rules of making an account oneself."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        clock: Clock,
        limits: Limits,
        passwords: Passwords,
        mail: Mail,
    ) -> None:
        self._settings = settings
        self._database = database
        self._clock = clock
        self._limits = limits
        self._passwords = passwords
        self._challenges = mail.challenges
        self._mail = mail.requests

    async def register(
        self, email: str, password: str, display_name: str | None, client: Client
    ) -> SignedUp:
        """Make an account, or have one made once its address is proven.

        Where addresses must be proven first, nothing is looked up: the same is written
        for every address, and what the mail says is decided when it is sent.

        Raises:
            SignUpClosedError: If people can't make accounts themselves here.
            TooManyRequestsError: If too many accounts come from this network.
            PasswordRefusedError: If the password breaks a rule.
            EmailTakenError: If the address has an account.
        """
        if self._settings.sign_up != "open":
            raise SignUpClosedError
        await self._limits.count_sign_up(client)
        password_hash = await self._passwords.hash_new(password, email)
        if self._settings.email_verification == "required":
            pending = {"password_hash": password_hash, "display_name": display_name}
            asked = await self._mail.ask(Purpose.VERIFY_EMAIL, email, client, pending)
            return SignedUp(None, asked)
        user = User.new(email, password_hash, self._clock(), display_name)
        may_mail = await self._mail.may_ask(email, client)
        async with self._database.writing() as session:
            await self._add(session, user)
            challenge_id = None
            if may_mail:
                challenge_id = await self._challenges.ask(
                    session, Purpose.VERIFY_EMAIL, email, client
                )
        logger.info("auth.registered", extra={"new_user": str(user.id)})
        return SignedUp(user, challenge_id)

    async def resend(self, email: str, client: Client) -> UUID:
        """Send the mail again that proves an address.

        Raises:
            MailOffError: If no mail is sent here.
            TooManyRequestsError: If this client asks too often.
        """
        return await self._mail.ask(Purpose.VERIFY_EMAIL, email, client, as_before=True)

    async def verify(self, proof: Proof) -> User:
        """Note that somebody reads an address; make the account that waits for it.

        Raises:
            ChallengeFailedError: If the proof is wrong.
            ChallengeEndedError: If it was right once.
        """
        async with self._database.writing() as session:
            challenge = await self._challenges.examine(
                session, Purpose.VERIFY_EMAIL, proof
            )
            await self._challenges.use_up(session, challenge)
            user = await self._proven(session, challenge)
        logger.info("auth.email_verified", extra={"of_user": str(user.id)})
        return user

    async def make(
        self,
        session: AsyncSession,
        email: str,
        password_hash: str,
        display_name: str | None = None,
    ) -> User:
        """Make the account of somebody who has proven the address."""
        user = User.new(email, password_hash, self._clock(), display_name)
        user.email_verified = True
        await self._add(session, user)
        logger.info("auth.registered", extra={"new_user": str(user.id)})
        return user

    async def is_pending(self, email: str, password: str) -> bool:
        """Tell whether these are of a sign-up whose address is not proven yet.

        It may be of an address that has an account, so the answer tells nobody.
        """
        async with self._database.reading() as session:
            newest = await ChallengeRepository(session).newest(
                email, Purpose.VERIFY_EMAIL
            )
        if newest is None or newest.pending is None:
            return False
        if self._clock() - newest.created_at >= SIGN_UP_KEPT:
            return False
        return await self._passwords.verify(password, newest.pending["password_hash"])

    async def _proven(self, session: AsyncSession, challenge: Challenge) -> User:
        users = UserRepository(session)
        user = await users.lock_by_email(challenge.email)
        pending = challenge.pending
        if user is None:
            if pending is None:
                raise ChallengeFailedError
            return await self.make(session, challenge.email, **pending)
        if pending is not None:
            if user.email_verified:
                # The mail said so, and carried neither link nor code.
                raise ChallengeFailedError
            user.display_name = pending["display_name"]
            await hand_over(session, user, pending["password_hash"], self._clock())
        user.email_verified = True
        user.updated_at = self._clock()
        users.changed(user)
        return user

    async def _add(self, session: AsyncSession, user: User) -> None:
        user.roles = await RoleRepository(session).get_all([USER])
        await UserRepository(session).add(user)
