"""What the app logs, as its own formatter writes it."""

import io
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from app.core.config import Settings
from app.core.logging import configure_logging

_CONFIGURED = ("", "app", "uvicorn", "uvicorn.error", "uvicorn.access")


class Log:
    """Everything that was logged, by whomever."""

    def __init__(self, stream: io.StringIO) -> None:
        self._stream = stream

    @property
    def text(self) -> str:
        """All of it."""
        return self._stream.getvalue()

    def lines(self, event: str = "") -> list[dict[str, Any]]:
        """Return the JSON lines, all or those of one event."""
        lines = [json.loads(line) for line in self.text.splitlines()]
        return [line for line in lines if event in ("", line["event"])]


@contextmanager
def written_log(settings: Settings) -> Iterator[Log]:
    """Log as the server does with these settings, but into memory."""
    kept = {name: _state(logging.getLogger(name)) for name in _CONFIGURED}
    configure_logging(settings)
    stream = io.StringIO()
    for handler in logging.getLogger().handlers:
        assert isinstance(handler, logging.StreamHandler)
        handler.setStream(stream)
    try:
        yield Log(stream)
    finally:
        for name, (level, handlers, propagate) in kept.items():
            logger = logging.getLogger(name)
            logger.setLevel(level)
            logger.handlers, logger.propagate = handlers, propagate


def _state(logger: logging.Logger) -> tuple[int, list[logging.Handler], bool]:
    return logger.level, logger.handlers, logger.propagate
