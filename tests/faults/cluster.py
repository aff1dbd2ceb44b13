"""The world that the service runs in: its database, its neighbours, its processes."""

import resource
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults.mail_server import RecordingMailServer
from tests.faults.postgresql import Postgresql
from tests.faults.probes import acknowledges_a_write, wait_until_all
from tests.faults.records import Finding, MailTrouble, Target
from tests.faults.redis_server import Redis
from tests.faults.servers import (
    ACCESS_TOKEN_SECONDS,
    REFRESH_GRACE_SECONDS,
    ROOT_EMAIL,
    Server,
    ServerPlan,
    start_servers,
)
from tests.faults.supervised import Supervised
from tests.support.people import PASSWORD
from tests.support.servers.range_api import RangeApi

SQLITE, POSTGRESQL = "sqlite", "postgresql"
START_SECONDS = 60
RECOVERY_SECONDS = 30


@dataclass
class Cluster:
    """Everything that runs.

    Attributes:
        folder: Where faults may leave their notes.
        findings: What faults noticed by themselves; the run collects them.
        clocks_wrong_until: Until when tokens may carry a wrong time.
        mail_troubles: When the mail server was not as it should be.
    """

    folder: Path
    servers: list[Server]
    range_api: RangeApi
    mail: RecordingMailServer
    sqlite_file: Path | None = None
    postgresql: Postgresql | None = None
    redis: Redis | None = None
    findings: list[Finding] = field(default_factory=list)
    clocks_wrong_until: float = 0.0
    mail_troubles: list[MailTrouble] = field(default_factory=list)

    @property
    def database_url(self) -> str:
        """Where the service keeps everything."""
        if self.postgresql is not None:
            return self.postgresql.url
        return f"sqlite+aiosqlite:///{self.sqlite_file}"

    @property
    def database(self) -> str:
        """The kind of database."""
        return SQLITE if self.postgresql is None else POSTGRESQL

    @property
    def target(self) -> Target:
        """What the load needs to know."""
        return Target(
            urls=tuple(server.url for server in self.servers),
            root_email=ROOT_EMAIL,
            root_password=PASSWORD,
            access_token_seconds=ACCESS_TOKEN_SECONDS,
            refresh_grace_seconds=REFRESH_GRACE_SECONDS,
            heard_seconds=1 if len(self.servers) > 1 else 0,
        )

    @property
    def processes(self) -> list[Supervised]:
        """Everything that is watched over."""
        neighbours = [one.process for one in (self.postgresql, self.redis) if one]
        return [*neighbours, *(server.process for server in self.servers)]

    async def recovered(self, seconds: float = RECOVERY_SECONDS) -> float | None:
        """Return when every server acknowledged a write again; None if not in time."""
        urls = [server.url for server in self.servers]
        return await wait_until_all(urls, acknowledges_a_write, seconds)


@asynccontextmanager
async def open_cluster(
    database: str, processes: int, logs: Path, defect: str | None = None
) -> AsyncIterator[Cluster]:
    """Start everything, and end it whatever happens.

    Args:
        logs: Where the processes write what they have to say.
        defect: The guard to remove from the servers; see defects.py.

    Raises:
        RuntimeError: If the service does not come up.
    """
    _raise_descriptor_limit()
    logs.mkdir(parents=True, exist_ok=True)
    async with AsyncExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="cardea-faults-"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        range_api = await stack.enter_async_context(RangeApi())
        mail = await stack.enter_async_context(RecordingMailServer())
        cluster = Cluster(folder, [], range_api, mail)
        settings = {"BREACHED_PASSWORDS_URL": range_api.url, "SMTP_URL": mail.url}
        if database == POSTGRESQL:
            settings |= await _start_neighbours(cluster, logs, stack)
        else:
            cluster.sqlite_file = folder / "cardea.db"
        plan = ServerPlan(cluster.database_url, settings, folder, logs, defect)
        cluster.servers = await start_servers(plan, processes, stack)
        if await cluster.recovered(START_SECONDS) is None:
            raise RuntimeError(f"The service does not come up: see {logs}")
        yield cluster


async def _start_neighbours(
    cluster: Cluster, logs: Path, stack: AsyncExitStack
) -> dict[str, str]:
    # The database's own user must reach its folder.
    cluster.folder.chmod(0o755)
    cluster.postgresql = Postgresql(cluster.folder, logs / "postgresql.log")
    stack.push_async_callback(cluster.postgresql.close)
    await cluster.postgresql.create()
    cluster.redis = Redis(cluster.folder, logs / "redis.log")
    stack.push_async_callback(cluster.redis.close)
    await cluster.redis.start()
    return {"REDIS_URL": cluster.redis.url}


def _raise_descriptor_limit() -> None:
    """Allow thousands of connections at both of their ends; servers inherit it."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
