"""The signing keys: loaded, made in time, rotated."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from app.core.clock import Clock
from app.core.exceptions import DatabaseUnavailableError, StartupError
from app.core.keys import PUBLISHED_BEFORE_SIGNING
from app.core.patience import PatienceEndedError, patiently
from app.core.security import DerivedKeys, KeyRing, SigningKey, WrongSecretKeyError
from app.database import EVERYTHING, Changes, Database
from app.models import StoredKey
from app.repositories import KeyRepository
from app.repositories.keys import ALL_KEYS
from app.services.invalidation import LEASE_SECONDS, Lease

logger = logging.getLogger(__name__)


class Keys:
    """Keeps the key ring of this process in step with the database."""

    def __init__(
        self, database: Database, derived: DerivedKeys, clock: Clock, lease: Lease
    ) -> None:
        self._database = database
        self._derived = derived
        self._clock = clock
        self._lease = lease
        self._ring = KeyRing(())
        self._changes_heard = 0
        self._changes_known = -1
        self._read_at = float("-inf")
        self._failed_at = float("-inf")
        self._loading = asyncio.Lock()

    @property
    def ring(self) -> KeyRing:
        """The keys as last loaded."""
        return self._ring

    def published(self) -> list[dict[str, str]]:
        """Return the public parts of all keys that matter now (RFC 7517, section 5)."""
        return [key.public_jwk for key in self._ring.trusted(self._clock())]

    async def load(self) -> None:
        """Read the keys; make the first or the next one if it is time.

        Raises:
            StartupError: If they are sealed under a SECRET_KEY that is not known.
        """
        await self._look()
        if self._ring.next_key_from(self._clock()) is not None:
            # Not in one's turn: to write may take longer than others wait to read.
            await self._extend()
            await self._look()

    def hear(self, changes: Changes) -> None:
        """Take note of changes: of keys, or of nobody knows what."""
        if changes & {ALL_KEYS, EVERYTHING}:
            self._changes_heard += 1

    async def keep_up(self) -> None:
        """Read the keys again if others may have changed them over a second ago.

        Raises:
            DatabaseUnavailableError: If the database does not answer: a key that may
                have been given up is not trusted.
        """
        if self._is_current():
            return
        asked_at = time.monotonic()
        async with self._turn():
            if self._is_current():
                return
            if self._failed_at > asked_at:
                # What one look has waited for in vain, nobody else in line waits for.
                raise DatabaseUnavailableError
            await self._load()

    async def rotate(self, *, compromised: bool = False) -> SigningKey:
        """Make a new key out of turn.

        Args:
            compromised: Sign with it at once and trust no other any more: every access
                token dies, sessions stay. Otherwise it is published for a day first,
                and the others stay until their tokens are dead.
        """
        now = self._clock()
        key = SigningKey.generate(
            now if compromised else now + PUBLISHED_BEFORE_SIGNING
        )
        async with self._database.writing() as session:
            repository = KeyRepository(session)
            await repository.lock_all()
            ring = self._opened(await repository.list_all())
            repository.add(self._sealed(key))
            kept = [] if compromised else [old.kid for old in ring.trusted(now)]
            await repository.delete_all_but([*kept, key.kid])
        logger.warning(
            "keys.rotated", extra={"kid": key.kid, "others_die": compromised}
        )
        await self.load()
        return key

    async def reseal(self) -> None:
        """Seal every key under the current SECRET_KEY, so that older ones can go.

        Raises:
            StartupError: If they are sealed under a SECRET_KEY that is not known.
        """
        async with self._database.writing() as session:
            repository = KeyRepository(session)
            await repository.lock_all()
            keys = await repository.list_all()
            self._opened(keys)  # Says so if the secret of any is missing.
            for stored in keys:
                stored.sealed_private_key = self._derived.seal_again(
                    stored.sealed_private_key
                )

    async def _look(self) -> None:
        # One at a time: a slow older look must not replace what a newer one has seen.
        async with self._turn():
            await self._load()

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        try:
            async with patiently():
                await self._loading.acquire()
        except TimeoutError as error:
            raise DatabaseUnavailableError from error
        try:
            yield
        finally:
            self._loading.release()

    def _is_current(self) -> bool:
        if self._changes_known != self._changes_heard:
            return False
        lately = time.monotonic() < self._read_at + LEASE_SECONDS
        return self._lease.holds or lately

    async def _load(self) -> None:
        began, heard = time.monotonic(), self._changes_heard
        try:
            ring = await self._read()
        except DatabaseUnavailableError as error:
            if not isinstance(error.__cause__, PatienceEndedError):
                self._failed_at = time.monotonic()
            raise
        if ring != self._ring:
            self._ring = ring
        self._read_at, self._changes_known = began, heard

    async def _read(self) -> KeyRing:
        async with self._database.reading() as session:
            return self._opened(await KeyRepository(session).list_all())

    async def _extend(self) -> None:
        now = self._clock()
        async with self._database.writing() as session:
            repository = KeyRepository(session)
            await repository.lock_all()
            ring = self._opened(await repository.list_all())
            signs_from = ring.next_key_from(now)
            if signs_from is None:
                return  # Another process was faster.
            key = SigningKey.generate(signs_from)
            repository.add(self._sealed(key))
            kept = [old.kid for old in ring.trusted(now)]
            await repository.delete_all_but([*kept, key.kid])
        logger.info("keys.created", extra={"kid": key.kid, "signs_from": signs_from})

    def _opened(self, stored: Iterable[StoredKey]) -> KeyRing:
        try:
            return KeyRing(tuple(self._open(key) for key in stored))
        except WrongSecretKeyError:
            raise StartupError(
                "SECRET_KEY is not the one this database was used with. Set it back, "
                "or name the old one in PREVIOUS_SECRET_KEYS."
            ) from None

    def _open(self, stored: StoredKey) -> SigningKey:
        pem = self._derived.open(stored.sealed_private_key)
        return SigningKey.from_pem(pem, stored.signs_from)

    def _sealed(self, key: SigningKey) -> StoredKey:
        return StoredKey(
            kid=key.kid,
            sealed_private_key=self._derived.seal(key.private_pem),
            created_at=self._clock(),
            signs_from=key.signs_from,
        )
