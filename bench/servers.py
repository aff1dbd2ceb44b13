"""A contender's server: started on its cores, asked, stopped."""

import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil  # type: ignore[import-untyped]

from bench.machine import pinned

START_SECONDS = 60
STOP_SECONDS = 30
LOOK_SECONDS = 0.002


@dataclass(frozen=True)
class Server:
    """A running server.

    Attributes:
        seconds_to_start: From the start of the process to its first answer.
    """

    url: str
    process: "subprocess.Popen[bytes]"
    seconds_to_start: float

    @property
    def resident_mib(self) -> float:
        """The memory that it and its children have in use, in MiB."""
        used: int = sum(one.memory_info().rss for one in self._processes())
        return used / 2**20

    @property
    def cpu_seconds(self) -> float:
        """The processor time that it and its children have used so far."""
        times = (one.cpu_times() for one in self._processes())
        return float(sum(one.user + one.system for one in times))

    def _processes(self) -> list[psutil.Process]:
        first = psutil.Process(self.process.pid)
        return [first, *first.children(recursive=True)]


@contextmanager
def serving(
    command: Sequence[str],
    port: int,
    *,
    environment: Mapping[str, str],
    folder: Path,
    cores: Sequence[int],
    asks: str = "/",
) -> Iterator[Server]:
    """Run a server while the block runs.

    Args:
        command: What is run.
        port: Where it listens then.
        environment: All of its environment.
        folder: Where it runs; its log is written there.
        cores: What it may run on.
        asks: The path that is asked to know that it answers, in whatever way.

    Raises:
        RuntimeError: If it does not answer in time.
    """
    log = folder / "server.log"
    with log.open("wb") as output:
        began = time.monotonic()
        process = subprocess.Popen(
            pinned(cores, command),
            cwd=folder,
            env=dict(environment),
            stdout=output,
            stderr=output,
        )
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_for_an_answer(url + asks, process, log)
        yield Server(url, process, time.monotonic() - began)
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        port: int = found.getsockname()[1]
        return port


def _wait_for_an_answer(
    url: str, process: "subprocess.Popen[bytes]", log: Path
) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            urllib.request.urlopen(url, timeout=START_SECONDS)
            return
        except urllib.error.HTTPError:
            return  # A refusal is an answer.
        except OSError:
            time.sleep(LOOK_SECONDS)
    raise RuntimeError(f"no answer from {url}:\n{log.read_text()[-3000:]}")
