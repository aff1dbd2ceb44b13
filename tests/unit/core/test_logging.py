"""Tests of `app.core.logging`."""

import json
import logging
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx2
import pytest
import uvicorn

from app.core.config import Settings
from app.core.logging import (
    ConsoleFormatter,
    JsonLineFormatter,
    configure_logging,
    request_id,
)
from tests.support.databases import SECRET_KEY, make_settings
from tests.support.rows import make_account

TIME = datetime(2026, 6, 1, 12, 0, 0, 250_000, tzinfo=UTC)
LOGGERS = ("app", "uvicorn", "uvicorn.error", "uvicorn.access", "uvicorn.asgi")


@pytest.fixture(autouse=True)
def undisturbed_logging() -> Iterator[None]:
    """Put the process's logging back as it was."""
    loggers = [logging.getLogger(), *map(logging.getLogger, LOGGERS)]
    before = [(log.handlers, log.level, log.propagate) for log in loggers]
    yield
    for log, (handlers, level, propagate) in zip(loggers, before):
        log.handlers, log.propagate = handlers, propagate
        log.setLevel(level)


def record(event: str = "session.ended", **fields: Any) -> logging.LogRecord:
    """Return what a logger hands to its handlers."""
    made = logging.LogRecord(
        "app.services.sessions", logging.INFO, "sessions.py", 7, event, (), None
    )
    made.created = TIME.timestamp()
    vars(made).update(fields)
    return made


def as_json(made: logging.LogRecord) -> dict[str, Any]:
    """Return the object of the line that is written."""
    line = JsonLineFormatter().format(made)
    assert "\n" not in line
    written: dict[str, Any] = json.loads(line)
    return written


def crashed() -> logging.LogRecord:
    """Return a record that carries an exception."""
    try:
        raise RuntimeError("broken")
    except RuntimeError:
        return record("request.crashed", exc_info=sys.exc_info())


def configure(**changes: Any) -> Settings:
    """Set logging up as a start of the service does, after uvicorn has."""
    settings = make_settings("sqlite+aiosqlite:///unused.db", **changes)
    uvicorn.Config("app.main:app")
    configure_logging(settings)
    return settings


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """Return what was logged as JSON; nothing else may have been written."""
    out, err = capsys.readouterr()
    assert out == ""
    return [json.loads(line) for line in err.splitlines()]


