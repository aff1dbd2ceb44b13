"""Tests of `app.core.hashing_pool`."""

import asyncio
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from app.core.exceptions import BusyError
from app.core.hashing_pool import NICENESS, HashingPool

LINUX = pytest.mark.skipif(
    sys.platform != "linux", reason="elsewhere threads have no priority of their own"
)


class Work:
    """Something that takes as long as the test wants."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.may_end = threading.Event()
        self.runs = 0

    def __call__(self) -> int:
        """Begin, and end when allowed to."""
        self.begun.set()
        assert self.may_end.wait(60)
        self.runs += 1
        return self.runs


class Desk:
    """One thread, room for two to wait, and work that holds it up."""

    def __init__(self) -> None:
        self.pool = HashingPool(queue_size=2, threads=1)
        self.work = Work()

    async def fill(self) -> list["asyncio.Task[int]"]:
        """Have one running and two waiting."""
        tasks = [asyncio.create_task(self.pool.run(self.work)) for _ in range(3)]
        await asyncio.to_thread(self.work.begun.wait, 60)
        return tasks


@pytest.fixture
def desk() -> Iterator[Desk]:
    """A pool of its own for the test."""
    made = Desk()
    yield made
    made.work.may_end.set()
    made.pool.close()


def fail() -> None:
    """Fail."""
    raise ValueError("on the thread")


async def is_refused(pool: HashingPool) -> bool:
    """Tell whether the next caller is refused."""
    with pytest.raises(BusyError):
        await pool.run(int)
    return True


class TestRun:
    """HashingPool.run()."""

    async def test_result(self, desk: Desk) -> None:
        """What the function returns comes back."""
        assert await desk.pool.run(pow, 2, 10) == 1024

    async def test_error(self, desk: Desk) -> None:
        """What the function raises comes back."""
        with pytest.raises(ValueError, match="on the thread"):
            await desk.pool.run(fail)

    async def test_off_the_loop(self, desk: Desk) -> None:
        """The function runs on a thread of the pool, not on the event loop's."""
        assert await desk.pool.run(threading.get_ident) != threading.get_ident()

    async def test_loop_goes_on(self, desk: Desk) -> None:
        """While one runs and others wait, the event loop answers everybody else."""
        tasks = await desk.fill()
        assert await asyncio.to_thread(int) == 0
        assert not any(task.done() for task in tasks)

    async def test_all_who_wait_are_served(self, desk: Desk) -> None:
        """Whoever got a place gets an answer, in order."""
        tasks = await desk.fill()
        desk.work.may_end.set()
        assert await asyncio.gather(*tasks) == [1, 2, 3]


class TestOverflow:
    """run() when the queue is full."""

    async def test_refused_at_once(self, desk: Desk) -> None:
        """The next caller is refused although nobody has finished yet."""
        await desk.fill()
        assert await is_refused(desk.pool)
        assert desk.work.runs == 0

    async def test_many_refused(self, desk: Desk) -> None:
        """Of any number of callers, so many get in as there are places."""
        tasks = await desk.fill()
        for _ in range(50):
            assert await is_refused(desk.pool)
        desk.work.may_end.set()
        assert await asyncio.gather(*tasks) == [1, 2, 3]

    @pytest.mark.parametrize(
        ("queue_size", "threads", "seconds"),
        [(1, 1, "1"), (100, 1, "25"), (80, 4, "5")],
    )
    async def test_retry_after(
        self, queue_size: int, threads: int, seconds: str
    ) -> None:
        """It is told to come back when the queue may have been worked off."""
        pool, work = HashingPool(queue_size, threads), Work()
        places = range(queue_size + threads)
        tasks = [asyncio.create_task(pool.run(work)) for _ in places]
        await asyncio.to_thread(work.begun.wait, 60)
        with pytest.raises(BusyError) as refusal:
            await pool.run(int)
        work.may_end.set()
        await asyncio.gather(*tasks)
        pool.close()
        assert refusal.value.headers == {"Retry-After": seconds}

    async def test_room_again(self, desk: Desk) -> None:
        """Once they have been served, the next is served as well."""
        tasks = await desk.fill()
        desk.work.may_end.set()
        await asyncio.gather(*tasks)
        for _ in range(10):
            assert await desk.pool.run(int) == 0

    async def test_room_after_errors(self, desk: Desk) -> None:
        """A function that fails gives its place back."""
        for _ in range(10):
            with pytest.raises(ValueError):
                await desk.pool.run(fail)
        assert await desk.pool.run(int) == 0


