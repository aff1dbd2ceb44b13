"""strace, which makes the kernel lie to a running process."""

import asyncio
import os
import re
import signal
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

ATTACH_SECONDS = 10
DETACH_SECONDS = 10
INJECTED = "(INJECTED)"
DELAYED = "(DELAYED)"

_CALL = re.compile(r"(\w+)\(\d+<([\w/.-]+)")
"""A call as strace writes it: `sendto(14<UNIX-STREAM:[123->456]>, ...`."""


class NotTracedError(Exception):
    """The process can't be traced: it has ended, or tracing is forbidden."""


@asynccontextmanager
async def traced(
    pids: Iterable[int], log: Path, *injections: str
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Inject into processes, their threads and their children, until the block ends.

    Args:
        log: Where strace writes what it saw, after what is there; see `count`.
        injections: As strace takes them, such as `pwrite64,fsync:error=EIO:when=3+`.

    Raises:
        NotTracedError: If no process could be traced.
    """
    calls = ",".join(injection.partition(":")[0] for injection in injections)
    arguments = ["-f", "-q", "-y", "-A", "-o", str(log), "-e", f"trace={calls}"]
    for injection in injections:
        arguments += ["-e", f"inject={injection}"]
    pids = list(pids)
    for pid in pids:
        arguments += ["-p", str(pid)]
    process = await asyncio.create_subprocess_exec(
        *("setpriv", "--pdeathsig", "KILL", "--", "strace", *arguments),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        await _attached(pids, process)
        yield process
    finally:
        await _detach(process)


def count(log: Path, what: str) -> int:
    """Count the lines of a log that say this."""
    lines = log.read_text(errors="replace").splitlines() if log.exists() else []
    return sum(what in line for line in lines)


def last_call(log: Path, killed: str = "= ?") -> str:
    """Return the call during which a process was killed, and on what kind of file."""
    lines = log.read_text(errors="replace").splitlines() if log.exists() else []
    calls = [
        match for line in lines if killed in line and (match := _CALL.search(line))
    ]
    if not calls:
        return ""
    call, file = calls[-1].groups()
    return f"{call} to {file.rpartition('/')[2]}"


async def _attached(pids: list[int], process: asyncio.subprocess.Process) -> None:
    try:
        async with asyncio.timeout(ATTACH_SECONDS):
            while not _are_traced(pids):
                if process.returncode is not None:
                    raise NotTracedError(pids)
                await asyncio.sleep(0.01)
    except TimeoutError:
        raise NotTracedError(pids) from None


def _are_traced(pids: list[int]) -> bool:
    """Tell whether all are traced that have not ended meanwhile."""
    living = [pid for pid in pids if _is_there(pid)]
    return bool(living) and all(map(_is_traced, living))


def _is_there(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def _is_traced(pid: int) -> bool:
    """Tell whether every thread of a process has a tracer."""
    tasks = Path(f"/proc/{pid}/task")
    try:
        states = [Path(task, "status").read_text() for task in tasks.iterdir()]
    except OSError:
        return False
    return all("TracerPid:\t0\n" not in state for state in states)


async def _detach(process: asyncio.subprocess.Process) -> None:
    """Ask strace to let go, which it does not while everything it traces is frozen."""
    if process.returncode is None:
        os.kill(process.pid, signal.SIGTERM)
    try:
        async with asyncio.timeout(DETACH_SECONDS):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
