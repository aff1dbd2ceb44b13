"""Processes that are kept alive."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import pytest

from tests.faults.supervised import Command, Supervised

SLEEPER = "import time; time.sleep(600)"


@pytest.fixture
async def process(tmp_path: Path) -> AsyncIterator[Supervised]:
    """A process that does nothing."""
    arguments = [sys.executable, "-c", SLEEPER]
    command = Command(arguments, os.environ.copy(), tmp_path, tmp_path / "log")
    supervised = Supervised("sleeper", command)
    await supervised.start()
    yield supervised
    await supervised.close()


async def another(process: Supervised, than: int) -> int:
    """Wait for the next process; return its id."""
    async with asyncio.timeout(10):
        while not process.is_running or process.pid == than:
            await asyncio.sleep(0.01)
    return process.pid


class TestSupervised:
    """A process that is watched over."""

    async def test_killed_and_started_again(self, process: Supervised) -> None:
        """It comes back, and its end was the harness's doing."""
        first = process.pid
        process.send(signal.SIGKILL)
        end = await process.ended(1)
        assert end is not None
        assert (end.status, end.meant) == (-signal.SIGKILL, True)
        assert await another(process, than=first) != first
        assert process.unmeant == []

    async def test_ended_by_itself(self, process: Supervised) -> None:
        """An end that nobody brought about is told from the others."""
        first = process.pid
        os.kill(first, signal.SIGKILL)
        await another(process, than=first)
        assert [end.status for end in process.unmeant] == [-signal.SIGKILL]

    async def test_may_end(self, process: Supervised) -> None:
        """What a fault allows is not the service's fault."""
        process.allow_ends(True)
        first = process.pid
        os.kill(first, signal.SIGKILL)
        await another(process, than=first)
        assert process.unmeant == []

    async def test_held_down(self, process: Supervised) -> None:
        """Stopped, it stays so until it is started."""
        await process.stop(signal.SIGKILL)
        assert not process.is_running
        with pytest.raises(ProcessLookupError):
            process.send(signal.SIGCONT)
        await process.start()
        assert process.is_running

    async def test_closed_while_frozen(self, process: Supervised) -> None:
        """Nothing is left behind, whatever state it was in."""
        pid = process.pid
        process.send(signal.SIGSTOP, ends=False)
        await process.close()
        assert not psutil.pid_exists(pid)
