"""Accounts: what their owners do with them."""

import logging

from app.core.client import Client
from app.core.clock import Clock
from app.models import EndReason, MessageKind, User, UserChanges
from app.repositories import ChallengeRepository, SessionRepository, UserRepository
from app.services.notices import Notices
from app.services.own_password import OwnPassword
from app.services.passwords import Passwords
from app.services.principals import Principal, Principals

logger = logging.getLogger(__name__)


class OwnAccount:
    """The rules of one's own account."""

    def __init__(
        self,
        clock: Clock,
        passwords: Passwords,
        principals: Principals,
        own_password: OwnPassword,
        notices: Notices,
    ) -> None:
        self._clock = clock
        self._passwords = passwords
        self._principals = principals
        self._own_password = own_password
        self._notices = notices

    async def change(self, principal: Principal, changes: UserChanges) -> User:
        """Change what the caller's account says of them."""
        async with self._principals.writing(principal) as (session, actor):
            for name, value in changes.items():
                setattr(actor.user, name, value)
            actor.user.updated_at = self._clock()
            UserRepository(session).changed(actor.user)
        extra = {"of_user": str(actor.user.id), "fields": sorted(changes)}
        logger.info("user.changed", extra=extra)
        return actor.user

    async def change_password(
        self,
        principal: Principal,
        current_password: str,
        new_password: str,
        client: Client,
    ) -> None:
        """Change the caller's password; all other sessions end.

        Raises:
            WrongPasswordError: If the current one is not right.
            TooManyRequestsError: If it has been wrong too often.
            PasswordRefusedError: If the new one breaks a rule.
        """
        await self._own_password.check(principal, current_password)
        new_hash = await self._passwords.hash_new(new_password, principal.user.email)
        async with self._principals.writing(principal) as (session, actor):
            self._own_password.refuse_another(principal, actor)
            user, now = actor.user, self._clock()
            user.password_hash = new_hash
            user.updated_at = now
            UserRepository(session).changed(user)
            await SessionRepository(session).end_all_of_user(
                user.id, EndReason.PASSWORD_CHANGED, now, keep=actor.session.id
            )
            await ChallengeRepository(session).cancel_all(user, now)
            await self._notices.tell(
                session, MessageKind.PASSWORD_CHANGED, user, client
            )
        logger.info("user.password_changed", extra={"of_user": str(user.id)})
