"""The password of an account, asked for before what matters."""

from uuid import UUID

from app.core.exceptions import AppError, WrongPasswordError
from app.services.limits import Limits
from app.services.passwords import Passwords
from app.services.principals import Actor, Principal


class OwnPassword:
    """Checks that it is really the owner of an account who acts (ASVS 5.0, 7.5.1)."""

    def __init__(self, limits: Limits, passwords: Passwords) -> None:
        self._limits = limits
        self._passwords = passwords

    async def check(self, principal: Principal, password: str) -> None:
        """Let who knows the caller's password pass.

        Raises:
            WrongPasswordError: If it is not right.
            TooManyRequestsError: If it has been wrong too often.
            BusyError: If too many passwords are being checked at this moment.
        """
        asked_by, stored = principal.session.id, principal.user.password_hash
        await self.compare(asked_by, password, stored, WrongPasswordError)

    async def compare(
        self, asked_by: UUID, password: str, stored: str, refusal: type[AppError]
    ) -> None:
        """Let whoever knows a password pass, and count who does not.

        Args:
            asked_by: The session, or the challenge, for which it is asked.
            password: What was given.
            stored: What the right one is checked by.
            refusal: The error for who does not know it.

        Raises:
            AppError: That one, if it is not right.
            TooManyRequestsError: If it has been wrong too often.
            BusyError: If too many passwords are being checked at this moment.
        """
        async with self._limits.password_check(asked_by):
            if not await self._passwords.verify(password, stored):
                raise refusal

    def refuse_another(self, checked: Principal, now: Actor) -> None:
        """Refuse if the password is another by now than when it was checked.

        Raises:
            WrongPasswordError: If so.
        """
        if now.user.password_hash != checked.user.password_hash:
            raise WrongPasswordError
