"""Signing in by mail, without a password."""

import logging
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.challenge_tokens import Proof
from app.core.client import Client
from app.core.clock import Clock
from app.core.config import Settings
from app.core.exceptions import ChallengeFailedError, MailSignInOffError
from app.core.languages import preferred_language
from app.core.metrics import SIGN_INS
from app.core.security import NO_PASSWORD
from app.database import Database
from app.models import MessageKind, Method, Purpose, Session, User
from app.repositories import SessionRepository, UserRepository
from app.services.devices import Devices
from app.services.issuing import SignedIn, TokenIssuer
from app.services.keys import Keys
from app.services.mail import Mail
from app.services.ownership import hand_over
from app.services.sessions import Sessions, refuse_inactive
from app.services.sign_up import SignUp

logger = logging.getLogger(__name__)


class MailSignIn:
    """The rules of signing in with a link or a code."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        clock: Clock,
        mail: Mail,
        sessions: Sessions,
        sign_up: SignUp,
        keys: Keys,
        devices: Devices,
        issuer: TokenIssuer,
    ) -> None:
        self._settings = settings
        self._database = database
        self._clock = clock
        self._challenges = mail.challenges
        self._mail = mail.requests
        self._sessions = sessions
        self._sign_up = sign_up
        self._keys = keys
        self._devices = devices
        self._issuer = issuer

    async def ask(self, email: str, client: Client) -> UUID:
        """Send a mail that signs its reader in.

        Returns:
            What the code in the mail is to be given with.

        Raises:
            MailSignInOffError: If people don't sign in so here.
            MailOffError: If no mail is sent here.
            TooManyRequestsError: If this client asks too often.
        """
        if not self._settings.mail_sign_in:
            raise MailSignInOffError
        return await self._mail.ask(MessageKind.SIGN_IN, email, client)

    async def sign_in(self, proof: Proof, client: Client) -> SignedIn:
        """Start a session; make the account if there is none and anybody may sign up.

        Raises:
            MailSignInOffError: If people don't sign in so here.
            ChallengeFailedError: If the proof is wrong.
            ChallengeEndedError: If it was right once.
            AccountDisabledError: If the account is disabled.
            AccountDeletedError: If its owner has deleted it.
            TooManyRequestsError: If too many codes were wrong.
            BusyError: If somebody else has made the account at this moment.
        """
        if not self._settings.mail_sign_in:
            raise MailSignInOffError
        await self._keys.keep_up()
        async with self._challenges.counted(proof, client):
            user, row = await self._begin(proof, client)
        SIGN_INS.labels("succeeded").inc()
        logger.info(
            "auth.signed_in_by_mail",
            extra={"of_user": str(user.id), "new_session": str(row.id)},
        )
        return self._issuer.issue(user, row, self._devices.token(user, client))

    async def _begin(self, proof: Proof, client: Client) -> tuple[User, Session]:
        async with self._database.writing() as session:
            challenge, known = await self._challenges.examine(
                session, Purpose.SIGN_IN, proof
            )
            await self._challenges.use_up(session, challenge)
            user = await self._reader(session, challenge.email, known, client)
            user.last_sign_in_at = self._clock()
            UserRepository(session).changed(user)
            row = self._sessions.begin(user, client, Method.MAIL)
            SessionRepository(session).add(row)
        return user, row

    async def _reader(
        self, session: AsyncSession, email: str, user: User | None, client: Client
    ) -> User:
        """Return the account of who reads the address, theirs alone."""
        if user is None:
            if self._settings.sign_up != "open":
                raise ChallengeFailedError
            locale = preferred_language(client.languages)
            return await self._sign_up.make(session, email, NO_PASSWORD, locale=locale)
        refuse_inactive(user)
        if not user.email_verified or user.invited_at is not None:
            # Nobody has proven the address before, or come: what is there may be a
            # stranger's.
            await hand_over(session, user, NO_PASSWORD, self._clock())
        return user
