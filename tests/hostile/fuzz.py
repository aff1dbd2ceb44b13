"""Lets schemathesis loose on a server of its own.

    python -m tests.hostile.fuzz --minutes 5

It reads what /openapi.json promises and sends what that allows and what it forbids,
signed in as an administrator, with all its checks. Status 0 means that there was no
server error and no answer that the document does not describe.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.support.databases import SECRET_KEY, PostgresqlServer, SqliteFiles
from tests.support.live_server import (
    ADMIN_EMAIL,
    ADMIN_PASSWORD,
    NOBODY_LISTENS,
    ROOT,
    LiveServer,
    run_server,
)

CONFIGURATION = """
# No schema can say which addresses exist nor which passwords are too common.
[[operations]]
include-name = [
    "POST /api/v1/auth/register", "POST /api/v1/users", "POST /api/v1/users/me/password"
]
[operations.checks.positive_data_acceptance]
expected-statuses = ["2xx", 401, 403, 404, 409, 422]
"""


@dataclass(frozen=True)
class Outcome:
    """How a run ended: 0 if nothing was found, and what schemathesis says."""

    status: int
    report: str


def fuzz(database_url: str, seconds: int, options: Sequence[str] = ()) -> Outcome:
    """Send requests for so many seconds to a server on this database."""
    with (
        run_server(database_url, RATE_LIMITS="off") as server,
        tempfile.TemporaryDirectory() as folder,
    ):
        configuration = Path(folder, "schemathesis.toml")
        configuration.write_text(CONFIGURATION)
        command = [
            *(sys.executable, "-m", "schemathesis.cli"),
            *("--config-file", str(configuration), "run", f"{server.url}/openapi.json"),
            *("--checks", "all", "--max-time", str(seconds)),
            *("--generation-database", "none", "--no-color", *options),
        ]
        ended = subprocess.run(
            command,
            cwd=folder,
            env=_environment(server, database_url),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
    return Outcome(ended.returncode, ended.stdout)


def _environment(server: LiveServer, database_url: str) -> dict[str, str]:
    """Return what the hooks need to sign in, and to make another admin."""
    return {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "SCHEMATHESIS_HOOKS": "tests.hostile.fuzz_hooks",
        "ENVIRONMENT": "test",
        "SECRET_KEY": SECRET_KEY,
        "DATABASE_URL": database_url,
        "BCRYPT_ROUNDS": "4",
        "BREACHED_PASSWORDS_URL": NOBODY_LISTENS,
        "PUBLIC_URL": server.url,
        "FIRST_ADMIN_EMAIL": ADMIN_EMAIL,
        "FIRST_ADMIN_PASSWORD": ADMIN_PASSWORD,
    }


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description="Fuzz a server of its own.")
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--seed", type=int, help="repeat an earlier run")
    parser.add_argument(
        "--database", choices=["sqlite", "postgresql"], default="sqlite"
    )
    given = parser.parse_args()
    kind = SqliteFiles if given.database == "sqlite" else PostgresqlServer
    databases = kind()
    options = [] if given.seed is None else ["--seed", str(given.seed)]
    try:
        outcome = fuzz(databases.migrated(), int(given.minutes * 60), options)
    finally:
        databases.close()
    print(outcome.report)
    return outcome.status


if __name__ == "__main__":
    sys.exit(main())
