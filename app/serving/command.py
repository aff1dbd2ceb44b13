"""What `cardea serve` does."""

import logging
from functools import partial

from uvicorn.config import STARTUP_FAILURE

from app.core.config import Settings
from app.core.exceptions import StartupError
from app.main import create_app
from app.serving.listener import adopt_listener, announce, open_listener
from app.serving.server import Server
from app.serving.supervisor import Supervisor

logger = logging.getLogger(__name__)


def serve(settings: Settings, fd: int | None = None) -> int:
    """Serve until told to stop; return the exit status.

    Args:
        settings: What the operator chose.
        fd: A listening socket that whoever started us has opened, if any.
    """
    try:
        if settings.serve_workers > 1:
            refuse_sqlite(settings)
        listener = open_listener(settings) if fd is None else adopt_listener(fd)
        if settings.serve_workers > 1:
            return Supervisor(settings, listener).run()
        ready = partial(announce, settings, listener)
        Server(settings, create_app(settings), ready).run([listener])
    except StartupError as error:
        logger.error("server.start_refused", extra={"reason": str(error)})
        return STARTUP_FAILURE
    return 0


def refuse_sqlite(settings: Settings) -> None:
    """Refuse several processes on one SQLite file.

    Raises:
        StartupError: If that is what was asked for.
    """
    if settings.is_sqlite:
        raise StartupError(
            f"SQLite serves one process, and SERVE_WORKERS is {settings.serve_workers}:"
            " for several, set DATABASE_URL to a PostgreSQL database."
        )
