"""What strace is asked for, and what is read from what it wrote."""

import asyncio
import errno
import os
import sys
from pathlib import Path

import pytest

from tests.faults.supervised import Command, Supervised
from tests.faults.tracing import INJECTED, NotTracedError, count, last_call, traced

WRITER = """
import os, sys, time
file = os.open(sys.argv[1], os.O_CREAT | os.O_RDWR)
while True:
    try:
        os.pwrite(file, b"x", 0)
    except OSError as error:
        print(error.errno, flush=True)
    time.sleep(0.01)
"""


async def test_errors_are_injected(tmp_path: Path) -> None:
    """A running process gets the errors, and the log shows that it did."""
    arguments = [sys.executable, "-c", WRITER, str(tmp_path / "data")]
    output = tmp_path / "output"
    command = Command(arguments, os.environ.copy(), tmp_path, output)
    writer = Supervised("writer", command)
    await writer.start()
    try:
        while (
            not (tmp_path / "data").exists() or not (tmp_path / "data").stat().st_size
        ):
            await asyncio.sleep(0.01)
        log = tmp_path / "strace.log"
        async with traced([writer.pid], log, "pwrite64:error=ENOSPC"):
            while str(errno.ENOSPC) not in output.read_text():
                await asyncio.sleep(0.01)
        assert count(log, INJECTED) > 0
    finally:
        await writer.close()


async def test_a_process_that_is_gone(tmp_path: Path) -> None:
    """What can't be traced is said to be so."""
    with pytest.raises(NotTracedError):
        async with traced([2**22 - 1], tmp_path / "log", "pwrite64:error=EIO"):
            pass


def test_last_call(tmp_path: Path) -> None:
    """The call in which a process died is named with the kind of its file."""
    log = tmp_path / "log"
    log.write_text(
        '7  pwrite64(5</data/cardea.db-wal>, "x", 1, 0) = 1\n'
        '7  sendto(14<UNIX-STREAM:[1->2]>, "secret", 6, 0, NULL, 0) = ?\n'
        "7  +++ killed by SIGKILL +++\n"
    )
    assert last_call(log) == "sendto to UNIX-STREAM"
