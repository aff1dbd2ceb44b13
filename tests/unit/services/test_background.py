"""What the server does by itself."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest

from app.core.config import Settings
from app.core.exceptions import DatabaseUnavailableError
from app.core.security import DerivedKeys
from app.database import Database
from app.migrations import migrate
from app.services import background
from app.services.background import Background
from app.services.container import Services
from app.services.keys import Keys
from app.services.principals import PrincipalCache
from app.services.sessions import Sessions
from tests.support.clock import FakeClock
from tests.support.databases import SECRET_KEY, make_settings
from tests.support.outsiders import execute
from tests.support.people import API, Person
from tests.unit.services.test_principals import make_principal

SLACK = 1
"""Seconds that a busy machine may add."""


class ShakyDatabase(Database):
    """A database that can't be looked at the first time."""

    looks = 0

    async def data_version(self) -> int:
        """Fail once, then look."""
        self.looks += 1
        if self.looks == 1:
            raise DatabaseUnavailableError
        return await super().data_version()


@pytest.fixture
async def file(tmp_path: Path) -> Settings:
    """Settings of a migrated SQLite file, whatever the suite runs on."""
    settings = make_settings(f"sqlite+aiosqlite:///{tmp_path}/here.db")
    await migrate(settings)
    return settings


@pytest.fixture
async def shaky(file: Settings) -> AsyncIterator[ShakyDatabase]:
    """The file, open."""
    opened = ShakyDatabase(file)
    yield opened
    await opened.close()


class Parts:
    """Jobs, and what they look after."""

    def __init__(self, settings: Settings, database: Database) -> None:
        clock = FakeClock()
        self.cache = PrincipalCache(enabled=True)
        self.keys = Keys(database, DerivedKeys(SECRET_KEY), clock)
        sessions = Sessions(settings, database, clock)
        self.background = Background(database, self.keys, self.cache, sessions)
        self.somebody = make_principal()

    def remember(self) -> None:
        """Have somebody in the cache."""
        self.cache.keep(self.somebody, self.cache.begin_load())

    @property
    def remembered(self) -> bool:
        """Whether the cache still knows them."""
        somebody = self.somebody
        return self.cache.get(somebody.user.id, somebody.session.id) is not None


class TestWatch:
    """`Background.watch()`, which looks for other programs' writes to SQLite."""

    @pytest.fixture
    async def parts(self, file: Settings, shaky: ShakyDatabase) -> AsyncIterator[Parts]:
        """Jobs that have not begun."""
        shaky.looks = 1
        made = Parts(file, shaky)
        await made.keys.load()
        made.remember()
        yield made

    async def test_forgets_on_a_write(self, file: Settings, parts: Parts) -> None:
        """What another program writes makes the cache forget everybody."""
        await parts.background.watch()
        parts.remember()
        await parts.background.watch()
        assert parts.remembered
        await execute(file, "CREATE TABLE other (x)")
        await parts.background.watch()
        assert not parts.remembered

    async def test_forgets_what_came_before_the_first_look(self, parts: Parts) -> None:
        """Nobody knows what was written before the first look."""
        await parts.background.watch()
        assert not parts.remembered

    async def test_forgets_when_it_can_not_look(
        self, parts: Parts, shaky: ShakyDatabase
    ) -> None:
        """What can't be looked at may have changed."""
        await parts.background.watch()
        parts.remember()
        shaky.looks = 0
        with pytest.raises(DatabaseUnavailableError):
            await parts.background.watch()
        assert not parts.remembered

    async def test_loads_the_keys(self, file: Settings, parts: Parts) -> None:
        """Keys that the command line has rotated are taken over."""
        await parts.background.watch()
        beside = Database(file, is_owner=False)
        new = await Keys(beside, DerivedKeys(SECRET_KEY), FakeClock()).rotate(
            compromised=True
        )
        await beside.close()
        await parts.background.watch()
        assert [key.kid for key in parts.keys.ring.keys] == [new.kid]


class TestJobs:
    """`Background.start()` and `stop()`."""

    async def test_failed_job_is_tried_again(
        self,
        file: Settings,
        shaky: ShakyDatabase,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        """A job that fails is logged, and runs again at its next time."""
        monkeypatch.setattr(background, "WATCH_SECONDS", 0.001)
        parts = Parts(file, shaky)
        parts.remember()
        parts.background.start()
        async with asyncio.timeout(5):
            while shaky.looks < 2:
                await asyncio.sleep(0.01)
        await parts.background.stop()
        assert not parts.remembered
        failed = [r for r in caplog.records if r.getMessage() == "background.failed"]
        assert len(failed) == 1 and failed[0].exc_info

    async def test_every_job_runs(
        self, file: Settings, shaky: ShakyDatabase, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Keys are loaded and sessions tidied without anybody asking."""
        monkeypatch.setattr(background, "KEYS_SECONDS", 0.001)
        parts = Parts(file, shaky)
        parts.background.start()
        async with asyncio.timeout(5):
            while not parts.keys.ring.keys:
                await asyncio.sleep(0)
        await parts.background.stop()

    async def test_stop_ends_every_job(
        self, file: Settings, shaky: ShakyDatabase
    ) -> None:
        """After the stop nothing runs any more."""
        parts = Parts(file, shaky)
        before = asyncio.all_tasks()
        parts.background.start()
        assert len(asyncio.all_tasks() - before) == 3
        await parts.background.stop()
        assert asyncio.all_tasks() == before

    async def test_postgresql_is_not_watched(self) -> None:
        """PostgreSQL has no file to look at."""
        settings = make_settings("postgresql+asyncpg://ada@127.0.0.1:9/none")
        database = Database(settings)
        parts = Parts(settings, database)
        before = asyncio.all_tasks()
        parts.background.start()
        assert len(asyncio.all_tasks() - before) == 2
        await parts.background.stop()
        await database.close()


class TestOtherProcesses:
    """What another process changes, over HTTP."""

    async def refused_in_time(self, client: httpx2.AsyncClient, person: Person) -> str:
        """Call until refused, for a second at most; return the code."""
        began = time.monotonic()
        while time.monotonic() - began < 1 + SLACK:
            # What is answered from memory alone leaves the driver's thread no turn.
            await asyncio.sleep(0.01)
            answer = await client.get(f"{API}/users/me", headers=person.headers)
            if answer.status_code == 401:
                return str(answer.json()["code"])
        raise AssertionError("not refused in time")

    async def test_disabled_user_is_refused(
        self, settings: Settings, client: httpx2.AsyncClient, ada: Person
    ) -> None:
        """A user whom another process disables is refused within a second."""
        for _ in range(2):
            me = await client.get(f"{API}/users/me", headers=ada.headers)
            assert me.status_code == 200
        await execute(settings, "UPDATE users SET status = 'disabled'")
        assert await self.refused_in_time(client, ada) == "session_ended"

    async def test_compromised_key_is_refused(
        self, settings: Settings, services: Services, ada: Person, clock: FakeClock
    ) -> None:
        """Keys that the command line replaces are gone from the server at its next
        look at them."""
        beside = Database(settings, is_owner=False)
        rotated = await Keys(beside, DerivedKeys(SECRET_KEY), clock).rotate(
            compromised=True
        )
        await beside.close()
        await services.keys.load()
        assert [key["kid"] for key in services.keys.published()] == [rotated.kid]
