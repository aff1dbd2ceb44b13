"""The wall clock of a server process, which whoever writes a file can move.

It stands where the process reads the time: in `app.core.clock` and in `time.time`. What
measures durations does not move, as on a real machine. (libfaketime, which would do it
below Python, breaks `sleep` and makes threads wait for seconds.)
"""

import mmap
import struct
import time
from datetime import datetime, timedelta
from pathlib import Path


def set_clock(file: Path, seconds: float) -> None:
    """Move the clock of the process that follows this file; 0 is the right time."""
    file.touch()
    with file.open("r+b") as opened:
        opened.write(struct.pack("d", seconds))


def follow(file: Path) -> None:
    """Read the time with what the file adds to it, from now on, in this process.

    Comes before anything of the service is imported: it takes the clock by its name.
    """
    with file.open("rb") as opened:
        memory = mmap.mmap(opened.fileno(), 0, prot=mmap.PROT_READ)
    added = memoryview(memory).cast("d")
    real_time = time.time

    from app.core import clock

    real_now = clock.utc_now

    def moved_now() -> datetime:
        return real_now() + timedelta(seconds=added[0])

    def moved_time() -> float:
        return real_time() + float(added[0])

    clock.utc_now = moved_now
    time.time = moved_time
