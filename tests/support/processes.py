"""Commands, and servers that refuse to start, as processes of their own."""

import os
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from tests.support.databases import SECRET_KEY

ROOT = Path(__file__).parents[2]
SECONDS = 60
"""What any of them may take on a busy machine."""

SERVER = ("-m", "uvicorn", "app.main:app")
NOBODY_LISTENS = "http://127.0.0.1:9"
"""Breached passwords are asked for here, so that no test reaches the network."""

Finished = subprocess.CompletedProcess[str]


def environment(database_url: str, **changes: str) -> dict[str, str]:
    """Return the environment of a process with these settings and no others."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return {
        **kept,
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


def run_server_until_it_ends(cwd: Path, env: Mapping[str, str]) -> Finished:
    """Run a server that is expected to refuse its start."""
    return run_python(*SERVER, "--port", "0", cwd=cwd, env=env)


@asynccontextmanager
async def threads_ended() -> AsyncIterator[None]:
    """Expect that every thread that began here ends, while the event loop is there."""
    before = set(threading.enumerate())
    yield
    for thread in set(threading.enumerate()) - before:
        thread.join(timeout=5)
        assert not thread.is_alive(), thread
