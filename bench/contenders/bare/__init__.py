"""FastAPI with nothing around it: what the framework alone can do."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.contenders.contender import Contender, Seeded
from bench.load import Request

ROWS = 10_000
SQLITE_FILE = "sqlite+aiosqlite:///./bare.db"
"""In the folder that the server runs in."""


class _Bare(Contender):
    versions: Sequence[str] = ("fastapi", "uvicorn")
    module: str

    def command(self, port: int) -> Sequence[str]:
        """Return uvicorn without its access log, which alone would cost a quarter."""
        return [
            *(self.python, "-m", "uvicorn", f"{self.module}:app"),
            *("--app-dir", str(Path(__file__).parent)),
            *("--port", str(port), "--no-access-log"),
        ]

    def seed(self, folder: Path, users: int, tokens: int) -> Seeded:
        """There is nothing to be known by the server."""
        numbered = [f"{n}.0" for n in range(ROWS)]
        return Seeded(folder, ["none"] * tokens, numbered, "none")


class BareRoute(_Bare):
    """One route that answers with a model made beforehand."""

    name = "bare FastAPI"
    module = "me"
    first_path = "/users/me"

    def token_check(self, token: str) -> Request:
        """Ask for the model; there is nobody to look at a token."""
        return Request("GET", "/users/me")


class BareUpdate(_Bare):
    """One route that does one compare-and-set.

    Args:
        database_url: Where the rows are.
    """

    name = "bare UPDATE"
    module = "rotate"
    versions = ("fastapi", "sqlalchemy", "aiosqlite")
    first_path = "/docs"
    refresh_token = "%d+%.%d+"

    def __init__(self, database_url: str = SQLITE_FILE) -> None:
        self._database_url = database_url

    def environment(self, port: int) -> Mapping[str, str]:
        """Return where the rows are, and how many there are to be."""
        return {"DATABASE_URL": self._database_url, "ROWS": str(ROWS)}

    def refresh(self, token: str) -> Request:
        """Ask for the next generation of a row."""
        return Request.post("/rotate", {"token": token})
