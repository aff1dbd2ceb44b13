"""The service as people run it: a process of its own, on a port of 127.0.0.1."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2

from tests.support.databases import SECRET_KEY
from tests.support.server import listen

ROOT = Path(__file__).parents[2]
ADMIN_EMAIL = "admin@example.com"
ADMIN_PASSWORD = "nine quiet herons at dawn"
START_SECONDS = 60
"""For machines that are busy; it takes one or two."""

NOBODY_LISTENS = "http://127.0.0.1:9"
"""Breached passwords are asked for here, so that no test reaches the network."""


@dataclass(frozen=True)
class LiveServer:
    """A running server."""

    url: str
    port: int


@contextmanager
def run_server(database_url: str, **changes: str) -> Iterator[LiveServer]:
    """Start `uvicorn app.main:app` and stop it at the end.

    The server is handed a socket that listens already: the first request, made here,
    waits in its queue until the server is up, so that nobody has to poll.

    Args:
        database_url: Where its data lives.
        changes: Settings beside those below, by their names in the environment; in
            their values `{url}` is where the server is.
    """
    with listen() as listener:
        port = listener.getsockname()[1]
        url = f"http://localhost:{port}"
        environment = _environment(database_url, url, changes)
        command = ["uvicorn", "app.main:app", "--fd", str(listener.fileno())]
        with tempfile.TemporaryFile() as log:
            process = subprocess.Popen(
                [sys.executable, "-m", *command],
                cwd=ROOT,
                env=environment,
                pass_fds=[listener.fileno()],
                stdout=log,
                stderr=log,
            )
            listener.close()
            try:
                httpx2.get(f"{url}/health/live", timeout=START_SECONDS)
                yield LiveServer(url, port)
            finally:
                process.terminate()
                status = process.wait(timeout=20)
                log.seek(0)
                sys.stderr.write(log.read().decode())  # Shown when a test fails.
            assert status in (0, -15)


def _environment(
    database_url: str, url: str, changes: dict[str, str]
) -> dict[str, str]:
    settings = {
        "ENVIRONMENT": "test",
        "SECRET_KEY": SECRET_KEY,
        "DATABASE_URL": database_url,
        "PUBLIC_URL": url,
        "BCRYPT_ROUNDS": "4",
        "BREACHED_PASSWORDS_URL": NOBODY_LISTENS,
        "FIRST_ADMIN_EMAIL": ADMIN_EMAIL,
        "FIRST_ADMIN_PASSWORD": ADMIN_PASSWORD,
        "LOG_FORMAT": "json",
    }
    given = {name: value.format(url=url) for name, value in changes.items()}
    return {**os.environ, **settings, **given}
