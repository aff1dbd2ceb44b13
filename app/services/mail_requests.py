"""Mail that people ask for: the same for every address, and not too much of it."""

from typing import Any
from uuid import UUID

from app.core.client import Client
from app.core.config import Settings
from app.core.emails import email_key
from app.core.exceptions import MailOffError
from app.core.security import DeviceTokens
from app.database import Database
from app.models import Purpose, new_id
from app.repositories import ChallengeRepository
from app.services.challenges import Challenges
from app.services.limits import Limits


class MailRequests:
    """Has mail sent to whoever asks for it, known or not."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        limits: Limits,
        devices: DeviceTokens,
        challenges: Challenges,
    ) -> None:
        self._settings = settings
        self._database = database
        self._limits = limits
        self._devices = devices
        self._challenges = challenges

    async def ask(
        self,
        purpose: Purpose,
        email: str,
        client: Client,
        pending: dict[str, Any] | None = None,
        *,
        as_before: bool = False,
    ) -> UUID:
        """Put a mail into the outbox; return what its code is to be given with.

        An address that has had enough gets none, and the answer does not say so.

        Args:
            purpose: What the mail is for.
            email: Whom it is for; whether there is an account plays no part.
            client: Who asks.
            pending: What waits for the address to be proven.
            as_before: Whether that is what waited at the last time.

        Raises:
            MailOffError: If no mail is sent here.
            TooManyRequestsError: If this client asks too often.
        """
        if self._settings.mail == "off":
            raise MailOffError
        if not await self.may_ask(email, client):
            return new_id()
        async with self._database.writing() as session:
            if as_before:
                last = await ChallengeRepository(session).newest(email, purpose)
                pending = last.pending if last else None
            return await self._challenges.ask(session, purpose, email, client, pending)

    async def may_ask(self, email: str, client: Client) -> bool:
        """Count a mail for this address, and tell whether it may be sent.

        Raises:
            TooManyRequestsError: If this client asks too often.
        """
        if self._settings.mail == "off":
            return False
        account = email_key(email)
        device = self._devices.device_of(client.device_token, account)
        return await self._limits.count_mail(account, device, client)
