"""Notices: telling people what happened to their account.

Each is written in the transaction of what it tells of, and has a link with which its
reader signs everybody else out.
"""

import logging
from collections.abc import Mapping
from datetime import timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.challenge_tokens import Proof
from app.core.client import Client
from app.core.clock import Clock
from app.core.config import Settings
from app.core.security import NO_PASSWORD
from app.database import Database
from app.models import (
    Account,
    EndReason,
    MessageKind,
    Purpose,
    User,
)
from app.repositories import (
    ChallengeRepository,
    OutboxRepository,
    SessionRepository,
    UserRepository,
)
from app.services.challenges import Challenges
from app.services.mailing import Mailing

logger = logging.getLogger(__name__)

PER_DAY = 10
"""How many notices of a kind an account gets in a day. Whoever knows the password could
have any number sent; the first ones say it all."""


class Notices:
    """Tells the owner of an account what happened to it."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        clock: Clock,
        challenges: Challenges,
    ) -> None:
        self._settings = settings
        self._database = database
        self._clock = clock
        self._challenges = challenges

    async def tell(
        self,
        session: AsyncSession,
        kind: MessageKind,
        user: User | Account,
        client: Client,
        facts: Mapping[str, str] | None = None,
    ) -> None:
        """Put a notice into the outbox, where mail is sent.

        Not for an address that nobody has proven: it may be that of a stranger, who
        would get mail about an account that somebody has made with it, and a link.

        Args:
            session: The transaction of what it tells of.
            kind: What happened.
            user: Whose account it is; the notice goes to its present address.
            client: Who did it.
            facts: What else the mail says.
        """
        if self._settings.mail == "off" or not user.email_verified:
            return
        since = self._clock() - timedelta(days=1)
        told = await OutboxRepository(session).number_told(user.id, kind, since)
        if told >= PER_DAY:
            return
        await self._challenges.ask(
            session,
            Mailing(
                kind=kind,
                email=user.email,
                client=client,
                user_id=user.id,
                facts=facts or {},
            ),
        )

    async def sign_out_others(
        self, proof: Proof, here: UUID | None, client: Client
    ) -> bool:
        """End the sessions of who got such a mail, but that of who follows its link.

        If the address is still the account's, its password opens nothing any more, and
        a mail to set another is sent along: a stranger who knows it would be back at
        once, and end that mail as well. What they have begun with a proof, such as a
        change of address, ends too.

        Args:
            proof: The link.
            here: The session of who follows it, if they are signed in.
            client: Who follows it.

        Returns:
            Whether there was one of theirs to go on.

        Raises:
            ChallengeFailedError: If the proof is wrong.
            ChallengeEndedError: If it was right once.
        """
        now = self._clock()
        async with self._database.writing() as session:
            challenge, user = await self._challenges.examine_own(
                session, Purpose.SIGN_OUT_OTHERS, proof
            )
            await self._challenges.use_up(session, challenge)
            sessions = SessionRepository(session)
            own = await sessions.get(here) if here else None
            await sessions.end_all_of_user(
                user.id, EndReason.SIGNED_OUT_ELSEWHERE, now, keep=here
            )
            await ChallengeRepository(session).cancel_all(user, now)
            if challenge.email_key == user.email_key:
                await self._have_password_reset(session, user, client)
        logger.warning("user.others_signed_out", extra={"of_user": str(user.id)})
        return own is not None and own.user_id == user.id and not own.why_ended(now)

    async def _have_password_reset(
        self, session: AsyncSession, user: User, client: Client
    ) -> None:
        user.password_hash = NO_PASSWORD
        user.updated_at = self._clock()
        UserRepository(session).changed(user)
        if user.is_active:
            mailing = Mailing.reset_after("sign_out", user.email, client)
            await self._challenges.ask(session, mailing)
