"""The processes of a service: how they stop, and the several that it may have."""

import os
import signal
import time
from collections.abc import Callable
from typing import Any

import httpx2
import psutil  # type: ignore[import-untyped]

from tests.serving.wire import PATIENCE
from tests.support.server import Server


def is_red(server: Server) -> bool:
    """Tell whether load balancers are told to go away."""
    answer = httpx2.get(f"{server.url}/health/ready", timeout=PATIENCE)
    assert (answer.status_code == 503) == (answer.json()["status"] == "stopping")
    return answer.status_code == 503


def wait_until_red(server: Server) -> None:
    """Wait until load balancers are told to go away."""
    began = time.monotonic()
    while not is_red(server):
        assert time.monotonic() - began < PATIENCE


def ends_well_within(server: Server, seconds: float) -> bool:
    """Tell whether the process ends in time, by itself and with status 0."""
    return server.process.wait(seconds) == 0


def processes(server: Server) -> set[int]:
    """Return the numbers of the live workers of a supervisor."""
    children = psutil.Process(server.process.pid).children()
    return {child.pid for child in children if _is_worker(child)}


def workers(server: Server) -> set[int]:
    """Return the numbers of those that serve already."""
    ready = {line["pid"] for line in server.events("worker.ready")}
    return processes(server) & ready


def send_to_all(server: Server, sig: signal.Signals) -> None:
    """Send a signal to every process, as a terminal or a service manager does."""
    for pid in [*processes(server), server.process.pid]:
        os.kill(pid, sig)


def wait_until(condition: Callable[[], Any]) -> Any:
    """Ask again and again until the answer is yes; return it."""
    began = time.monotonic()
    while not (answer := condition()):
        assert time.monotonic() - began < PATIENCE
        time.sleep(0.02)
    return answer


def _is_worker(process: psutil.Process) -> bool:
    try:
        # Beside the workers, Python runs a tracker of shared resources.
        return any("spawn_main" in word for word in process.cmdline())
    except (psutil.NoSuchProcess, psutil.ZombieProcess):
        return False