class TestJsonLine:
    """JsonLineFormatter."""

    def test_members(self) -> None:
        """A line has time, level, event and logger, then the fields."""
        written = as_json(record(session_id="0198", reason="signed_out"))
        assert written == {
            "time": "2026-06-01T12:00:00.250Z",
            "level": "info",
            "event": "session.ended",
            "logger": "app.services.sessions",
            "session_id": "0198",
            "reason": "signed_out",
        }

    def test_request_id(self) -> None:
        """While a request is answered, each line carries its id."""
        token = request_id.set("request-0001")
        assert as_json(record())["request_id"] == "request-0001"
        request_id.reset(token)
        assert "request_id" not in as_json(record())

    def test_exception(self) -> None:
        """A traceback is a member of the object, not lines of its own."""
        written = as_json(crashed())
        assert written["exception"].endswith("RuntimeError: broken")
        assert "exc_info" not in written

    @pytest.mark.parametrize(
        ("value", "written"),
        [
            (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
            (TIME, "2026-06-01T12:00:00.250000+00:00"),
            (None, None),
            (True, True),
            (1.5, 1.5),
            ([1, "a"], [1, "a"]),
            ("a\nb", "a\nb"),
            ("\ud800", "\ud800"),
        ],
        ids=repr,
    )
    def test_values(self, value: object, written: object) -> None:
        """Whatever a field holds, the line is JSON, on one line."""
        assert as_json(record(field=value))["field"] == written

    def test_only_ascii(self) -> None:
        """Whatever encoding the stream has, the line stays JSON."""
        for value in ("é€", "\ud800", ["é"]):
            assert JsonLineFormatter().format(record(field=value)).isascii()

    def test_time_beside_half_a_character(self) -> None:
        """A time is spelt the same way in every line."""
        written = as_json(record(text="\ud800", at=TIME))
        assert written["at"] == "2026-06-01T12:00:00.250000+00:00"

    def test_nothing_is_opened_up(self) -> None:
        """What is no text or number is named, and its secrets are not."""
        written = as_json(record(user=make_account(password_hash="the hash")))
        assert "ada@example.com" in written["user"]
        assert "the hash" not in written["user"]

    def test_arguments(self) -> None:
        """Messages of other libraries have their arguments filled in."""
        assert as_json(record("%s left", args=("bob",)))["event"] == "bob left"

    def test_no_colours(self) -> None:
        """uvicorn's coloured copy of its message is left out."""
        assert "color_message" not in as_json(record(color_message="\x1b[1m"))


class TestConsoleLine:
    """ConsoleFormatter."""

    def test_line(self) -> None:
        """A line for people has time, level, event and fields."""
        line = ConsoleFormatter().format(record(reason="signed_out", n=2))
        time = datetime.fromtimestamp(TIME.timestamp()).strftime("%H:%M:%S")
        assert line == f"{time} info    session.ended  reason=signed_out n=2"

    def test_no_fields(self) -> None:
        """Without fields nothing trails."""
        line = ConsoleFormatter().format(record(color_message="\x1b[1m"))
        assert line.endswith("session.ended")

    def test_request_id(self) -> None:
        """What somebody may report can be found; other lines stay short."""
        token = request_id.set("request-0001")
        info, warning = record(), record()
        warning.levelno = logging.WARNING
        formatter = ConsoleFormatter()
        assert "request-0001" not in formatter.format(info)
        assert formatter.format(warning).endswith("request_id=request-0001")
        request_id.reset(token)

    def test_exception(self) -> None:
        """A traceback follows on lines of its own."""
        first, second, *_, last = ConsoleFormatter().format(crashed()).splitlines()
        assert first.rstrip().endswith("request.crashed")
        assert second.startswith("Traceback")
        assert last == "RuntimeError: broken"


class TestHostileFields:
    """ConsoleFormatter, with fields that pretend to be more."""

    def test_one_line(self) -> None:
        """A value with a line break or a space is quoted."""
        line = ConsoleFormatter().format(record(reason="a\nfaked level=error"))
        assert "\n" not in line
        assert line.endswith("reason='a\\nfaked level=error'")


class TestConfigure:
    """configure_logging()."""

    def test_own_events(self, capsys: pytest.CaptureFixture[str]) -> None:
        """Our events are one JSON line each, on stderr."""
        configure()
        logging.getLogger("app.services").info("a.b", extra={"n": 1})
        (line,) = lines(capsys)
        assert (line["event"], line["n"]) == ("a.b", 1)

    def test_console(self, capsys: pytest.CaptureFixture[str]) -> None:
        """LOG_FORMAT=console writes text, uvicorn's lines too."""
        configure(log_format="console")
        logging.getLogger("app").info("a.b", extra={"n": 1})
        logging.getLogger("uvicorn.error").info("Started")
        ours, theirs = capsys.readouterr().err.splitlines()
        assert re.fullmatch(r"\d\d:\d\d:\d\d info    a\.b  n=1", ours)
        assert re.fullmatch(r"\d\d:\d\d:\d\d info    Started", theirs)

    @pytest.mark.parametrize("name", ["uvicorn", "uvicorn.error"])
    def test_uvicorn(self, capsys: pytest.CaptureFixture[str], name: str) -> None:
        """uvicorn's own lines come in the same format, once."""
        configure()
        logging.getLogger(name).info("Started", extra={"color_message": "\x1b[1m"})
        (line,) = lines(capsys)
        assert (line["event"], line["logger"]) == ("Started", name)
        assert "color_message" not in line

    def test_access_log_off(self, capsys: pytest.CaptureFixture[str]) -> None:
        """uvicorn's access log is off: ours is the one line per request."""
        configure(log_level="debug")
        access_log = logging.getLogger("uvicorn.access")
        access_log.info("GET / 200")
        assert lines(capsys) == []
        # Without a handler uvicorn does not even put the line together.
        assert not access_log.hasHandlers()

    @pytest.mark.parametrize("name", ["app", "app.core", "uvicorn", "uvicorn.error"])
    @pytest.mark.parametrize(
        ("level", "expected"),
        [
            ("debug", ["debug", "info", "warning", "error"]),
            ("info", ["info", "warning", "error"]),
            ("warning", ["warning", "error"]),
            ("error", ["error"]),
        ],
    )
    def test_level(
        self,
        capsys: pytest.CaptureFixture[str],
        name: str,
        level: str,
        expected: list[str],
    ) -> None:
        """LOG_LEVEL is the least important level written, ours and uvicorn's."""
        configure(log_level=level)
        for number in (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR):
            logging.getLogger(name).log(number, "a.b")
        assert [line["level"] for line in lines(capsys)] == expected

    def test_other_libraries(self, capsys: pytest.CaptureFixture[str]) -> None:
        """Of other libraries only warnings are written, in the same format."""
        configure(log_level="debug")
        logging.getLogger("some.library").info("chatter")
        logging.getLogger("some.library").warning("look out")
        assert [line["event"] for line in lines(capsys)] == ["look out"]

    def test_twice(self, capsys: pytest.CaptureFixture[str]) -> None:
        """Configured again, nothing is written twice."""
        configure_logging(configure())
        logging.getLogger("app").info("a.b")
        assert len(lines(capsys)) == 1


@pytest.fixture
def server(tmp_path: Path) -> Iterator["subprocess.Popen[str]"]:
    """The service as `uvicorn app.main:app` starts it."""
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(Path(__file__).parents[3]),
        "ENVIRONMENT": "test",
        "SECRET_KEY": SECRET_KEY,
    }
    command = [sys.executable, "-m", "uvicorn", "app.main:app", "--port", "0"]
    with subprocess.Popen(
        command, cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True
    ) as process:
        yield process
        process.kill()


class TestRealServer:
    """What `uvicorn app.main:app` writes."""

    async def test_json_only(self, server: "subprocess.Popen[str]") -> None:
        """From start to stop every line is JSON; a request is one of them."""
        assert server.stderr is not None
        written = [json.loads(line) for line in up_to(server.stderr, "Uvicorn running")]
        port = int(written[-1]["event"].split(" (")[0].rpartition(":")[2])
        async with httpx2.AsyncClient() as client:
            answer = await client.get(f"http://127.0.0.1:{port}/health/live")
        assert answer.status_code == 200
        server.terminate()
        written += [json.loads(line) for line in server.stderr]
        assert [e["event"] for e in written].count("request.answered") == 1
        assert "uvicorn.access" not in {entry["logger"] for entry in written}
        assert {"uvicorn.error", "app.core.middleware"} <= {
            e["logger"] for e in written
        }


def up_to(lines: Iterable[str], mark: str) -> Iterator[str]:
    """Return the lines up to the first that has the mark, and no further."""
    for line in lines:
        yield line
        if mark in line:
            return
