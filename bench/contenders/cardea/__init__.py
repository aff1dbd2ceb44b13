"""Cardea as it is shipped: `cardea serve`, in production's settings."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.contenders.contender import Contender, bearer
from bench.contenders.people import BCRYPT_ROUNDS, PAGE, PASSWORD, email
from bench.load import Request

ROOT = Path(__file__).parents[3]
API = "/api/v1"
SQLITE_FILE = "sqlite+aiosqlite:///./cardea.db"
"""In the folder that the server runs in."""


class Cardea(Contender):
    """One process on one SQLite file, unless told otherwise.

    Args:
        breached_url: A server that stands for the breached passwords'.
        database_url: Where the accounts are; one that is empty.
        processes: How many are to answer.
    """

    name = "Cardea"
    versions = (
        *("fastapi", "starlette", "uvicorn", "uvloop", "pydantic"),
        *("sqlalchemy", "aiosqlite", "asyncpg", "bcrypt"),
    )
    first_path = "/health/ready"
    refresh_token = "cardea_rt_[%w_-]+"

    def __init__(
        self, breached_url: str, database_url: str = SQLITE_FILE, processes: int = 1
    ) -> None:
        self._breached_url = breached_url
        self._database_url = database_url
        self.processes = processes

    def command(self, port: int) -> Sequence[str]:
        """Return what the README and the documentation say."""
        return [self.python, "-m", "app", "serve"]

    def environment(self, port: int) -> Mapping[str, str]:
        """Return production's settings: nothing is switched off.

        The load comes from many addresses behind a proxy, as limits are on.
        """
        return {
            "PYTHONPATH": str(ROOT),
            "ENVIRONMENT": "production",
            "SECRET_KEY": "x" * 40 + "-of-a-benchmark",
            "PUBLIC_URL": "http://127.0.0.1",
            "TRUSTED_PROXIES": "127.0.0.1",
            "BREACHED_PASSWORDS_URL": self._breached_url,
            "BCRYPT_ROUNDS": str(BCRYPT_ROUNDS),
            "DATABASE_URL": self._database_url,
            "SERVE_WORKERS": str(self.processes),
            "SERVE_PORT": str(port),
            "SERVE_DRAIN_SECONDS": "0",
        }

    def seed_command(self, users: int, tokens: int) -> Sequence[str]:
        """Return the tool beside this file."""
        module = f"{__name__}.seed"
        return [self.python, "-m", module, str(users), str(tokens)]

    def token_check(self, token: str) -> Request:
        """Ask who the caller is."""
        return Request("GET", f"{API}/users/me", bearer(token))

    def sign_in(self, number: int) -> Request:
        """Sign in with the right password."""
        body = {"email": email(number), "password": PASSWORD}
        return Request.post(f"{API}/auth/login", body).coming_from(number)

    def sign_up(self, number: int) -> Request:
        """Sign up with an address that nobody has."""
        body = {"email": f"new-{email(number)}", "password": PASSWORD}
        return Request.post(f"{API}/auth/register", body).coming_from(number)

    def refresh(self, token: str) -> Request:
        """Exchange a refresh token."""
        return Request.post(f"{API}/auth/refresh", {"refresh_token": token})

    def list_users(self, token: str, page: str) -> Request:
        """Ask for fifty accounts."""
        cursor = f"&cursor={page}" if page else ""
        return Request("GET", f"{API}/users?limit={PAGE}{cursor}", bearer(token))
