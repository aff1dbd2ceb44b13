"""Signing up, and proving an e-mail address."""

import logging
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.challenge_tokens import Proof
from app.core.client import Client
from app.core.clock import Clock
from app.core.config import Settings
from app.core.exceptions import (
    BusyError,
    ChallengeFailedError,
    EmailTakenError,
    SignUpClosedError,
    SignUpPasswordError,
)
from app.core.languages import preferred_language
from app.core.security import NO_PASSWORD
from app.database import Database
from app.models import USER, Challenge, MessageKind, Purpose, User
from app.repositories import ChallengeRepository, RoleRepository, UserRepository
from app.services.challenges import SIGN_UP_KEPT
from app.services.limits import Limits
from app.services.mail import Mail
from app.services.mailing import Mailing
from app.services.own_password import OwnPassword
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
        own_password: OwnPassword,
        mail: Mail,
    ) -> None:
        self._settings = settings
        self._database = database
        self._clock = clock
        self._limits = limits
        self._passwords = passwords
        self._own_password = own_password
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
            pending = {
                "password_hash": password_hash,
                "display_name": display_name,
                "locale": preferred_language(client.languages),
            }
            asked = await self._mail.ask(
                MessageKind.VERIFY_EMAIL, email, client, pending
            )
            return SignedUp(None, asked)
        # Before mail is counted: what is left for an address is for its owner.
        await self._refuse_taken(email)
        may_mail = await self._mail.may_ask(email, client)
        locale = preferred_language(client.languages)
        user = User.new(email, password_hash, self._clock(), display_name, locale)
        async with self._database.writing() as session:
            await self._add(session, user)
            # Only now: whoever gives the address up at this moment was waited for.
            if await self._is_reserved(session, email):
                raise EmailTakenError
            challenge_id = await self._ask(session, user, client, may_mail)
        logger.info("auth.registered", extra={"new_user": str(user.id)})
        return SignedUp(user, challenge_id)

    async def resend(
        self, email: str, client: Client, challenge_id: UUID | None = None
    ) -> UUID:
        """Send the mail again that proves an address.

        Args:
            email: The address.
            client: Who asks.
            challenge_id: What the answer to the sign-up said; without it, a sign-up
                that waits for its address to be proven does not wait for this mail.

        Raises:
            MailOffError: If no mail is sent here.
            TooManyRequestsError: If this client asks too often.
        """
        return await self._mail.ask(
            MessageKind.VERIFY_EMAIL, email, client, again=challenge_id
        )

    async def verify(self, proof: Proof, password: str | None, client: Client) -> User:
        """Note that somebody reads an address; make the account that waits for it.

        A link may be opened by somebody else than who signed up. Where the account
        becomes that of who reads the address, as it is made now or can be signed in to
        by mail, it takes the password of the sign-up too. A code shows by itself who
        asked for it; if that was not with the sign-up, it takes the password as well.

        Raises:
            ChallengeFailedError: If the proof is wrong.
            ChallengeEndedError: If it was right once.
            SignUpPasswordError: If the sign-up's password is missing or wrong; the link
                can be used again then.
            TooManyRequestsError: If too many codes, or passwords, were wrong.
            BusyError: If somebody else has made the account at this moment.
        """
        async with self._challenges.counted(proof, client):
            user = await self._verify(proof, password)
        logger.info("auth.email_verified", extra={"of_user": str(user.id)})
        return user

    async def _verify(self, proof: Proof, password: str | None) -> User:
        async with self._database.writing() as session:
            seen, user = await self._challenges.examine(
                session, Purpose.VERIFY_EMAIL, proof
            )
        signed_up = seen.pending is not None or seen.user_id is not None
        if (proof.token or not signed_up) and (
            chosen := self.chosen_password(seen, user)
        ):
            await self._own_password.compare(
                seen.id, password or "", chosen, SignUpPasswordError
            )
        async with self._database.writing() as session:
            challenge, user = await self._challenges.examine(
                session, Purpose.VERIFY_EMAIL, proof
            )
            pending = challenge.pending
            await self._challenges.use_up(session, challenge)
            return await self._proven(session, challenge.email, user, pending)

    def chosen_password(self, challenge: Challenge, user: User | None) -> str | None:
        """Return the hash of what whoever signed up has chosen, if a link takes it."""
        if challenge.pending is not None:
            return str(challenge.pending["password_hash"])
        if user is None or user.email_verified or not self._settings.mail_sign_in:
            return None
        return None if user.password_hash == NO_PASSWORD else user.password_hash

    async def make(
        self,
        session: AsyncSession,
        email: str,
        password_hash: str,
        display_name: str | None = None,
        locale: str | None = None,
    ) -> User:
        """Make the account of somebody who has proven the address.

        Raises:
            ChallengeFailedError: If the address may still be given back to an account;
                another one would stand in its way.
            BusyError: If somebody else has made it at this moment; the next try will
                find it.
        """
        if await self._is_reserved(session, email):
            raise ChallengeFailedError
        user = User.new(email, password_hash, self._clock(), display_name, locale)
        user.email_verified = True
        try:
            await self._add(session, user)
        except EmailTakenError as error:
            raise BusyError from error
        logger.info("auth.registered", extra={"new_user": str(user.id)})
        return user

    async def is_pending(self, email: str, password: str) -> bool:
        """Tell whether these are of a sign-up whose address is not proven yet.

        It may be of an address that has an account, so the answer tells nobody; and it
        takes as long if there is no such sign-up.
        """
        since = self._clock() - SIGN_UP_KEPT
        async with self._database.reading() as session:
            found = await ChallengeRepository(session).newest_sign_up(email, since)
        waiting = found.pending if found else None
        stored = waiting["password_hash"] if waiting else None
        return await self._passwords.verify(password, stored)

    async def _refuse_taken(self, email: str) -> None:
        async with self._database.reading() as session:
            if await UserRepository(session).find_by_email(email):
                raise EmailTakenError

    async def _ask(
        self, session: AsyncSession, user: User, client: Client, may_mail: bool
    ) -> UUID | None:
        if self._settings.mail == "off":
            return None
        mailing = Mailing(
            kind=MessageKind.VERIFY_EMAIL,
            email=user.email,
            client=client,
            user_id=user.id,
        )
        return await self._mail.put(session, mailing, really=may_mail)

    async def _proven(
        self,
        session: AsyncSession,
        email: str,
        user: User | None,
        pending: dict[str, Any] | None,
    ) -> User:
        if user is None:
            if pending is None or self._settings.sign_up != "open":
                raise ChallengeFailedError
            return await self.make(session, email, **pending)
        if not user.is_active:
            raise ChallengeFailedError
        if pending is not None:
            if user.email_verified:
                # The mail said so, and carried neither link nor code.
                raise ChallengeFailedError
            user.display_name = pending["display_name"] or user.display_name
            user.locale = pending["locale"] or user.locale
            await hand_over(session, user, pending["password_hash"], self._clock())
        user.email_verified = True
        user.updated_at = self._clock()
        UserRepository(session).changed(user)
        return user

    async def _is_reserved(self, session: AsyncSession, email: str) -> bool:
        return await ChallengeRepository(session).is_reserved(email, self._clock())

    async def _add(self, session: AsyncSession, user: User) -> None:
        user.roles = await RoleRepository(session).get_all([USER])
        await UserRepository(session).add(user)
