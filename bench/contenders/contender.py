"""What the measurements need to know of a contender."""

import inspect
import json
import os
import subprocess
import sys
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from bench.load import Request
from bench.servers import Server, free_port, serving


@dataclass(frozen=True)
class Seeded:
    """What has been put into a contender's database.

    Attributes:
        folder: Where the database is, and the server runs.
        access_tokens: Of as many sessions; the first person's comes first.
        refresh_tokens: Of the same sessions; none where there is no such thing.
        admin_token: An access token of somebody who may list accounts.
        last_page: How the page with the oldest accounts is named.
    """

    folder: Path
    access_tokens: Sequence[str]
    refresh_tokens: Sequence[str]
    admin_token: str
    last_page: str = ""


class Contender(ABC):
    """A service, set up as its own documentation recommends.

    A question that it has no answer to is None.
    """

    name: str
    versions: Sequence[str] = ()
    """The packages whose versions are named in the report."""

    processes = 1
    """How many processes answer."""

    def version_of(self, package: str) -> str:
        """Return the version of a package that is installed."""
        return version(package)

    @property
    def home(self) -> Path:
        """The folder of its server's files."""
        return Path(inspect.getfile(type(self))).parent

    @property
    def python(self) -> str:
        """The interpreter that has what it needs."""
        return sys.executable

    def install(self) -> None:
        """Fetch what it needs, if it is not there yet."""

    @abstractmethod
    def command(self, port: int) -> Sequence[str]:
        """Return how its server is started."""

    def environment(self, port: int) -> Mapping[str, str]:
        """Return its settings."""
        return {}

    def seed_command(self, users: int, tokens: int) -> Sequence[str]:
        """Return what fills the database in the folder it runs in.

        It makes that many users, person0@example.com and so on, all with PASSWORD, and
        writes `seeded.json`: lists of access and refresh tokens of so many sessions
        (see `holder`), an admin's token, and how the last page is named.
        """
        return [self.python, str(self.home / "seed.py"), str(users), str(tokens)]

    def seed(self, folder: Path, users: int, tokens: int) -> Seeded:
        """Make a database with so many users, who have so many sessions together."""
        port = free_port()
        subprocess.run(
            self.seed_command(users, tokens),
            cwd=folder,
            env=self._environment(port),
            check=True,
        )
        told = json.loads((folder / "seeded.json").read_text(encoding="utf-8"))
        return Seeded(folder, **told)

    @contextmanager
    def serving(self, seeded: Seeded, cores: Sequence[int]) -> Iterator[Server]:
        """Run its server on a seeded database while the block runs."""
        port = free_port()
        with serving(
            self.command(port),
            port,
            environment=self._environment(port),
            folder=seeded.folder,
            cores=cores,
            asks=self.first_path,
        ) as server:
            yield server

    first_path = "/"
    """What is asked to know that the server answers."""

    def token_check(self, token: str) -> Request | None:
        """Return the question who the bearer of a token is."""

    def sign_in(self, number: int) -> Request | None:
        """Return the sign-in of the n-th person."""

    def sign_up(self, number: int) -> Request | None:
        """Return the sign-up of a new person."""

    def refresh(self, token: str) -> Request | None:
        """Return the exchange of a token for its successor."""

    refresh_token = ""
    """The Lua pattern of such a token, in request and answer."""

    def list_users(self, token: str, page: str) -> Request | None:
        """Return an admin's question for a page of accounts; the first has no name."""

    def _environment(self, port: int) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("PATH", "HOME")}
        return {**kept, **self.environment(port)}


def bearer(token: str) -> dict[str, str]:
    """Return the header that carries an access token (RFC 6750)."""
    return {"Authorization": f"Bearer {token}"}
