"""A server with little patience, and the database it stands on."""

import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import pytest_asyncio

from tests.faults.postgresql import Postgresql
from tests.support.databases import Databases, make_settings
from tests.support.processes import SERVE
from tests.support.server import serve
from tests.troubles.troubles import Stage

TIMEOUT_SECONDS = 1
DEADLINE = 2 * TIMEOUT_SECONDS + 1
"""How long a request waits for the database altogether."""

SETTINGS = {"DATABASE_TIMEOUT_SECONDS": str(TIMEOUT_SECONDS), "RATE_LIMITS": "off"}


@pytest_asyncio.fixture(loop_scope="package", scope="package")
async def stage(
    request: pytest.FixtureRequest, databases: Databases
) -> AsyncIterator[Stage]:
    """A server process on a database that may get into trouble."""
    folder = Path(tempfile.mkdtemp(prefix="cardea-troubles-"))
    folder.chmod(0o755)  # PostgreSQL may run as somebody else.
    async with AsyncExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        postgresql, url = None, ""
        if request.config.getoption("--database") == "postgresql":
            postgresql = Postgresql(folder, folder / "postgresql.log")
            stack.push_async_callback(postgresql.close)
            await postgresql.create()
            url = postgresql.url
        url = url or databases.migrated()
        server = stack.enter_context(serve(url, SERVE, **SETTINGS))
        yield Stage(server, make_settings(url), folder, postgresql)
