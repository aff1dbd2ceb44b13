"""The service as people run it, a process of its own, and many callers at once."""

import asyncio
import json
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

from tests.support.people import PASSWORD, Person, sign_in
from tests.support.processes import SERVE, environment

ROOT_EMAIL = "root@example.com"
PUBLIC_URL = "http://127.0.0.1"
"""Where processes behind one balancer are reached: all sign with the same issuer."""

START_SECONDS = 30
STOP_SECONDS = 30
CALLERS = 50
NEVER_IN_A_LOG = ("Traceback", "database is locked", "database.unavailable", "deadlock")


@dataclass(frozen=True)
class Server:
    """A running `cardea serve`, or `uvicorn app.main:app`.

    Attributes:
        seconds_to_start: From the start of the process to the first good answer.
    """

    url: str
    port: int
    process: subprocess.Popen[bytes]
    log: Path
    seconds_to_start: float
    database_url: str

    def events(self, name: str) -> list[dict[str, Any]]:
        """Return the log's lines about this event."""
        lines = [json.loads(line) for line in self.log.read_text().splitlines()]
        return [line for line in lines if line["event"] == name]

    def check_log(self) -> None:
        """Fail if the log tells of a crash, a lock or an answer of our own fault."""
        text = self.log.read_text()
        assert not [word for word in NEVER_IN_A_LOG if word in text], text[-5000:]
        assert all(line["status"] < 500 for line in self.events("request.answered"))


@contextmanager
def serve(
    database_url: str,
    command: Sequence[str] = SERVE,
    send_buffer: int | None = None,
    /,
    **changes: str,
) -> Iterator[Server]:
    """Start a server process on a free port; stop it at the end, if it still runs.

    Args:
        database_url: Where its data lives.
        command: What is run; `--fd N` is added.
        send_buffer: How much the system keeps of what a client does not read.
        changes: Settings beside or instead of those below, by their names in the
            environment.
    """
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder, "server.log")
        began = time.monotonic()
        with listen() as listener:
            if send_buffer:
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer)
            port = listener.getsockname()[1]
            url = f"http://127.0.0.1:{port}"
            settings = {
                "PUBLIC_URL": url,
                "FIRST_ADMIN_EMAIL": ROOT_EMAIL,
                "FIRST_ADMIN_PASSWORD": PASSWORD,
                "LOG_FORMAT": "json",
                "SERVE_DRAIN_SECONDS": "0",
                **changes,
            }
            env = environment(database_url, **settings)
            process = _start(command, listener, log, env)
        try:
            _wait_until_ready(url, process, log)
            seconds = time.monotonic() - began
            yield Server(url, port, process, log, seconds, database_url)
        finally:
            _stop(process)
            sys.stderr.write(log.read_text())  # Shown when a test fails.


@contextmanager
def serve_together(
    database_url: str, commands: Sequence[Sequence[str]], **changes: str
) -> Iterator[list[Server]]:
    """Start servers on one database at the same moment; stop all at the end."""
    changes = {"PUBLIC_URL": PUBLIC_URL, "RATE_LIMITS": "off", **changes}
    with ExitStack() as stack:
        starts = [serve(database_url, command, **changes) for command in commands]
        with ThreadPoolExecutor(len(starts)) as threads:
            servers = list(threads.map(stack.enter_context, starts))
        yield servers


@asynccontextmanager
async def browse(
    server: Server, connections: int = 1
) -> AsyncIterator[httpx2.AsyncClient]:
    """Give a client with so many connections open already."""
    limits = httpx2.Limits(
        max_connections=connections, max_keepalive_connections=connections
    )
    async with httpx2.AsyncClient(
        base_url=server.url, limits=limits, timeout=600
    ) as client:
        await asyncio.gather(*[client.get("/health/live") for _ in range(connections)])
        yield client


async def at_once(
    requests: Iterable[Any],
) -> list[httpx2.Response]:
    """Send all at the same moment; no answer may be the service's own fault."""
    answers: list[httpx2.Response] = await asyncio.gather(*requests)
    assert not [a.text for a in answers if a.status_code >= 500]
    return answers


def tally(answers: Iterable[httpx2.Response]) -> dict[str, int]:
    """Count the answers by the code of their problem, or by their status."""
    counts: dict[str, int] = {}
    for answer in answers:
        what = str(answer.status_code)
        if answer.status_code >= 400:
            what = str(answer.json()["code"])
        counts[what] = counts.get(what, 0) + 1
    return counts


async def sign_in_root(client: httpx2.AsyncClient) -> Person:
    """Sign the server's first admin in."""
    return await sign_in(client, Person(ROOT_EMAIL))


def listen() -> socket.socket:
    """Return a socket on a free port, to be handed to a server.

    A server that is given its socket takes it for a UNIX one and leaves TCP_NODELAY
    off: every answer would take 40 ms longer.
    """
    listener = socket.create_server(("127.0.0.1", 0), backlog=512)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def _start(
    command: Sequence[str], listener: socket.socket, log: Path, env: dict[str, str]
) -> "subprocess.Popen[bytes]":
    with log.open("wb") as output:
        return subprocess.Popen(
            [sys.executable, *command, "--fd", str(listener.fileno())],
            cwd=log.parent,
            env=env,
            pass_fds=[listener.fileno()],
            stdout=output,
            stderr=output,
        )


def _wait_until_ready(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    # The socket listens already: the request waits in its queue, and nobody polls.
    try:
        answer = httpx2.get(f"{url}/health/ready", timeout=START_SECONDS)
        assert answer.status_code == 200, answer.text
    except (httpx2.HTTPError, AssertionError) as error:
        raise AssertionError(log.read_text()) from error
    assert process.poll() is None, log.read_text()


def _stop(process: "subprocess.Popen[bytes]") -> None:
    if process.poll() == -signal.SIGKILL:
        return  # That was the test itself.
    process.terminate()
    try:
        assert process.wait(STOP_SECONDS) in (0, -signal.SIGTERM)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise
