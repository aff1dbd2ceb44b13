"""One of several processes, as the supervisor sees it and as it sees itself."""

import asyncio
import logging
import signal
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection

from uvicorn.config import STARTUP_FAILURE

from app.core.config import Settings
from app.core.exceptions import StartupError
from app.core.logging import configure_logging
from app.main import create_app
from app.serving.server import Server, Stage

logger = logging.getLogger(__name__)

START_SECONDS = 60
"""How long a new worker may be silent: on a busy machine it takes long to import."""

_PING, _PONG, _READY = b"ping", b"pong", b"ready"
_SPAWN = get_context("spawn")


class Worker:
    """A process of the service, as the supervisor sees it.

    Attributes:
        ready_at: Since when it serves; None before.
        killed: Whether the supervisor has killed it.
    """

    def __init__(self, settings: Settings, listener: socket.socket) -> None:
        self.lifeline, theirs = _SPAWN.Pipe()
        self.process = _SPAWN.Process(
            target=run_worker, args=(settings, listener, theirs), daemon=True
        )
        self.ready_at: float | None = None
        self.killed = False
        self._asked_at: float | None = None
        self._may_be_silent = float(START_SECONDS)
        self._silence = settings.serve_worker_hang_seconds
        # Ctrl-C reaches it too, and while it imports that would be a traceback.
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
        self.process.start()
        signal.signal(signal.SIGINT, before)
        theirs.close()

    @property
    def pid(self) -> int:
        """The number of its process."""
        return self.process.pid or 0

    def hear(self) -> None:
        """Take in what it has said."""
        try:
            while self.lifeline.poll():
                if self.lifeline.recv_bytes() == _READY:
                    self.ready_at = time.monotonic()
                    logger.info("worker.ready", extra={"pid": self.pid})
                self._asked_at = None
                self._may_be_silent = self._silence
        except (EOFError, OSError):
            pass  # It is dead or dying, which the process itself tells.

    def ask(self) -> None:
        """Ask whether it is well, unless it still owes an answer."""
        if self._asked_at is None:
            self._asked_at = time.monotonic()
            self._say(_PING)

    def forgive(self) -> None:
        """Begin to wait anew: the supervisor itself has been away."""
        if self._asked_at is not None:
            self._asked_at = time.monotonic()

    def hangs(self) -> bool:
        """Tell whether it has owed an answer for too long."""
        asked = self._asked_at
        return asked is not None and time.monotonic() - asked > self._may_be_silent

    def stop(self, stage: Stage) -> None:
        """Have it go on to this stage."""
        self._say(bytes([stage]))

    def kill(self) -> None:
        """End it at once."""
        self.killed = True
        self.process.kill()

    def close(self) -> None:
        """Let go of it once it is dead."""
        self.process.join()
        self.lifeline.close()

    def _say(self, message: bytes) -> None:
        try:
            self.lifeline.send_bytes(message)
        except OSError:
            pass  # As above.


class SupervisedServer(Server):
    """Stops when the supervisor says so, or is no more.

    The supervisor says how far to go, not to go on: signals that reach every process,
    as from a terminal or a service manager, do not count twice.
    """

    def __init__(self, settings: Settings, lifeline: Connection) -> None:
        super().__init__(settings, create_app(settings), self._tell_ready)
        self._lifeline = lifeline

    async def _serve(self, sockets: list[socket.socket] | None = None) -> None:
        async with self._listening_to_the_supervisor():
            await super()._serve(sockets)

    @asynccontextmanager
    async def _listening_to_the_supervisor(self) -> AsyncIterator[None]:
        loop = asyncio.get_running_loop()
        loop.add_reader(self._lifeline.fileno(), self._hear)
        yield
        loop.remove_reader(self._lifeline.fileno())

    def _hear(self) -> None:
        try:
            message = self._lifeline.recv_bytes()
            if message == _PING:
                self._lifeline.send_bytes(_PONG)
            else:
                self.stop(Stage(message[0]))
        except (EOFError, OSError):
            # Without the supervisor nobody would ever stop us, and we hold its port.
            asyncio.get_running_loop().remove_reader(self._lifeline.fileno())
            logger.error("worker.orphaned")
            self.stop(Stage.FINISHING)

    def _tell_ready(self) -> None:
        self._lifeline.send_bytes(_READY)


def run_worker(
    settings: Settings, listener: socket.socket, lifeline: Connection
) -> None:
    """Serve in a process of its own until the supervisor says to stop."""
    configure_logging(settings)
    try:
        SupervisedServer(settings, lifeline).run([listener])
    except StartupError as error:
        logger.error("server.start_refused", extra={"reason": str(error)})
        raise SystemExit(STARTUP_FAILURE) from None