class TestCancelled:
    """run() whose caller has gone."""

    async def test_waiting(self, desk: Desk) -> None:
        """Who is cancelled while waiting gives the place to another."""
        tasks = await desk.fill()
        tasks[2].cancel()
        with pytest.raises(asyncio.CancelledError):
            await tasks[2]
        successor = asyncio.create_task(desk.pool.run(int))
        desk.work.may_end.set()
        assert await successor == 0
        assert desk.work.runs == 2

    async def test_one_place_each(self, desk: Desk) -> None:
        """One who goes frees one place, not two."""
        tasks = await desk.fill()
        tasks[2].cancel()
        await asyncio.wait([tasks[2]])
        successor = asyncio.create_task(desk.pool.run(int))
        await asyncio.to_thread(int)
        assert await is_refused(desk.pool)
        desk.work.may_end.set()
        assert await successor == 0

    async def test_running(self, desk: Desk) -> None:
        """What runs already keeps its thread, and its place, until it ends."""
        tasks = await desk.fill()
        tasks[0].cancel()
        with pytest.raises(asyncio.CancelledError):
            await tasks[0]
        assert await is_refused(desk.pool)
        desk.work.may_end.set()
        assert await asyncio.gather(*tasks[1:]) == [2, 3]
        assert await desk.pool.run(int) == 0


class TestClose:
    """HashingPool.close()."""

    async def test_drops_what_waits(self, desk: Desk) -> None:
        """Who waits is cancelled; what runs comes to its end."""
        tasks = await desk.fill()
        desk.pool.close()
        done, _ = await asyncio.wait(tasks[1:])
        assert all(task.cancelled() for task in done)
        desk.work.may_end.set()
        assert await tasks[0] == 1
        assert desk.work.runs == 1

    async def test_closed(self, desk: Desk) -> None:
        """A closed pool takes nothing more."""
        desk.pool.close()
        with pytest.raises(RuntimeError):
            await desk.pool.run(int)


class TestThreads:
    """The threads of the pool."""

    async def test_as_many_as_cores(self) -> None:
        """Without a number, there is one for each core."""
        pool, work = HashingPool(queue_size=1), Work()
        cores = os.cpu_count() or 1
        tasks = [asyncio.create_task(pool.run(work)) for _ in range(cores + 1)]
        await asyncio.to_thread(work.begun.wait, 60)
        assert await is_refused(pool)
        work.may_end.set()
        await asyncio.gather(*tasks)
        pool.close()

    @LINUX
    async def test_low_priority(self, desk: Desk) -> None:
        """Hashing gives way to the event loop, whose priority stays as it is."""
        before = os.getpriority(os.PRIO_PROCESS, 0)
        assert await desk.pool.run(os.getpriority, os.PRIO_PROCESS, 0) == NICENESS
        assert os.getpriority(os.PRIO_PROCESS, 0) == before < NICENESS

    async def test_elsewhere(self, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
        """Where threads share one priority, it stays as it is."""
        before = await asyncio.to_thread(os.getpriority, os.PRIO_PROCESS, 0)
        other = SimpleNamespace(platform="darwin")
        monkeypatch.setattr("app.core.hashing_pool.sys", other)
        assert await desk.pool.run(os.getpriority, os.PRIO_PROCESS, 0) == before

    @LINUX
    def test_never_raised(self) -> None:
        """A server that was started at a lower priority yet hashes at that one."""
        program = (
            "import asyncio, os; from app.core.hashing_pool import HashingPool; "
            "os.nice(15 - os.nice(0)); pool = HashingPool(1, 1); "
            "print(asyncio.run(pool.run(os.getpriority, os.PRIO_PROCESS, 0)))"
        )
        command = [sys.executable, "-c", program]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        assert (done.stdout, done.stderr) == ("15\n", "")
