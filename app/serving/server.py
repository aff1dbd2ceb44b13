"""One process: it starts, serves, and stops in stages."""

import asyncio
import logging
import signal
import socket
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from enum import IntEnum
from types import FrameType
from typing import Any

import uvicorn
from fastapi import FastAPI
from uvicorn.config import STARTUP_FAILURE

from app.api.system import STOPPING
from app.core.config import Settings
from app.core.exceptions import StartupError
from app.core.problems import Problems
from app.serving.connections import Connections
from app.serving.limits import Limits, raise_open_files
from app.serving.listener import BACKLOG
from app.serving.protocol import Config, Protocol

logger = logging.getLogger(__name__)

CUT_SECONDS = 3
"""How long requests that are cut off may take to end; twice, before and after they are
cancelled. A commit that has begun is not cancelled."""

CLOSE_SECONDS = 4
"""How long the database and the rest may take to close."""

STOP_SECONDS = 2 * CUT_SECONDS + CLOSE_SECONDS
"""What a stop may take beside SERVE_DRAIN_SECONDS and SERVE_GRACEFUL_SECONDS."""


class Stage(IntEnum):
    """How far the service is with stopping; it never goes back."""

    SERVING = 0
    DRAINING = 1
    """All is served as before, but `/health/ready` tells load balancers to go away."""

    FINISHING = 2
    """Nothing new is taken; what is under way is finished."""

    CUTTING = 3
    """What is under way is cut off."""


def stage_after(stage: Stage, sig: int) -> Stage:
    """Return where a signal leads: one stage on, and Ctrl-C does not drain."""
    first = Stage.FINISHING if sig == signal.SIGINT else Stage.DRAINING
    return min(Stage.CUTTING, max(Stage(min(stage + 1, Stage.CUTTING)), first))


class Server(uvicorn.Server):
    """uvicorn's, whose stop begins with a warning and ends in time, with status 0.

    It starts the app's lifespan itself, so that a refused start is the app's own
    `StartupError` and not a line in uvicorn's words.
    """

    def __init__(
        self,
        settings: Settings,
        app: FastAPI,
        on_ready: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__(_config(settings, app))
        # What uvicorn says of itself in its own words, we say in ours.
        logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
        self._app = app
        self._settings = settings
        self._on_ready = on_ready
        self._state: dict[str, Any] = {}
        self._stage = Stage.SERVING
        self._drained_at: float | None = None

    def stop(self, stage: Stage) -> None:
        """Go on to this stage, unless it is reached already."""
        self._stage = max(self._stage, stage)
        self.should_exit = self._stage > Stage.SERVING

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Obey a signal. It is not raised again at the end: to stop was no failure."""
        self.stop(stage_after(self._stage, sig))

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept connections."""
        self.lifespan.state.update(self._state)
        await super().startup(sockets)
        self._on_ready()

    async def on_tick(self, counter: int) -> bool:
        """Do what uvicorn does ten times a second; tell whether to stop accepting."""
        return await super().on_tick(counter) and self._is_drained()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept nothing more, finish what is under way, and cut off what is left."""
        self.lifespan.state[STOPPING] = True
        for listening in [*self.servers, *(sockets or ())]:
            listening.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        await self._finish(self._settings.serve_graceful_seconds, Stage.CUTTING)
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        await self._finish(CUT_SECONDS)
        for task in list(self.server_state.tasks):
            task.cancel()
        await self._finish(CUT_SECONDS)

    async def _serve(self, sockets: list[socket.socket] | None = None) -> None:
        async with AsyncExitStack() as stack:
            self._state.update(await start(self._app, stack) or {})
            try:
                await super()._serve(sockets)
            finally:
                await self._close(stack)

    async def _close(self, stack: AsyncExitStack) -> None:
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await stack.aclose()
        except TimeoutError:
            logger.error("server.close_overdue")
        logger.info("server.stopped")

    def _is_drained(self) -> bool:
        now = time.monotonic()
        if self._drained_at is None:
            self.lifespan.state[STOPPING] = True
            self._drained_at = now + self._settings.serve_drain_seconds
            logger.info("server.stopping", extra={"stage": self._stage.name.lower()})
        return now >= self._drained_at or self._stage > Stage.DRAINING

    async def _finish(self, seconds: float, hurried_at: Stage | None = None) -> None:
        """Wait until everything is answered, but not longer than this."""
        ends = time.monotonic() + seconds
        state = self.server_state
        while (state.connections or state.tasks) and time.monotonic() < ends:
            if hurried_at is not None and self._stage >= hurried_at:
                return
            await asyncio.sleep(0.02)


async def start(app: FastAPI, stack: AsyncExitStack) -> Any:
    """Start what the app stands on, to be closed with the stack.

    Raises:
        StartupError: If the service must not start; the message says why.
        SystemExit: If something else went wrong; the log says what.
    """
    try:
        return await stack.enter_async_context(app.router.lifespan_context(app))
    except StartupError:
        raise
    except Exception as error:
        logger.error("server.start_crashed", exc_info=error)
        raise SystemExit(STARTUP_FAILURE) from None


def _config(settings: Settings, app: FastAPI) -> Config:
    config = Config(
        app,
        loop="uvloop",
        http=Protocol,
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        backlog=BACKLOG,
        timeout_keep_alive=0,  # The protocol has its own.
    )
    config.limits = Limits.of(settings, raise_open_files())
    config.problems = Problems(settings.public_url)
    config.connected = Connections(config.limits.connections)
    return config
