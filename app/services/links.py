"""Links of mails, as their pages show them before anybody does what they are for."""

from dataclasses import dataclass

from app.core.exceptions import ChallengeEndedError
from app.database import Database
from app.models import Challenge, Purpose, User
from app.services.challenges import Challenges
from app.services.sign_up import SignUp


@dataclass(frozen=True)
class Seen:
    """What the holder of a link may know: what its mail says, and how using it ends.

    Attributes:
        email: The address that the mail went to, as its owner writes it.
        locale: The language that its reader has chosen, if any, as a tag.
        takes_password: Whether it takes the password of who asked for the mail.
        ended: Why it can't be used any more; None if it can.
    """

    email: str
    locale: str | None
    takes_password: bool
    ended: ChallengeEndedError | None


class Links:
    """Looks behind links, and changes nothing."""

    def __init__(
        self, database: Database, challenges: Challenges, sign_up: SignUp
    ) -> None:
        self._database = database
        self._challenges = challenges
        self._sign_up = sign_up

    async def look(self, purpose: Purpose, token: str) -> Seen:
        """Return what there is to see behind a link.

        Raises:
            ChallengeFailedError: If it is none of ours, or long gone.
            DatabaseUnavailableError: If the database does not answer.
        """
        async with self._database.reading() as session:
            challenge, user = await self._challenges.look(session, purpose, token)
        return Seen(
            _address(challenge, user),
            user.locale if user else None,
            self._takes_password(challenge, user),
            self._challenges.why_ended(challenge, by_link=True),
        )

    def _takes_password(self, challenge: Challenge, user: User | None) -> bool:
        if challenge.purpose == Purpose.CHANGE_EMAIL:
            return True
        if challenge.purpose != Purpose.VERIFY_EMAIL:
            return False
        return self._sign_up.chosen_password(challenge, user) is not None


def _address(challenge: Challenge, user: User | None) -> str:
    """Return where a mail went; whoever asked for it may have spelt it otherwise."""
    is_its_own = user is not None and user.email_key == challenge.email_key
    return user.email if user and is_its_own else challenge.email
