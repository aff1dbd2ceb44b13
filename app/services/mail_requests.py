"""Mail that people ask for: the same for every address, and not too much of it."""

from dataclasses import replace
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.client import Client
from app.core.clock import Clock
from app.core.config import Settings
from app.core.emails import email_key
from app.core.exceptions import MailOffError
from app.database import Database
from app.models import MessageKind, Purpose
from app.repositories import ChallengeRepository
from app.services.challenges import SIGN_UP_KEPT, Challenges
from app.services.devices import Devices
from app.services.limits import Limits
from app.services.mailing import Mailing


class MailRequests:
    """Has mail sent to whoever asks for it, known or not."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        clock: Clock,
        limits: Limits,
        devices: Devices,
        challenges: Challenges,
    ) -> None:
        self._settings = settings
        self._database = database
        self._clock = clock
        self._limits = limits
        self._devices = devices
        self._challenges = challenges

    async def ask(
        self,
        kind: MessageKind,
        email: str,
        client: Client,
        pending: dict[str, Any] | None = None,
        *,
        again: UUID | None = None,
    ) -> UUID:
        """Put a mail into the outbox; return what its code is to be given with.

        An address that has had enough gets none, and the answer does not say so.

        Args:
            kind: What the mail is for.
            email: Whom it is for; whether there is an account plays no part.
            client: Who asks.
            pending: What waits for the address to be proven.
            again: The challenge of an earlier mail, which only who asked for that
                knows; what has waited for it waits for this one too.

        Raises:
            MailOffError: If no mail is sent here.
            TooManyRequestsError: If this client asks too often.
        """
        if self._settings.mail == "off":
            raise MailOffError
        may_ask = await self.may_ask(email, client)
        async with self._database.writing() as session:
            mailing = Mailing(kind=kind, email=email, client=client, pending=pending)
            if again is not None:
                mailing = await self._as_before(session, mailing, again)
            return await self.put(session, mailing, really=may_ask)

    async def put(
        self, session: AsyncSession, mailing: Mailing, *, really: bool
    ) -> UUID:
        """Put a mail into the outbox, or do as if; see `may_ask`."""
        if not really:
            return await self._challenges.ask_in_vain(session, mailing)
        return await self._challenges.ask(session, mailing)

    async def may_ask(self, email: str, client: Client) -> bool:
        """Count a mail for this address, and tell whether it may be sent.

        Raises:
            TooManyRequestsError: If this client asks too often.
        """
        if self._settings.mail == "off":
            return False
        account = email_key(email)
        device = await self._devices.lane(account, client)
        return await self._limits.count_mail(account, device, client)

    async def _as_before(
        self, session: AsyncSession, mailing: Mailing, challenge_id: UUID
    ) -> Mailing:
        """Have a mail be for what an earlier one was for, if it can be."""
        earlier = await ChallengeRepository(session).get(challenge_id)
        if earlier is None or earlier.purpose != Purpose.VERIFY_EMAIL:
            return mailing
        if earlier.email_key != email_key(mailing.email):
            return mailing
        is_open = self._clock() - earlier.created_at < SIGN_UP_KEPT
        pending = earlier.pending if is_open else None
        return replace(mailing, pending=pending, user_id=earlier.user_id)
