"""What the server does by itself."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from app.core.config import Settings
from app.core.exceptions import DatabaseUnavailableError
from app.core.security import DerivedKeys, HashingPool
from app.database import Database
from app.migrations import head_revision, migrate
from app.services import background
from app.services.circuit_breaker import BreakerRegistry
from app.services.container import Foundation, build_services
from app.services.invalidation import Lease
from app.services.keys import Keys
from app.services.limits import Limits
from app.services.passwords import Passwords
from tests.support.clock import FakeClock
from tests.support.databases import SECRET_KEY, make_settings
from tests.support.services import no_breaches


class ShakyKeys(Keys):
    """Keys that can't be loaded at first."""

    failures: list[Exception] = []

    async def load(self) -> None:
        """Fail as long as there are failures, then load."""
        if self.failures:
            raise self.failures.pop()
        await super().load()


class Parts:
    """Jobs, and what they look after."""

    def __init__(self, settings: Settings, database: Database) -> None:
        clock, lease = FakeClock(), Lease()
        self.keys = ShakyKeys(database, DerivedKeys(SECRET_KEY), clock, lease)
        self.neighbour = Keys(database, DerivedKeys(SECRET_KEY), clock, Lease())
        built = build_services(
            Foundation(
                settings=settings,
                revision=head_revision(),
                clock=clock,
                database=database,
                breakers=BreakerRegistry(),
                derived=DerivedKeys(SECRET_KEY),
                lease=lease,
                keys=self.keys,
                limits=Limits(False),
                passwords=Passwords(settings, HashingPool(10), no_breaches()),
            )
        )
        self.background = built.background

    async def until_keys_are_loaded(self) -> None:
        """Wait for a job."""
        async with asyncio.timeout(5):
            while not self.keys.ring.keys:
                await asyncio.sleep(0)
        await self.background.stop()


@pytest.fixture
async def parts(tmp_path: Path) -> AsyncIterator[Parts]:
    """Jobs on a SQLite file, whatever the suite runs on."""
    settings = make_settings(f"sqlite+aiosqlite:///{tmp_path}/here.db")
    await migrate(settings)
    database = Database(settings)
    yield Parts(settings, database)
    await database.close()


class TestJobs:
    """`Background.start()` and `stop()`."""

    async def test_every_job_runs(
        self, parts: Parts, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Keys are loaded without anybody asking."""
        monkeypatch.setattr(background, "KEYS_SECONDS", 0.001)
        parts.background.start()
        await parts.until_keys_are_loaded()

    async def test_keys_keep_up(
        self, parts: Parts, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """So are keys that others have changed."""
        monkeypatch.setattr(background, "KEEP_UP_SECONDS", 0.001)
        await parts.neighbour.load()
        parts.background.start()
        await parts.until_keys_are_loaded()

    async def test_failed_job_is_tried_again(
        self,
        parts: Parts,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        """A job that fails runs again at its next time; it is logged, once if it was
        the database's fault."""
        monkeypatch.setattr(background, "KEYS_SECONDS", 0.001)
        parts.keys.failures = [RuntimeError("boom"), DatabaseUnavailableError()]
        parts.background.start()
        await parts.until_keys_are_loaded()
        failed = [r for r in caplog.records if r.getMessage() == "background.failed"]
        assert len(failed) == 1 and failed[0].exc_info

    async def test_stop_ends_every_job(self, parts: Parts) -> None:
        """After the stop nothing runs any more."""
        before = asyncio.all_tasks()
        parts.background.start()
        assert len(asyncio.all_tasks() - before) == 6
        await parts.background.stop()
        assert asyncio.all_tasks() == before
