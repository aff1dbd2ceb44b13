"""The command line, run inside the test's own process."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from click.testing import CliRunner, Result

from app.cli import main
from app.core.config import Settings
from tests.support.processes import environment

LOGGERS = ("", "app", "uvicorn", "uvicorn.error", "uvicorn.access")


class CommandLine:
    """Runs `cardea ...` with the settings of a database."""

    def __init__(self, settings: Settings) -> None:
        self._environment = environment(settings.database_url)

    def run(self, *arguments: str, stdin: str = "", **changes: str) -> Result:
        """Run a command to its end."""
        env = {**self._environment, "BREACHED_PASSWORDS_URL": "", **changes}
        with logging_kept():
            return CliRunner(env=env).invoke(main, list(arguments), input=stdin)


@contextmanager
def logging_kept() -> Iterator[None]:
    """Undo afterwards what a command does to the logging of its process."""
    loggers = [logging.getLogger(name) for name in LOGGERS]
    before = [(each.handlers, each.level, each.propagate) for each in loggers]
    yield
    for each, (handlers, level, propagate) in zip(loggers, before, strict=True):
        each.handlers, each.propagate = handlers, propagate
        each.setLevel(level)


def in_one_line(result: Result) -> str:
    """Expect a refusal in one line with status 1; return the line."""
    assert result.exit_code == 1, result.output
    lines = [line for line in result.stderr.splitlines() if line.startswith("Error: ")]
    assert len(lines) == 1 and "Traceback" not in result.output, result.output
    return lines[0]
