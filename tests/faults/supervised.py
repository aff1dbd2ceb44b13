"""Processes of the harness's own: kept alive as systemd does, and never left behind."""

import asyncio
import os
import signal
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

RESTART_SECONDS = 0.1
"""The pause before a process that ended is started again; systemd's default."""

END_SECONDS = 20


@dataclass(frozen=True)
class Command:
    """How a process is started.

    Attributes:
        user: Who it runs as; None for the harness's own user.
        descriptors: What it inherits.
    """

    arguments: Sequence[str]
    environment: Mapping[str, str]
    folder: Path
    log: Path
    user: str | None = None
    descriptors: Sequence[int] = ()

    def tied(self) -> list[str]:
        """Return the arguments for a process that dies with the harness, however."""
        tie = ["setpriv", "--pdeathsig", "KILL"]
        if self.user is not None:
            tie += [f"--reuid={self.user}", f"--regid={self.user}", "--init-groups"]
        return [*tie, "--", *self.arguments]


@dataclass(frozen=True)
class Exit:
    """The end of a process.

    Attributes:
        status: What it exited with; negative for a signal.
        meant: Whether the harness ended it.
    """

    at: float
    status: int
    meant: bool


@dataclass
class Supervised:
    """A process that is started again at once whenever it ends, unless held down.

    Attributes:
        exits: Every end of it so far.
    """

    name: str
    command: Command
    exits: list[Exit] = field(default_factory=list)
    _process: asyncio.subprocess.Process | None = None
    _watching: asyncio.Task[None] | None = None
    _held: bool = False
    _meant: bool = False
    _may_end: bool = False

    async def start(self) -> None:
        """Start it, and watch over it."""
        self._held = False
        await self._spawn()
        self._watching = asyncio.create_task(self._watch(), name=self.name)

    @property
    def pid(self) -> int:
        """The process that runs now.

        Raises:
            ProcessLookupError: If there is none.
        """
        if self._process is None or self._process.returncode is not None:
            raise ProcessLookupError(f"{self.name} does not run")
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether there is a process now."""
        return self._process is not None and self._process.returncode is None

    @property
    def unmeant(self) -> list[Exit]:
        """The ends that the harness did not bring about."""
        return [exit for exit in self.exits if not exit.meant]

    def send(self, number: int, *, ends: bool = True) -> None:
        """Send a signal, which is meant to end the process or is not."""
        pid = self.pid
        self._meant = self._meant or ends
        os.kill(pid, number)

    def allow_ends(self, allowed: bool) -> None:
        """Say whether it may end from now on: then that is the harness's doing."""
        self._may_end = allowed

    def hold(self) -> None:
        """Do not start it again when it ends."""
        self._held = True

    async def ended(self, count: int, seconds: float = END_SECONDS) -> Exit | None:
        """Wait until it has ended so often; return that end, None if it did not."""
        deadline = time.monotonic() + seconds
        while len(self.exits) < count:
            if time.monotonic() > deadline:
                return None
            await asyncio.sleep(0.01)
        return self.exits[count - 1]

    async def stop(self, number: int = signal.SIGTERM) -> Exit | None:
        """Hold it down: end it with a signal, and start it no more."""
        self.hold()
        count = len(self.exits) + 1
        if not self.is_running:
            return None
        self.send(number)
        return await self.ended(count)

    async def close(self) -> None:
        """End it for good, whatever state it is in."""
        self.hold()
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.gather(self._watching, return_exceptions=True)
        if self._process is not None and self.is_running:
            # Its whole group: what it has started ends with it, frozen or not.
            os.killpg(self._process.pid, signal.SIGKILL)
            await self._process.wait()

    async def _spawn(self) -> None:
        self._meant = False
        with self.command.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self.command.tied(),
                cwd=self.command.folder,
                env=dict(self.command.environment),
                pass_fds=self.command.descriptors,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    async def _watch(self) -> None:
        while True:
            assert self._process is not None
            status = await self._process.wait()
            meant = self._meant or self._may_end
            self.exits.append(Exit(time.monotonic(), status, meant))
            if self._held:
                return
            await asyncio.sleep(RESTART_SECONDS)
            await self._spawn()
