"""Another address for an account: proven first, and undone from the old one.

The undo is for who has lost an account to somebody with its password. So nothing that
person can do ends it, and it leaves them with nothing.
"""

import logging
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.challenge_tokens import Proof
from app.core.client import Client
from app.core.clock import Clock
from app.core.config import Settings
from app.core.emails import email_key
from app.core.exceptions import (
    AccountPasswordError,
    ChallengeFailedError,
    MailOffError,
)
from app.core.security import NO_PASSWORD
from app.database import Database
from app.models import (
    Challenge,
    EndReason,
    MessageKind,
    Purpose,
    User,
    UserStatus,
)
from app.repositories import ChallengeRepository, UserRepository
from app.services.mail import Mail
from app.services.mailing import Mailing
from app.services.own_password import OwnPassword
from app.services.ownership import hand_over
from app.services.principals import Principal, Principals

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Moved:
    """An account that has another address now.

    Attributes:
        user: The account.
        is_told: Whether the old address is told, and can undo it. Nobody tells one that
            was never proven.
    """

    user: User
    is_told: bool


class EmailChange:
    """The rules of changing an account's address."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        clock: Clock,
        principals: Principals,
        own_password: OwnPassword,
        mail: Mail,
    ) -> None:
        self._settings = settings
        self._database = database
        self._clock = clock
        self._principals = principals
        self._own_password = own_password
        self._challenges = mail.challenges
        self._mail = mail.requests

    async def ask(
        self, principal: Principal, password: str, email: str, client: Client
    ) -> UUID:
        """Send a mail to the new address; until it is proven, nothing changes.

        Whether another account has the address is said in that mail alone.

        Returns:
            What the code in the mail is to be given with.

        Raises:
            MailOffError: If no mail is sent here.
            WrongPasswordError: If the password is not right.
            TooManyRequestsError: If it has been wrong, or mail been asked for, too
                often.
        """
        if self._settings.mail == "off":
            raise MailOffError
        await self._own_password.check(principal, password)
        may_ask = await self._mail.may_ask(email, client)
        async with self._principals.writing(principal) as (session, actor):
            self._own_password.refuse_another(principal, actor)
            mailing = Mailing(
                kind=MessageKind.CHANGE_EMAIL,
                email=email,
                client=client,
                user_id=actor.user.id,
            )
            return await self._mail.put(session, mailing, really=may_ask)

    async def confirm(
        self, proof: Proof, password: str | None, client: Client
    ) -> Moved:
        """Give the account its new address, and tell the old one if it was proven.

        A code shows by itself who asked for it. A link may be opened by somebody who
        never did, and would give their address to a stranger's account: it takes the
        password of that account too.

        Raises:
            ChallengeFailedError: If the proof is wrong.
            ChallengeEndedError: If it was right once.
            AccountPasswordError: If the password is missing or wrong; the link can be
                used again then.
            TooManyRequestsError: If it, or codes, have been wrong too often.
            EmailTakenError: If another account has got the address meanwhile.
        """
        checked = None
        if proof.token is not None:
            checked = await self._check_password(proof, password or "")
        async with (
            self._challenges.counted(proof, client),
            self._database.writing() as session,
        ):
            challenge, user = await self._examine(session, proof)
            if checked is not None and user.password_hash != checked:
                raise AccountPasswordError
            await self._challenges.use_up(session, challenge)
            is_told = await self._move(session, user, challenge.email, client)
        logger.info("user.email_changed", extra={"of_user": str(user.id)})
        return Moved(user, is_told)

    async def undo(self, proof: Proof, client: Client) -> None:
        """Give an account back to the address that it had before.

        Everybody is signed out and the password opens nothing: whoever changed the
        address knew it. A mail to set another is sent along.

        Raises:
            ChallengeFailedError: If the proof is wrong.
            ChallengeEndedError: If it was right once.
            EmailTakenError: If another account has the address by now.
        """
        async with self._database.writing() as session:
            challenge, user = await self._challenges.examine_own(
                session, Purpose.UNDO_EMAIL_CHANGE, proof
            )
            if user.status == UserStatus.DISABLED:
                raise ChallengeFailedError
            await self._end_later_undos(session, user, challenge)
            await self._challenges.use_up(session, challenge)
            await self._give_back(session, user, challenge.email)
            mailing = Mailing.reset_after("undo", user.email, client)
            await self._challenges.ask(session, mailing)
        logger.warning("user.email_change_undone", extra={"of_user": str(user.id)})

    async def _check_password(self, proof: Proof, password: str) -> str:
        """Return the hash that the password was right for."""
        async with self._database.writing() as session:
            challenge, user = await self._examine(session, proof)
        stored = user.password_hash
        await self._own_password.compare(
            challenge.id, password, stored, AccountPasswordError
        )
        return stored

    async def _examine(
        self, session: AsyncSession, proof: Proof
    ) -> tuple[Challenge, User]:
        challenge, user = await self._challenges.examine_own(
            session, Purpose.CHANGE_EMAIL, proof
        )
        if not user.is_active:
            raise ChallengeFailedError
        return challenge, user

    async def _move(
        self, session: AsyncSession, user: User, email: str, client: Client
    ) -> bool:
        """Give it the address; return whether the old one is told."""
        now, old = self._clock(), user.email
        tells = user.email_verified and user.email_key != email_key(email)
        # Before the address is another: what was sent to the old one ends too.
        await ChallengeRepository(session).cancel_all(user, now)
        user.email_verified = True
        user.updated_at = now
        await UserRepository(session).move(user, email)
        if tells:
            mailing = Mailing(
                kind=MessageKind.EMAIL_CHANGED,
                email=old,
                client=client,
                user_id=user.id,
                pending={"change": await self._number(session, user)},
            )
            await self._challenges.ask(session, mailing)
        return tells

    async def _number(self, session: AsyncSession, user: User) -> int:
        """Return which change this is, so that it is known which ones are later.

        Not by the time: that of two processes is never quite the same.
        """
        undos = await ChallengeRepository(session).open_undos(user, self._clock())
        return 1 + max(map(_number_of, undos), default=0)

    async def _end_later_undos(
        self, session: AsyncSession, user: User, used: Challenge
    ) -> None:
        """End what undoes a later change; an earlier one is of who was here before."""
        challenges, now = ChallengeRepository(session), self._clock()
        undos = await challenges.open_undos(user, now)
        later = [undo for undo in undos if _number_of(undo) > _number_of(used)]
        await challenges.cancel_these(later, now)

    async def _give_back(self, session: AsyncSession, user: User, email: str) -> None:
        challenges, now = ChallengeRepository(session), self._clock()
        # Before the address is another, as in the other direction.
        await challenges.cancel_all(user, now)
        user.status = UserStatus.ACTIVE
        user.delete_at = None
        await UserRepository(session).move(user, email)
        await hand_over(session, user, NO_PASSWORD, now, EndReason.EMAIL_CHANGE_UNDONE)
        await challenges.cancel_sent_elsewhere(user, now)


def _number_of(undo: Challenge) -> int:
    return int((undo.pending or {})["change"])
