"""The machine that is measured on, and which core does what."""

import os
import platform
import shlex
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).parents[1]


def cores() -> tuple[int, int]:
    """Return the core that servers get, and the one that the load gets.

    Raises:
        RuntimeError: If there is only one: each would slow the other down.
    """
    usable = sorted(os.sched_getaffinity(0))
    if len(usable) < 2:
        raise RuntimeError("two cores are needed: one for the server, one for the load")
    return usable[0], usable[1]


def pinned(to: Sequence[int], command: Sequence[str]) -> list[str]:
    """Return a command that runs on these cores and no others."""
    return ["taskset", "--cpu-list", ",".join(map(str, to)), *command]


def description() -> dict[str, str]:
    """Return what the figures depend on."""
    said = subprocess.run(["wrk", "--version"], capture_output=True, text=True)
    return {
        "processor": _processor(),
        "cores": str(len(os.sched_getaffinity(0))),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "wrk": said.stdout.split()[1],
    }


def origin() -> dict[str, str]:
    """Return when, from what and with what command the figures are made."""
    git = ("git", "-C", str(ROOT), "rev-parse", "HEAD")
    said = subprocess.run(git, capture_output=True, text=True)
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "commit": said.stdout.strip() or "unknown",
        "command": shlex.join(["python", "-m", "bench", *sys.argv[1:]]),
    }


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="ascii").splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return platform.machine()
