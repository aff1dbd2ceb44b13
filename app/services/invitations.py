"""Invitations: accounts whose owners choose the password themselves."""

import logging
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.challenge_tokens import Proof
from app.core.client import Client
from app.core.clock import Clock
from app.core.config import Settings
from app.core.emails import email_key
from app.core.exceptions import (
    ChallengeFailedError,
    MailOffError,
    NotInvitedError,
    SignUpClosedError,
)
from app.core.security import NO_PASSWORD
from app.database import Database
from app.models import MessageKind, NewAccount, Permission, Purpose, User
from app.repositories import UserRepository
from app.services.challenges import Challenges
from app.services.limits import Limits
from app.services.mailing import Mailing
from app.services.ownership import hand_over
from app.services.passwords import Passwords
from app.services.principals import Actor, Principal, Principals
from app.services.users import UserService, add_account

logger = logging.getLogger(__name__)


class Invitations:
    """The rules of inviting people."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        clock: Clock,
        limits: Limits,
        passwords: Passwords,
        principals: Principals,
        challenges: Challenges,
        users: UserService,
    ) -> None:
        self._settings = settings
        self._database = database
        self._clock = clock
        self._limits = limits
        self._passwords = passwords
        self._principals = principals
        self._challenges = challenges
        self._users = users

    async def invite(self, by: Principal, new: NewAccount, client: Client) -> User:
        """Make an account that nobody can get into yet, and send its owner a link.

        Raises:
            SignUpClosedError: If nobody is invited here.
            MailOffError: If no mail is sent here.
            TooManyRequestsError: If the address has been sent too many.
            PermissionDeniedError: If the roles give what the caller does not hold.
            RoleNotFoundError: If there is no such role.
            EmailTakenError: If the address has an account.
        """
        self._refuse_where_none_are_sent()
        async with (
            self._limits.mail_by_admin(email_key(new.email)),
            self._principals.writing(by) as (session, actor),
        ):
            user = new.row(NO_PASSWORD, self._clock())
            user.invited_at = self._clock()
            await add_account(session, actor, user, new.roles)
            await self._send(session, user, actor, client)
        logger.info("user.invited", extra={"new_user": str(user.id)})
        return user

    async def invite_again(self, by: Principal, user_id: UUID, client: Client) -> None:
        """Send an invitation again; the link of the one before no longer works.

        Raises:
            SignUpClosedError: If nobody is invited here.
            MailOffError: If no mail is sent here.
            TooManyRequestsError: If the address has been sent too many.
            PermissionDeniedError: If the caller may not change accounts any more.
            UserNotFoundError: If there is no such user.
            NotInvitedError: If they have no open invitation.
        """
        self._refuse_where_none_are_sent()
        known = await self._users.get(user_id)
        async with (
            self._limits.mail_by_admin(known.email_key),
            self._principals.writing(by, user_id) as (session, actor),
        ):
            actor.must_hold(Permission.USERS_WRITE)
            user = await self._users.find(session, user_id)
            if user.invited_at is None or not user.is_active:
                raise NotInvitedError
            user.invited_at = self._clock()
            UserRepository(session).changed(user)
            await self._send(session, user, actor, client)
        logger.info("user.invited_again", extra={"of_user": str(user_id)})

    async def accept(
        self, proof: Proof, new_password: str, display_name: str | None = None
    ) -> User:
        """Give an account to who was invited, with the password that they choose.

        Raises:
            ChallengeFailedError: If the proof is wrong.
            ChallengeEndedError: If it was right once.
            PasswordRefusedError: If the password breaks a rule; the link can be used
                again then.
        """
        async with self._database.writing() as session:
            seen, _ = await self._challenges.examine_own(
                session, Purpose.ACCEPT_INVITE, proof
            )
        new_hash = await self._passwords.hash_new(new_password, seen.email)
        async with self._database.writing() as session:
            challenge, user = await self._challenges.examine_own(
                session, Purpose.ACCEPT_INVITE, proof
            )
            if not user.is_active:
                raise ChallengeFailedError
            await self._challenges.use_up(session, challenge)
            user.display_name = display_name or user.display_name
            await hand_over(session, user, new_hash, self._clock())
        logger.info("user.invitation_accepted", extra={"of_user": str(user.id)})
        return user

    def _refuse_where_none_are_sent(self) -> None:
        if self._settings.sign_up == "closed":
            raise SignUpClosedError
        if self._settings.mail == "off":
            raise MailOffError

    async def _send(
        self, session: AsyncSession, user: User, actor: Actor, client: Client
    ) -> None:
        inviter = actor.user.display_name or actor.user.email
        mailing = Mailing(
            kind=MessageKind.INVITATION,
            email=user.email,
            client=client,
            user_id=user.id,
            facts={"inviter": inviter},
        )
        await self._challenges.ask(session, mailing)
