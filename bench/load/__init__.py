"""Load, put on a server by wrk: one thread, pinned to one core."""

import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench.machine import pinned

HERE = Path(__file__).parent
CLIENTS = 8
GRACE_SECONDS = 60
"""How long wrk may take beyond its time: its clients wait for the last answers."""

_RESULT = re.compile(r"^BENCH (\{.*\})$", re.MULTILINE)


class MissingToolError(Exception):
    """A program that the measurements need is not installed."""


@dataclass(frozen=True)
class Request:
    """One request as a contender wants it."""

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str | None = None

    @classmethod
    def post(cls, path: str, body: Mapping[str, object], **headers: str) -> "Request":
        """Return a request with a JSON body."""
        sent = {"Content-Type": "application/json", **headers}
        return cls("POST", path, sent, json.dumps(body))

    def coming_from(self, number: int) -> "Request":
        """Return the same request from the n-th client behind a proxy.

        Services limit what one network asks; a benchmark stands for many.
        """
        address = f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
        headers = {**self.headers, "X-Forwarded-For": address}
        return Request(self.method, self.path, headers, self.body)


@dataclass(frozen=True)
class Outcome:
    """What wrk counted.

    Attributes:
        cpu_seconds: The processor time of who was asked, from whoever counts it.
    """

    requests: int
    seconds: float
    refused: int
    failed: int
    p50_ms: float
    p99_ms: float
    cpu_seconds: float = 0.0

    @property
    def per_second(self) -> float:
        """Answers a second."""
        return self.requests / self.seconds

    @property
    def cpu_us(self) -> float:
        """Microseconds of processor time for an answer."""
        return 1e6 * self.cpu_seconds / self.requests


@dataclass(frozen=True)
class Load:
    """What is asked, and how hard.

    Attributes:
        requests: What is sent, in turn.
        token: The Lua pattern of a token, or a capture, if each answer carries
            the token of a later request; the requests carry the first ones.
        connections: How many clients ask at once, each as soon as it has its answer.
    """

    requests: Sequence[Request]
    token: str | None = None
    connections: int = CLIENTS


def check_tools() -> None:
    """Make sure that wrk is there.

    Raises:
        MissingToolError: If it is not.
    """
    for tool in ("wrk", "taskset"):
        if shutil.which(tool) is None:
            raise MissingToolError(
                f"`{tool}` is not installed. On Debian and Ubuntu: "
                "apt-get install wrk util-linux"
            )


@contextmanager
def loading(
    load: Load, url: str, seconds: float, cores: Sequence[int]
) -> Iterator["subprocess.Popen[str]"]:
    """Put load on a server while the block runs; it ends by itself after its time."""
    with tempfile.TemporaryDirectory() as folder:
        wanted = Path(folder, "requests.lua")
        wanted.write_text(_as_lua(load.requests), encoding="utf-8")
        script = "turns.lua" if load.token is None else "chains.lua"
        command = [
            *("wrk", "--threads", "1", "--connections", str(load.connections)),
            *("--duration", f"{seconds:g}s", "--timeout", "30s"),
            *("--script", str(HERE / script), url),
        ]
        environment = {
            **os.environ,
            "BENCH_REQUESTS": str(wanted),
            "BENCH_REPORT": str(HERE / "report.lua"),
            "BENCH_TOKEN": load.token or "",
        }
        with subprocess.Popen(
            pinned(cores, command),
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process:
            try:
                yield process
            finally:
                process.kill()


def outcome_of(process: "subprocess.Popen[str]", seconds: float) -> Outcome:
    """Wait for the load to end, and return what it counted.

    Raises:
        RuntimeError: If wrk broke down, or if anything failed: a number made of errors
            says nothing.
    """
    said, _ = process.communicate(timeout=seconds + GRACE_SECONDS)
    found = _RESULT.search(said)
    if found is None:
        raise RuntimeError(f"wrk did not end well:\n{said}")
    outcome = Outcome(**json.loads(found[1]))
    if outcome.failed or outcome.refused or not outcome.requests:
        raise RuntimeError(f"not all was answered well: {outcome}")
    return outcome


def put(load: Load, url: str, seconds: float, cores: Sequence[int]) -> Outcome:
    """Put load on a server, and return what came of it; see `outcome_of`."""
    with loading(load, url, seconds, cores) as process:
        return outcome_of(process, seconds)


def _as_lua(requests: Sequence[Request]) -> str:
    """Return a list of requests as a Lua file; quoting is JSON's for ASCII text."""
    lines = []
    for one in requests:
        headers = ", ".join(
            f"[{json.dumps(name)}] = {json.dumps(value)}"
            for name, value in one.headers.items()
        )
        body = "nil" if one.body is None else json.dumps(one.body)
        lines.append(
            f"{{method = {json.dumps(one.method)}, path = {json.dumps(one.path)}, "
            f"headers = {{{headers}}}, body = {body}}},"
        )
    return "\n".join(["return {", *lines, "}"])
