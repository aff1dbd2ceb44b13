"""Logging: one JSON object per line, or text for people.

Events have constant dotted names; what varies goes into fields. No password, token,
code or whole e-mail address is ever logged.
"""

import logging
import re
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

from pythonjsonlogger.core import RESERVED_ATTRS
from pythonjsonlogger.json import JsonFormatter

from app.core.config import Settings

request_id: ContextVar[str | None] = ContextVar("request_id", default=None)
"""The id of the request that is being answered, if any."""

_DETAIL = re.compile("^DETAIL:.*$", re.MULTILINE)
_NOT_FIELDS = frozenset({*RESERVED_ATTRS, "color_message"})


class JsonLineFormatter(JsonFormatter):
    """Formats a record as one JSON object: time, level, event, logger, fields."""

    def add_fields(
        self,
        log_data: dict[str, Any],
        record: logging.LogRecord,
        message_dict: dict[str, Any],
    ) -> None:
        """Fill the object that is written."""
        log_data["time"] = _time_of(record)
        log_data["level"] = record.levelname.lower()
        log_data["event"] = record.getMessage()
        log_data["logger"] = record.name
        if request_id.get():
            log_data["request_id"] = request_id.get()
        log_data.update(_fields_of(record))
        if record.exc_info:
            log_data["exception"] = _traceback(self, record.exc_info)


class ConsoleFormatter(logging.Formatter):
    """Formats a record as a line for people: time, level, event, fields."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, followed by the traceback if there is one."""
        named = _fields_of(record)
        if request_id.get() and record.levelno >= logging.WARNING:
            named["request_id"] = request_id.get()
        fields = " ".join(f"{name}={_in_one_line(named[name])}" for name in named)
        time = datetime.fromtimestamp(record.created).strftime("%H:%M:%S")
        line = f"{time} {record.levelname.lower():8}{record.getMessage()}  {fields}"
        if record.exc_info:
            line = f"{line}\n{_traceback(self, record.exc_info)}"
        return line.rstrip()


def _traceback(formatter: logging.Formatter, error: Any) -> str:
    """Return a traceback without the rows that PostgreSQL quotes in a DETAIL."""
    return _DETAIL.sub("DETAIL: (hidden)", formatter.formatException(error))


def configure_logging(settings: Settings) -> None:
    """Send every record of the process, uvicorn's too, to stderr in one format."""
    # Nobody is shown where in the code, thread or process a line was written, and to
    # find out takes a third of the time (the logging library's own advice).
    logging._srcfile = None
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    handler = logging.StreamHandler()
    handler.setFormatter(
        JsonLineFormatter() if settings.log_format == "json" else ConsoleFormatter()
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("app").setLevel(settings.log_level.upper())
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logger = logging.getLogger(name)
        logger.handlers = []
        logger.propagate = name != "uvicorn.access"
        logger.setLevel(settings.log_level.upper())


def _time_of(record: logging.LogRecord) -> str:
    time = datetime.fromtimestamp(record.created, UTC)
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _in_one_line(value: Any) -> str:
    """Quote what would look like another field or line."""
    text = str(value)
    return text if text.isprintable() and " " not in text else repr(text)


def _fields_of(record: logging.LogRecord) -> dict[str, Any]:
    return {
        name: value for name, value in vars(record).items() if name not in _NOT_FIELDS
    }
