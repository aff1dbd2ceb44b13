"""Passwords: which are good enough, and whether one is right."""

import unicodedata
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from runpy import run_path

from app.core.config import Settings
from app.core.emails import email_key
from app.core.exceptions import (
    PasswordBreachedError,
    PasswordContainsPersonalDataError,
    PasswordTooCommonError,
    PasswordTooLongError,
    PasswordTooShortError,
)
from app.core.security import (
    HashingPool,
    hash_password,
    needs_rehash,
    unmatchable_hash,
    verify_password,
)
from app.services.breached_passwords import BreachedPasswords

MAXIMUM_LENGTH = 128
SHORTEST_TELLING_NAME = 4
"""A name of three letters occurs in too many good passwords to be refused."""


class Passwords:
    """Judges, hashes and verifies passwords (ASVS 5.0, 6.2)."""

    def __init__(
        self, settings: Settings, pool: HashingPool, breached: BreachedPasswords
    ) -> None:
        self._rounds = settings.bcrypt_rounds
        self._minimum = settings.password_min_length
        self._service_name = settings.service_name
        self._pool = pool
        self._breached = breached
        self._common = _common_passwords()

    async def hash_new(self, password: str, email: str) -> str:
        """Return the hash of a password that somebody chooses.

        Raises:
            PasswordRefusedError: If it breaks a rule; the class says which.
            BusyError: If too many are waiting already.
        """
        self._check_rules(password, email)
        if await self._breached.contains(password):
            raise PasswordBreachedError
        return await self.hash(password)

    async def hash(self, password: str) -> str:
        """Return a hash at the current cost."""
        return await self._pool.run(hash_password, password, self._rounds)

    async def verify(self, password: str, stored: str | None) -> bool:
        """Tell whether the password is right; without a hash it costs the same time."""
        against = unmatchable_hash(self._rounds) if stored is None else stored
        return await self._pool.run(verify_password, password, against, self._rounds)

    def needs_rehash(self, stored: str) -> bool:
        """Tell whether a hash is of another format or cost than today's."""
        return needs_rehash(stored, self._rounds)

    def _check_rules(self, password: str, email: str) -> None:
        if len(password) < self._minimum:
            raise PasswordTooShortError(self._minimum)
        if len(password) > MAXIMUM_LENGTH:
            raise PasswordTooLongError
        folded = _fold(password)
        if folded in self._common:
            raise PasswordTooCommonError
        if _fold(email) in folded or email_key(password) == email_key(email):
            raise PasswordContainsPersonalDataError
        names = (_fold(email.rpartition("@")[0]), _fold(self._service_name))
        if any(len(n) >= SHORTEST_TELLING_NAME and n in folded for n in names):
            raise PasswordContainsPersonalDataError


@cache
def _common_passwords() -> frozenset[str]:
    """Return the thirty thousand of zxcvbn, without its other lists: they take 8 MiB.

    At the start: a service that is out of file descriptors could not read them.
    """
    package = find_spec("zxcvbn")
    assert package is not None and package.submodule_search_locations
    lists = Path(package.submodule_search_locations[0], "frequency_lists.py")
    return frozenset(run_path(str(lists))["FREQUENCY_LISTS"]["passwords"])


def _fold(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()
