"""A real PostgreSQL, as durable as it comes, on both cores."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from anyio.from_thread import BlockingPortal
from sqlalchemy import make_url

from tests.faults.postgresql import Postgresql


@dataclass(frozen=True)
class Databases:
    """Databases on a server that runs."""

    server: Postgresql
    portal: BlockingPortal

    @property
    def version(self) -> str:
        """The server's version."""
        return str(self.portal.call(self._ask, "SHOW server_version"))

    def create(self, name: str) -> str:
        """Make an empty database, and return where it is."""
        self.portal.call(self._ask, f"CREATE DATABASE {name}")
        return str(make_url(self.server.url).set(database=name))

    async def _ask(self, statement: str) -> object:
        connection = await self.server.connect("postgres")
        try:
            return await connection.fetchval(statement)
        finally:
            await connection.close()


@contextmanager
def postgresql(portal: BlockingPortal) -> Iterator[Databases]:
    """Run a server while the block runs."""
    folder = Path(tempfile.mkdtemp(prefix="bench-postgresql-"))
    try:
        # The database's own user must reach its folder.
        folder.chmod(0o755)
        server = Postgresql(folder, folder / "postgresql.log")
        try:
            portal.call(server.create)
            yield Databases(server, portal)
        finally:
            portal.call(server.close)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
