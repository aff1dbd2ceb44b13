"""Decides what a mail says, at the moment it is sent.

Whoever asks for a mail is answered before anybody has looked whether the address has an
account: that is done here, where no caller can measure it. So every request for a mail
is answered by one, and only the reader of the address learns which it is.
"""

from app.core.challenge_tokens import ChallengeTokens
from app.core.config import Settings
from app.core.emails import mail_address
from app.core.exceptions import MessageNotFoundError
from app.database import Database
from app.models import (
    Challenge,
    ChallengeEnd,
    Message,
    MessageKind,
    Purpose,
    User,
)
from app.repositories import ChallengeRepository, UserRepository
from app.services.letters import Letter, Letters

LINK_PATHS = {
    Purpose.VERIFY_EMAIL: "/links/verify-email",
    Purpose.RESET_PASSWORD: "/links/reset-password",
    Purpose.SIGN_IN: "/links/sign-in",
    Purpose.CHANGE_EMAIL: "/links/change-email",
    Purpose.UNDO_EMAIL_CHANGE: "/links/undo-email-change",
    Purpose.ACCEPT_INVITE: "/links/accept-invite",
    Purpose.SIGN_OUT_OTHERS: "/links/sign-out-others",
    Purpose.UNDO_DELETION: "/links/undo-deletion",
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
            MessageNotFoundError: If it has been deleted meanwhile, with its account.
            DatabaseUnavailableError: If the database does not answer.
        """
        async with self._database.reading() as session:
            challenge = await ChallengeRepository(session).get(message.challenge_id)
            if challenge is None:
                raise MessageNotFoundError
            users = UserRepository(session)
            holder = await users.find_by_email(message.recipient)
            owner = holder
            if challenge.user_id is not None:
                owner = await users.get(challenge.user_id)
        return self._letters.write(
            self._template(message.kind, challenge, owner, holder),
            message,
            recipient=mail_address(holder.email if holder else message.recipient),
            locale=owner.locale if owner else None,
            link=self._link(challenge),
            code=self._tokens.code(challenge.id),
        )

    def _link(self, challenge: Challenge) -> str:
        token = self._tokens.link_token(challenge.purpose, challenge.id)
        path = LINK_PATHS[Purpose(challenge.purpose)]
        return f"{self._settings.public_url}{path}?token={token}"

    def _template(
        self, kind: str, challenge: Challenge, owner: User | None, holder: User | None
    ) -> str:
        """Return which template fits what there is for this address.

        Args:
            kind: What the message is about.
            challenge: What it asks for.
            owner: Whose account it is about, if there is one.
            holder: Who has the address that it goes to, if anybody has.
        """
        if challenge.end_reason == ChallengeEnd.USED:
            # What was used stood in the mail, whatever has become of the address since.
            return str(kind)
        if kind == MessageKind.CHANGE_EMAIL:
            is_free = holder is None or holder.id == challenge.user_id
            return str(kind) if is_free else "address_taken"
        if challenge.user_id is not None:
            return str(kind)
        if owner is not None and not owner.is_active:
            return "no_account"
        if kind == MessageKind.VERIFY_EMAIL:
            if owner is not None and owner.email_verified:
                return "account_exists"
            is_sign_up = challenge.pending is not None
            return "verify_email" if owner or is_sign_up else "no_account"
        may_sign_up = self._settings.sign_up == "open" and kind == MessageKind.SIGN_IN
        return str(kind) if owner or may_sign_up else "no_account"
