"""Decides what a mail says, at the moment it is sent.

Whoever asks for a mail is answered before anybody has looked whether the address has an
account: that is done here, where no caller can measure it. So every request for a mail
is answered by one, and only the reader of the address learns which it is.
"""

from dataclasses import dataclass

from app.core.challenge_tokens import ChallengeTokens
from app.core.clock import Clock
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


@dataclass(frozen=True)
class Situation:
    """What there is for an address at the moment.

    Attributes:
        challenge: What the mail asks for.
        owner: Whose account it is about, if there is one.
        holder: Who has the address that it goes to, if anybody has.
        is_reserved: Whether that may still be given back to an account.
    """

    challenge: Challenge
    owner: User | None
    holder: User | None
    is_reserved: bool


class Composer:
    """Writes the letter of a message."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        clock: Clock,
        tokens: ChallengeTokens,
        letters: Letters,
    ) -> None:
        self._settings = settings
        self._database = database
        self._clock = clock
        self._tokens = tokens
        self._letters = letters

    async def compose(self, message: Message) -> Letter:
        """Write the letter that this message becomes now.

        Raises:
            MessageNotFoundError: If it has been deleted meanwhile, with its account.
            DatabaseUnavailableError: If the database does not answer.
        """
        about = await self._situation(message)
        challenge, holder = about.challenge, about.holder
        reader = holder or about.owner
        token = self._tokens.link_token(challenge.purpose, challenge.seed)
        path = LINK_PATHS[Purpose(challenge.purpose)]
        return self._letters.write(
            self._template(message, about),
            message,
            recipient=mail_address(holder.email if holder else message.recipient),
            locale=reader.locale if reader else None,
            link=f"{self._settings.public_url}{path}?token={token}",
            token=token,
            code=self._tokens.code(challenge.seed),
        )

    async def _situation(self, message: Message) -> Situation:
        async with self._database.reading() as session:
            challenges = ChallengeRepository(session)
            challenge = await challenges.get(message.challenge_id)
            if challenge is None:
                raise MessageNotFoundError
            is_reserved = await challenges.is_reserved(message.recipient, self._clock())
            users = UserRepository(session)
            holder = owner = await users.find_by_email(message.recipient)
            if challenge.user_id is not None:
                owner = await users.get(challenge.user_id)
        return Situation(challenge, owner, holder, is_reserved)

    def _template(self, message: Message, about: Situation) -> str:
        """Return which template fits what there is for this address."""
        challenge, owner, kind = about.challenge, about.owner, message.kind
        fitting = _template_of(message)
        if challenge.end_reason == ChallengeEnd.USED:
            # What was used stood in the mail, whatever has become of the address since.
            return fitting
        if kind == MessageKind.CHANGE_EMAIL:
            is_free = about.holder is None or about.holder.id == challenge.user_id
            return fitting if is_free else "address_taken"
        if challenge.user_id is not None and kind != MessageKind.VERIFY_EMAIL:
            return fitting
        if owner is None:
            return fitting if self._makes_account(kind, about) else "no_account"
        if not owner.is_active:
            return "no_account"
        if kind == MessageKind.VERIFY_EMAIL and owner.email_verified:
            return "account_exists"
        return fitting

    def _makes_account(self, kind: str, about: Situation) -> bool:
        """Tell whether an account is made when the challenge is passed."""
        if about.is_reserved or self._settings.sign_up != "open":
            return False
        is_sign_up = about.challenge.pending is not None
        return kind == MessageKind.SIGN_IN or is_sign_up


def _template_of(message: Message) -> str:
    """Return the template of its kind, or that which says what it was sent after."""
    after = message.facts.get("after")
    return f"reset_after_{after}" if after else str(message.kind)
