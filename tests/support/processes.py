"""Commands and servers as processes of their own."""

import os
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from tests.support.databases import SECRET_KEY

ROOT = Path(__file__).parents[2]
SECONDS = 60
"""What any of them may take on a busy machine."""

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
        "BREACHED_PASSWORDS_URL": "http://127.0.0.1:9",
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
    return run_python(*_uvicorn("0"), cwd=cwd, env=env)


@contextmanager
def serving(cwd: Path, env: Mapping[str, str]) -> Iterator[str]:
    """Start a server and yield its address once it serves; stop it at the end."""
    process = subprocess.Popen(
        [sys.executable, *_uvicorn("0")],
        cwd=cwd,
        env={**env, "LOG_FORMAT": "console"},
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield _address(process)
    finally:
        process.terminate()
        process.communicate(timeout=SECONDS)


@asynccontextmanager
async def threads_ended() -> AsyncIterator[None]:
    """Expect that every thread that began here ends, while the event loop is there."""
    before = set(threading.enumerate())
    yield
    for thread in set(threading.enumerate()) - before:
        thread.join(timeout=5)
        assert not thread.is_alive(), thread


def _uvicorn(port: str) -> list[str]:
    return ["-m", "uvicorn", "app.main:app", "--port", port]


def _address(process: "subprocess.Popen[str]") -> str:
    assert process.stderr is not None
    lines = []
    for line in process.stderr:
        lines.append(line)
        if "running on http" in line:
            return "http" + line.partition("running on http")[2].split()[0]
    raise AssertionError("".join(lines))
