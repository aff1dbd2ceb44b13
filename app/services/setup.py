"""What a new installation needs: built-in roles and a first admin."""

import logging
import secrets
from dataclasses import dataclass

from app.core.clock import Clock
from app.core.config import Settings
from app.core.emails import check_email
from app.core.exceptions import EmailTakenError, PasswordRefusedError, StartupError
from app.database import Database
from app.models import ADMIN, USER, Role, User
from app.repositories import RoleRepository, UserRepository
from app.services.passwords import Passwords

logger = logging.getLogger(__name__)

DEVELOPMENT_ADMIN = "admin@example.com"
MAKE_ONE = "python -m app create-admin"
_BUILTIN_ROLES = {
    ADMIN: "Holds every permission.",
    USER: "Everybody who signs up; no permission.",
}


@dataclass(frozen=True)
class NewAdmin:
    """An admin that was made with a password nobody chose, to be shown once."""

    email: str
    password: str


class Setup:
    """Prepares a database for its first use; does nothing on a prepared one."""

    def __init__(
        self, settings: Settings, database: Database, clock: Clock, passwords: Passwords
    ) -> None:
        self._settings = settings
        self._database = database
        self._clock = clock
        self._passwords = passwords

    async def ensure_roles(self) -> None:
        """Make the built-in roles and give admin every permission of this version."""
        async with self._database.writing() as session:
            repository = RoleRepository(session)
            await repository.lock_table()
            present = {role.name for role in await repository.list_all()}
            session.add_all(
                Role(
                    name=name,
                    description=description,
                    permissions=[],
                    builtin=True,
                    created_at=self._clock(),
                )
                for name, description in _BUILTIN_ROLES.items()
                if name not in present
            )
            await repository.changed()

    async def ensure_admin(self) -> NewAdmin | None:
        """Make the first admin from the settings, or say how to make one.

        Returns:
            In development without settings, an admin with a random password.
        """
        if await self._has_admin():
            return None
        if self._settings.first_admin_email:
            await self._admin_from_settings()
        elif self._settings.environment == "development":
            return await self._random_admin()
        else:
            logger.warning("setup.no_admin", extra={"make_one": MAKE_ONE})
        return None

    async def create_admin(self, email: str, password: str) -> User:
        """Make an admin.

        Raises:
            ValueError: If it is not a valid e-mail address.
            PasswordRefusedError: If the password breaks a rule.
            EmailTakenError: If the address has an account: whose, nobody has checked.
        """
        check_email(email)
        return await self._add_admin(
            email, await self._passwords.hash_new(password, email)
        )

    async def promote(self, email: str) -> User | None:
        """Make an existing account an admin; None if there is none."""
        async with self._database.writing() as session:
            users, roles = UserRepository(session), RoleRepository(session)
            found = await users.find_by_email(email)
            user = await users.lock(found.id) if found else None
            if user is None:
                return None
            user.roles = await roles.get_all({*user.role_names, ADMIN})
            users.changed(user)
        logger.warning("setup.admin_promoted", extra={"of_user": str(user.id)})
        return user

    async def _has_admin(self) -> bool:
        async with self._database.reading() as session:
            return await UserRepository(session).has_admin()

    async def _admin_from_settings(self) -> None:
        email = self._settings.first_admin_email
        password = self._settings.first_admin_password.get_secret_value()
        try:
            await self.create_admin(email, password)
        except EmailTakenError:
            if await self._has_admin():
                return  # Another process was faster.
            # Anybody may have signed up with it; being first must not make an admin.
            raise StartupError(
                "FIRST_ADMIN_EMAIL: there is an ordinary account with this address. "
                "Use another one, or run `python -m app create-admin --promote`."
            ) from None
        except (PasswordRefusedError, ValueError) as error:
            reason = getattr(error, "title", f"FIRST_ADMIN_EMAIL: {error}")
            raise StartupError(f"The first admin can't be made: {reason}") from None

    async def _random_admin(self) -> NewAdmin | None:
        password = secrets.token_urlsafe(15)
        try:
            # No rule needs to judge 120 random bits, nor a breach list to be asked.
            password_hash = await self._passwords.hash(password)
            await self._add_admin(DEVELOPMENT_ADMIN, password_hash)
        except EmailTakenError:
            if not await self._has_admin():
                logger.warning("setup.no_admin", extra={"make_one": MAKE_ONE})
            return None
        return NewAdmin(DEVELOPMENT_ADMIN, password)

    async def _add_admin(self, email: str, password_hash: str) -> User:
        user = User.new(email, password_hash, self._clock())
        user.email_verified = True
        async with self._database.writing() as session:
            user.roles = await RoleRepository(session).get_all([ADMIN])
            await UserRepository(session).add(user)
        logger.info("setup.admin_created", extra={"new_user": str(user.id)})
        return user
