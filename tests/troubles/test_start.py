"""Starting on a SQLite file that is damaged."""

from pathlib import Path

import pytest

from app.migrations import migrate
from tests.support.databases import make_settings
from tests.support.outsiders import execute
from tests.support.processes import SERVE, environment, run_server_until_it_ends

REFUSED = 3
HEADER = 100


class TestStart:
    """`cardea serve`."""

    @pytest.mark.parametrize("table", ["sqlite_schema", "alembic_version", "roles"])
    async def test_is_refused(self, tmp_path: Path, table: str) -> None:
        """It is refused in one line, wherever the damage shows first, and the file
        stays as it is for whoever repairs it."""
        path = tmp_path / "here.db"
        settings = make_settings(f"sqlite+aiosqlite:///{path}")
        await migrate(settings)
        ask = f"SELECT rootpage FROM sqlite_schema WHERE name = '{table}'"
        rows = await execute(settings, ask)
        [(size,)] = await execute(settings, "PRAGMA page_size")
        begins = (rows[0][0] - 1) * size if rows else 0
        content = path.read_bytes()
        damaged = content[:begins] + b"\xa5" * size + content[begins + size :]
        path.write_bytes(damaged)

        env = environment(settings.database_url, LOG_FORMAT="json")
        done = run_server_until_it_ends(tmp_path, env, SERVE)
        assert done.returncode == REFUSED
        lines = [line for line in done.stderr.splitlines() if "can't be used" in line]
        assert len(lines) == 1 and "Traceback" not in done.stderr
        # Only the header changes: the file has a write-ahead log from now on.
        assert path.read_bytes()[HEADER:] == damaged[HEADER:]
