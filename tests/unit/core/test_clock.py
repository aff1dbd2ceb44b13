"""Tests of `app.core.clock`."""

from datetime import UTC, datetime, timedelta

import pytest

from app.core.clock import system_clock
from app.core.config import Settings
from app.main import create_app
from app.services.container import Services
from tests.conftest import MakeSettings


class TestSystemClock:
    """system_clock()."""

    @pytest.mark.parametrize("offset", [0, 900, -900])
    def test_moved(self, offset: int) -> None:
        """It is the system's time in UTC, so many seconds later or earlier."""
        before = datetime.now(UTC)
        told = system_clock(offset)() - timedelta(seconds=offset)
        assert before <= told <= datetime.now(UTC)
        assert told.tzinfo is UTC


class TestClockOffset:
    """CLOCK_OFFSET_SECONDS."""

    @pytest.fixture
    def settings(self, make: MakeSettings) -> Settings:
        """A quarter of an hour later."""
        return make(clock_offset_seconds=900)

    async def test_moves_the_service(self, settings: Settings) -> None:
        """A service that is started with it lives in that time."""
        app = create_app(settings)
        async with app.router.lifespan_context(app):
            services: Services = app.state.services
            ahead = services.clock() - datetime.now(UTC)
        assert abs(ahead - timedelta(minutes=15)) < timedelta(seconds=5)
