"""The password of somebody who is signed in, asked for before what matters."""

from app.core.exceptions import WrongPasswordError
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
        async with self._limits.password_check(principal.session.id):
            stored = principal.user.password_hash
            if not await self._passwords.verify(password, stored):
                raise WrongPasswordError

    def refuse_another(self, checked: Principal, now: Actor) -> None:
        """Refuse if the password is another by now than when it was checked.

        Raises:
            WrongPasswordError: If so.
        """
        if now.user.password_hash != checked.user.password_hash:
            raise WrongPasswordError
