"""Django with its REST framework and simplejwt, set up as their documentation says."""

from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

from bench.contenders.contender import bearer
from bench.contenders.installing import ROOT, InVenv
from bench.contenders.people import BCRYPT_ROUNDS, PASSWORD, email
from bench.load import Request

THREADS = 2
"""Of the two to four a core that gunicorn advises; more wait for one another."""


class Django(InVenv):
    """One gunicorn worker with single-use refresh tokens, on one SQLite file."""

    name = "Django"
    versions = (
        *("django", "djangorestframework", "djangorestframework-simplejwt"),
        *("gunicorn", "bcrypt"),
    )
    first_path = "/users/me"
    refresh_token = '"refresh": ?"([%w_.-]+)"'

    def command(self, port: int) -> Sequence[str]:
        """Return gunicorn, which Django's documentation names first.

        A lone sync worker, its default, would answer one client at a time and keep no
        connection open. It writes no access log unless told to, nor does Django.
        """
        return [
            *(self.python, "-m", "gunicorn", "server.wsgi"),
            *("--bind", f"127.0.0.1:{port}", "--workers", "1"),
            *("--worker-class", "gthread", "--threads", str(THREADS)),
            # It would be made in the home of whoever measures.
            "--no-control-socket",
        ]

    def environment(self, port: int) -> Mapping[str, str]:
        """Return its settings, and where it and this benchmark are found."""
        return {
            "PYTHONPATH": f"{self.home}:{ROOT}",
            "DJANGO_SETTINGS_MODULE": "server.settings",
            "SECRET_KEY": "x" * 40 + "-of-a-benchmark",
            "BCRYPT_ROUNDS": str(BCRYPT_ROUNDS),
        }

    def token_check(self, token: str) -> Request:
        """Ask who the caller is."""
        return Request("GET", "/users/me", bearer(token))

    def sign_in(self, number: int) -> Request:
        """Sign in with the right password."""
        return Request.post("/token", {"email": email(number), "password": PASSWORD})

    def sign_up(self, number: int) -> Request:
        """Sign up with an address that nobody has."""
        body = {"email": f"new-{email(number)}", "password": PASSWORD}
        return Request.post("/users", body)

    def refresh(self, token: str) -> Request:
        """Exchange a refresh token."""
        return Request.post("/token/refresh", {"refresh": token})

    def list_users(self, token: str, page: str) -> Request:
        """Ask for fifty accounts."""
        cursor = f"?{urlencode({'cursor': page})}" if page else ""
        return Request("GET", f"/admin/users{cursor}", bearer(token))
