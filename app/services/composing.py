"""Decides what a mail says, at the moment it is sent.

Whoever asks for a mail is answered before anybody has looked whether the address has an
account: that is done here, where no caller can measure it. So every request for a mail
is answered by one, and only the reader of the address learns which it is.
"""

from datetime import datetime

from app.core.challenge_tokens import ChallengeTokens
from app.core.config import Settings
from app.core.emails import mail_address
from app.database import Database
from app.models import Challenge, ChallengeEnd, Message, MessageKind, User
from app.repositories import ChallengeRepository, UserRepository
from app.services.letters import Letter, Letters

LINK_PATHS = {
    MessageKind.VERIFY_EMAIL: "/links/verify-email",
    MessageKind.RESET_PASSWORD: "/links/reset-password",
    MessageKind.SIGN_IN: "/links/sign-in",
}


class Composer:
    """Writes the letter of a message."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        tokens: ChallengeTokens,
        letters: Letters,
    ) -> None:
        self._settings = settings
        self._database = database
        self._tokens = tokens
        self._letters = letters

    async def compose(self, message: Message) -> Letter:
        """Write the letter that this message becomes now.

        Raises:
            DatabaseUnavailableError: If the database does not answer.
        """
        async with self._database.reading() as session:
            challenge = await ChallengeRepository(session).get(message.challenge_id)
            user = await UserRepository(session).find_by_email(message.recipient)
        template = self._template(message.kind, challenge, user)
        return self._letters.write(
            template,
            message,
            recipient=mail_address(user.email if user else message.recipient),
            link=self._link(message),
            code=self._tokens.code(message.challenge_id),
            at=datetime.fromisoformat(message.facts["at"]),
            ip=message.facts["ip"],
            device=message.facts["device"],
        )

    def _link(self, message: Message) -> str:
        token = self._tokens.link_token(message.kind, message.challenge_id)
        path = LINK_PATHS[MessageKind(message.kind)]
        return f"{self._settings.public_url}{path}?token={token}"

    def _template(
        self, kind: str, challenge: Challenge | None, user: User | None
    ) -> str:
        """Return which template fits what there is for this address."""
        if challenge is not None and challenge.end_reason == ChallengeEnd.USED:
            # What was used stood in the mail, whatever has become of the address since.
            return str(kind)
        if user is not None and not user.is_active:
            return "no_account"
        if kind == MessageKind.VERIFY_EMAIL:
            is_sign_up = challenge is not None and challenge.pending is not None
            if user is not None and user.email_verified:
                return "account_exists"
            return "verify_email" if user or is_sign_up else "no_account"
        may_sign_up = self._settings.sign_up == "open" and kind == MessageKind.SIGN_IN
        return str(kind) if user or may_sign_up else "no_account"
