"""fastapi-users, set up as the full example of its documentation."""

from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

from bench.contenders.contender import bearer
from bench.contenders.installing import ROOT, InVenv
from bench.contenders.people import BCRYPT_ROUNDS, PASSWORD, email
from bench.load import Request


class FastapiUsers(InVenv):
    """One process with JWTs, on one SQLite file.

    It exchanges no tokens, and lists no accounts.
    """

    name = "fastapi-users"
    versions = (
        *("fastapi-users", "fastapi-users-db-sqlalchemy", "fastapi", "uvicorn"),
        *("sqlalchemy", "aiosqlite", "bcrypt"),
    )
    first_path = "/docs"

    def command(self, port: int) -> Sequence[str]:
        """Return uvicorn as its documentation runs it.

        That is with uvicorn's access log, which is on unless told otherwise. Cardea
        writes one too.
        """
        return [
            *(self.python, "-m", "uvicorn", "server.main:app"),
            *("--app-dir", str(self.home), "--port", str(port)),
        ]

    def environment(self, port: int) -> Mapping[str, str]:
        """Return its settings, and where the seed finds this benchmark."""
        return {
            "PYTHONPATH": str(ROOT),
            "SECRET_KEY": "x" * 40 + "-of-a-benchmark",
            "BCRYPT_ROUNDS": str(BCRYPT_ROUNDS),
        }

    def token_check(self, token: str) -> Request:
        """Ask who the caller is."""
        return Request("GET", "/users/me", bearer(token))

    def sign_in(self, number: int) -> Request:
        """Sign in with the form of OAuth2's password grant."""
        form = {"username": email(number), "password": PASSWORD}
        sent = {"Content-Type": "application/x-www-form-urlencoded"}
        return Request("POST", "/auth/jwt/login", sent, urlencode(form))

    def sign_up(self, number: int) -> Request:
        """Sign up with an address that nobody has."""
        body = {"email": f"new-{email(number)}", "password": PASSWORD}
        return Request.post("/auth/register", body)
