"""Stopping while a SQLite file hangs."""

from pathlib import Path

import pytest

from app.database import CLOSE_SECONDS
from app.services.background import STOP_SECONDS
from app.serving.server import CLOSE_SECONDS as SERVERS_CLOSE_SECONDS
from tests.support.processes import environment, run_python

SLACK = 1
LONGEST = STOP_SECONDS + 2 * CLOSE_SECONDS


class TestStop:
    """The end of the lifespan, and of the process."""

    @pytest.mark.parametrize("what", ["writer", "everything"])
    def test_does_not_wait_for_ever(self, tmp_path: Path, what: str) -> None:
        """A thread that hangs holds neither the jobs, nor the closing, nor the event
        loop, nor the process."""
        url = f"sqlite+aiosqlite:///{tmp_path}/here.db"
        command = ("-m", "tests.troubles.hanging", url, what)
        done = run_python(*command, cwd=tmp_path, env=environment(url))
        assert done.returncode == 0, done.stderr
        assert float(done.stdout) < LONGEST + SLACK
        assert "Traceback" not in done.stderr and "destroyed" not in done.stderr

    def test_is_no_slower_than_serving_allows(self) -> None:
        """What is given up is given up before `cardea serve` would cut it off."""
        assert LONGEST < SERVERS_CLOSE_SECONDS
