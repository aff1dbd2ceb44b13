"""Logging: one JSON object per line, or text for people.

Events have constant dotted names; what varies goes into fields. No password, token,
code or whole e-mail address is ever logged.
"""

import json
import logging
import re
from contextlib import suppress
from contextvars import ContextVar
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from pydantic_core import to_json

from app.core.config import Settings

request_id: ContextVar[str | None] = ContextVar("request_id", default=None)
"""The id of the request that is being answered, if any."""

_DETAIL = re.compile("^DETAIL:.*$", re.MULTILINE)
_NOT_FIELDS = frozenset(
    {
        *vars(logging.makeLogRecord({})),
        "asctime",
        "message",
        "taskName",
        "color_message",
    }
)
"""What the logging library and uvicorn keep in a record for themselves."""

_SCALARS = frozenset({str, int, float, bool, type(None)})


class JsonLineFormatter(logging.Formatter):
    """Formats a record as one JSON object: time, level, event, logger, fields."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line; what JSON has no form for is written as text."""
        line = {
            "time": _time_of(record),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            "logger": record.name,
        }
        if asked := request_id.get():
            line["request_id"] = asked
        line.update(_fields_of(record))
        if record.exc_info:
            line["exception"] = _traceback(self, record.exc_info)
        return _as_json(line)


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
    second, millisecond = divmod(int(record.created * 1000), 1000)
    return f"{_second(second)}.{millisecond:03}Z"


@lru_cache(1)
def _second(timestamp: int) -> str:
    """Write a time of RFC 3339 down to the second, for all lines of that second."""
    return datetime.fromtimestamp(timestamp, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _as_json(line: dict[str, Any]) -> str:
    """Encode a line in ASCII: whatever encoding the stream has, it stays JSON."""
    if _SCALARS.issuperset(map(type, line.values())):
        with suppress(ValueError):  # Half a character.
            return to_json(line, ensure_ascii=True).decode()
    # This takes four times as long, but opens nothing up that is not JSON's own.
    return json.dumps(line, default=_as_text, separators=(",", ":"))


def _as_text(value: Any) -> str:
    """Spell what JSON has no form for: times as RFC 3339 has it."""
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _in_one_line(value: Any) -> str:
    """Quote what would look like another field or line."""
    text = str(value)
    return text if text.isprintable() and " " not in text else repr(text)


def _fields_of(record: logging.LogRecord) -> dict[str, Any]:
    return {
        name: value for name, value in vars(record).items() if name not in _NOT_FIELDS
    }
