"""Several processes on one socket: started, watched, replaced, stopped."""

import asyncio
import logging
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from multiprocessing.connection import wait
from types import FrameType

from uvicorn.config import STARTUP_FAILURE

from app.core.config import Settings
from app.main import create_app
from app.serving.listener import announce
from app.serving.server import STOP_SECONDS, Stage, stage_after, start
from app.serving.worker import Worker

logger = logging.getLogger(__name__)

TURN_SECONDS = 0.2
HEALTHY_SECONDS = 60
"""Who has served for so long did not die of its start."""

FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 30.0


@dataclass
class Place:
    """Where one worker is, or will be at `start_at`."""

    worker: Worker | None = None
    start_at: float = 0
    failures: int = 0

    def clear(self, now: float) -> float:
        """Have the next worker come after a pause, longer after each early death.

        Returns:
            The pause in seconds.
        """
        assert self.worker is not None
        ready_at = self.worker.ready_at
        lasted = ready_at is not None and now - ready_at >= HEALTHY_SECONDS
        self.failures = 0 if lasted else self.failures + 1
        growth = 1 << min(self.failures, 10)
        pause = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * growth)
        self.start_at = now + pause
        self.worker.close()
        self.worker = None
        return pause


class Supervisor:
    """Keeps SERVE_WORKERS processes serving until it is told to stop.

    Everything that can be refused is refused here, once, before any of them starts; so
    a worker that dies later is replaced, and one that can't start for now, such as
    while the database is away, is tried again.
    """

    def __init__(self, settings: Settings, listener: socket.socket) -> None:
        self._settings = settings
        self._listener = listener
        self._places = [Place() for _ in range(settings.serve_workers)]
        self._signals: list[int] = []
        self._stage = Stage.SERVING
        self._announced = False
        self._status = 0
        self._kill_at = float("inf")
        self._asked_at = self._turned_at = time.monotonic()

    @property
    def _workers(self) -> list[Worker]:
        return [place.worker for place in self._places if place.worker is not None]

    def run(self) -> int:
        """Serve; return the exit status.

        Raises:
            StartupError: If the service must not start.
        """
        asyncio.run(_check(self._settings))
        # That has been done, once for all of them.
        self._settings = self._settings.model_copy(update={"migrate_on_start": False})
        with self._catching_signals():
            while self._stage is Stage.SERVING or self._workers:
                self._turn()
        logger.info("server.stopped")
        return self._status

    def _turn(self) -> None:
        self._fill_places()
        self._listen()
        self._obey_signals()
        self._bury_the_dead()
        self._look_after_the_living()

    def _fill_places(self) -> None:
        if self._stage is not Stage.SERVING:
            return
        for place in self._places:
            if place.worker is None and time.monotonic() >= place.start_at:
                place.worker = Worker(self._settings, self._listener)

    def _listen(self) -> None:
        sentinels = [worker.process.sentinel for worker in self._workers]
        wait(sentinels, TURN_SECONDS)
        for worker in self._workers:
            worker.hear()
        if not self._announced and self._all_ready():
            self._announced = True
            announce(self._settings, self._listener)

    def _all_ready(self) -> bool:
        ready = [worker for worker in self._workers if worker.ready_at is not None]
        return len(ready) == len(self._places)

    def _obey_signals(self) -> None:
        while self._signals:
            self._stop(stage_after(self._stage, self._signals.pop(0)))

    def _stop(self, stage: Stage, status: int = 0) -> None:
        if self._stage is Stage.SERVING:
            settings = self._settings
            seconds = settings.serve_drain_seconds + settings.serve_graceful_seconds
            self._kill_at = time.monotonic() + seconds + STOP_SECONDS
            # The workers have it as well; whoever comes after them is to be refused.
            self._listener.close()
            logger.info("server.stopping", extra={"stage": stage.name.lower()})
        self._stage = stage
        self._status = max(self._status, status)
        for worker in self._workers:
            if worker.ready_at is None:
                # It has nobody to serve, but holds the socket while it imports.
                worker.kill()
            else:
                worker.stop(stage)

    def _bury_the_dead(self) -> None:
        for place in self._places:
            if place.worker is None or place.worker.process.is_alive():
                continue
            status = place.worker.process.exitcode
            facts = {"pid": place.worker.pid, "status": status}
            pause = place.clear(time.monotonic())
            if status == STARTUP_FAILURE and not self._announced:
                self._stop(Stage.FINISHING, STARTUP_FAILURE)
            if self._stage is Stage.SERVING:
                logger.error("worker.died", extra={**facts, "replaced_in": pause})

    def _look_after_the_living(self) -> None:
        now = time.monotonic()
        away = now - self._turned_at > self._settings.serve_worker_hang_seconds / 2
        self._turned_at = now
        for worker in self._workers:
            if away:
                # We have been suspended, and so perhaps have they.
                worker.forgive()
            if worker.hangs() or now > self._kill_at:
                self._kill(worker)
            worker.ask()

    def _kill(self, worker: Worker) -> None:
        if worker.killed:
            return  # It takes the system a moment.
        logger.error("worker.killed", extra={"pid": worker.pid})
        worker.kill()
        if self._stage is not Stage.SERVING:
            self._status = max(self._status, 1)

    @contextmanager
    def _catching_signals(self) -> Iterator[None]:
        def note(sig: int, _: FrameType | None) -> None:
            self._signals.append(sig)

        caught = (signal.SIGTERM, signal.SIGINT)
        before = {sig: signal.signal(sig, note) for sig in caught}
        try:
            yield
        finally:
            for sig, handler in before.items():
                signal.signal(sig, handler)


async def _check(settings: Settings) -> None:
    """Start what every worker will stand on, and stop it again."""
    async with AsyncExitStack() as stack:
        await start(create_app(settings), stack)
