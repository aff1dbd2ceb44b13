"""Commands, and servers that refuse to start, as processes of their own."""

import os
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from tests.support.databases import SECRET_KEY

ROOT = Path(__file__).parents[2]
SECONDS = 60
"""What any of them may take on a busy machine."""

SERVER = ("-m", "uvicorn", "app.main:app")
SERVE = ("-m", "app", "serve")
NOBODY_LISTENS = "http://127.0.0.1:9"
"""Breached passwords are asked for here, so that no test reaches the network."""

Finished = subprocess.CompletedProcess[str]


def environment(database_url: str, **changes: str) -> dict[str, str]:
    """Return the environment of a process with these settings and no others."""
    kept = ("PATH", "HOME", "COVERAGE_PROCESS_CONFIG")
    return {
        **{name: os.environ[name] for name in kept if name in os.environ},
        "PYTHONPATH": str(ROOT),
        "ENVIRONMENT": "test",
        "SECRET_KEY": SECRET_KEY,
        "DATABASE_URL": database_url,
        "BCRYPT_ROUNDS": "4",
        "BREACHED_PASSWORDS_URL": NOBODY_LISTENS,
        **changes,
    }


def run_python(
    *arguments: str, cwd: Path, env: Mapping[str, str], stdin: str = ""
) -> Finished:
    """Run `python ...` in a folder, which may have a `.env` of its own."""
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=cwd,
        env=env,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )


def run_server_until_it_ends(
    cwd: Path, env: Mapping[str, str], command: Sequence[str] = SERVER
) -> Finished:
    """Run a server that is expected to refuse its start."""
    return run_python(*command, "--port", "0", cwd=cwd, env=env)


@asynccontextmanager
async def threads_ended() -> AsyncIterator[None]:
    """Expect that every thread that began here ends, while the event loop is there."""
    before = set(threading.enumerate())
    yield
    for thread in set(threading.enumerate()) - before:
        thread.join(timeout=5)
        assert not thread.is_alive(), thread
