"""Lets schemathesis loose on a server of its own.

    python -m tests.hostile.fuzz --minutes 5

It reads what /openapi.json promises and sends what that allows and what it forbids,
signed in as an administrator, with all its checks. Status 0 means that there was no
server error and no answer that the document does not describe.
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.support.databases import PostgresqlServer, SqliteFiles
from tests.support.people import PASSWORD
from tests.support.processes import environment
from tests.support.server import ROOT_EMAIL, Server, serve

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
        serve(database_url, RATE_LIMITS="off") as server,
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


def _environment(server: Server, database_url: str) -> dict[str, str]:
    """Return what the hooks need to sign in, and to make another admin."""
    return environment(
        database_url,
        PUBLIC_URL=server.url,
        FIRST_ADMIN_EMAIL=ROOT_EMAIL,
        FIRST_ADMIN_PASSWORD=PASSWORD,
        SCHEMATHESIS_HOOKS="tests.hostile.fuzz_hooks",
    )


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
