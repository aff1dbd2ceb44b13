"""better-auth on Node, with sessions in the database."""

from collections.abc import Mapping, Sequence

from bench.contenders.contender import bearer
from bench.contenders.installing import OnNode
from bench.contenders.people import BCRYPT_ROUNDS, PAGE, PASSWORD, email
from bench.load import Request

API = "/api/auth"


class BetterAuth(OnNode):
    """One process on one SQLite file.

    Its sessions are prolonged while they are used, so it exchanges no tokens.
    """

    name = "better-auth"
    versions = ("better-auth", "better-sqlite3", "bcrypt")
    programs = ("auth.mjs", "server.mjs", "seed.mjs")
    first_path = f"{API}/ok"

    def command(self, port: int) -> Sequence[str]:
        """Return Node's own server; neither it nor better-auth has an access log."""
        return [self.node, str(self.packages / "server.mjs"), str(port)]

    def environment(self, port: int) -> Mapping[str, str]:
        """Return production's settings, with limits on, and what the seed needs."""
        return {
            "NODE_ENV": "production",
            "BETTER_AUTH_SECRET": "x" * 40 + "-of-a-benchmark",
            "BETTER_AUTH_URL": f"http://127.0.0.1:{port}",
            "BCRYPT_ROUNDS": str(BCRYPT_ROUNDS),
            "PASSWORD": PASSWORD,
        }

    def seed_command(self, users: int, tokens: int) -> Sequence[str]:
        """Return the program beside this file."""
        return [self.node, str(self.packages / "seed.mjs"), str(users), str(tokens)]

    def token_check(self, token: str) -> Request:
        """Ask who the caller is."""
        return Request("GET", f"{API}/get-session", bearer(token))

    def sign_in(self, number: int) -> Request:
        """Sign in with the right password."""
        body = {"email": email(number), "password": PASSWORD}
        return Request.post(f"{API}/sign-in/email", body).coming_from(number)

    def sign_up(self, number: int) -> Request:
        """Sign up with an address that nobody has."""
        body = {
            "email": f"new-{email(number)}",
            "password": PASSWORD,
            "name": f"New person {number}",
        }
        return Request.post(f"{API}/sign-up/email", body).coming_from(number)

    def list_users(self, token: str, page: str) -> Request:
        """Ask for fifty accounts, by their offset and unsorted, as its example does."""
        offset = f"&offset={page}" if page else ""
        path = f"{API}/admin/list-users?limit={PAGE}{offset}"
        return Request("GET", path, bearer(token))
