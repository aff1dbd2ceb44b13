"""The server processes, and how each is started.

Each server process inherits a listening socket that the harness keeps, as under a
systemd socket unit. A request that comes while the process restarts waits in the queue
instead of being refused. That is the harder case, so it is the one we run: clients pile
up in front of a server that has just begun to start, none of them learns that it is
down, and half of what waits has given up when it is read. What has been accepted is cut
off all the same when the process dies.
"""

import socket
import sys
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from tests.faults.supervised import Command, Supervised
from tests.faults.wall_clock import set_clock
from tests.support.people import PASSWORD
from tests.support.processes import environment
from tests.support.server import listen

SERVER = ("-m", "app", "serve")
"""The server's command; `--fd N` is added."""

ROOT_EMAIL = "root@example.com"
ACCESS_TOKEN_SECONDS = 60
REFRESH_GRACE_SECONDS = 30

SETTINGS = {
    "FIRST_ADMIN_EMAIL": ROOT_EMAIL,
    "FIRST_ADMIN_PASSWORD": PASSWORD,
    "ACCESS_TOKEN_SECONDS": str(ACCESS_TOKEN_SECONDS),
    "REFRESH_GRACE_SECONDS": str(REFRESH_GRACE_SECONDS),
    # So that it shows within seconds that slow clients are cut off.
    "SERVE_HEAD_SECONDS": "2",
    "SERVE_BODY_SECONDS": "4",
    "MAIL_FROM": "no-reply@example.com",
    # The load comes from many addresses, as if through a proxy.
    "TRUSTED_PROXIES": "127.0.0.1/32",
    "LOG_LEVEL": "warning",
}


@dataclass(frozen=True)
class Server:
    """One server process, and the socket that outlives it.

    Attributes:
        clock: The file by which its clock is moved.
    """

    process: Supervised
    listener: socket.socket
    url: str
    clock: Path

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens."""
        host, port = self.listener.getsockname()
        return str(host), int(port)


@dataclass(frozen=True)
class ServerPlan:
    """How servers are to be started.

    Attributes:
        settings: Beside those that all clusters have.
        defect: The guard to remove; see defects.py.
    """

    database_url: str
    settings: dict[str, str]
    folder: Path
    logs: Path
    defect: str | None = None


async def start_servers(
    plan: ServerPlan, processes: int, stack: AsyncExitStack
) -> list[Server]:
    """Start so many processes at once, which end with the stack."""
    listeners = [stack.enter_context(listen()) for _ in range(processes)]
    urls = [f"http://127.0.0.1:{one.getsockname()[1]}" for one in listeners]
    servers = []
    for number, (listener, url) in enumerate(zip(listeners, urls, strict=True)):
        name = f"server-{number}"
        clock = plan.folder / f"{name}.clock"
        set_clock(clock, 0)
        process = Supervised(name, _command(plan, name, clock, listener, urls[0]))
        stack.push_async_callback(process.close)
        await process.start()
        servers.append(Server(process, listener, url, clock))
    return servers


def _command(
    plan: ServerPlan, name: str, clock: Path, listener: socket.socket, public_url: str
) -> Command:
    launcher = [sys.executable, "-m", "tests.faults.launcher", "--clock", str(clock)]
    defect = ["--defect", plan.defect] if plan.defect else []
    settings = {**SETTINGS, "PUBLIC_URL": public_url, **plan.settings}
    return Command(
        arguments=[*launcher, *defect, *SERVER, "--fd", str(listener.fileno())],
        environment=environment(plan.database_url, **settings),
        folder=plan.folder,
        log=plan.logs / f"{name}.log",
        descriptors=[listener.fileno()],
    )
