"""What must never succeed: requests for the intruder to try again and again."""

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from tests.faults.accounts import Account, Held
from tests.faults.steps.base import send, send_form, signed
from tests.faults.steps.signing_in import DEVICE_HEADER
from tests.faults.wire import Request

MARGIN_SECONDS = 0.25
"""So much later than promised, so that no two clocks' readings decide."""

EXPIRY_MARGIN_SECONDS = 2.0
FORGED_DEVICE = "cardea_dev_" + "A" * 64


@dataclass(frozen=True)
class Attempt:
    """A request that must be refused from a moment on.

    Attributes:
        after: The moment, on the machine's monotonic clock.
        about: The account, so that a breach can be traced.
        uses: How often it may be tried; None for as often as one likes.
    """

    kind: str
    method: str
    path: str
    headers: Mapping[str, str]
    body: str = ""
    after: float = 0.0
    about: str = ""
    uses: int | None = None

    @classmethod
    def of(cls, kind: str, request: Request, **more: Any) -> "Attempt":
        """Return an attempt to send this request, from no address in particular."""
        headers = {k: v for k, v in request.headers.items() if k != "X-Forwarded-For"}
        body = request.body.decode()
        return cls(kind, request.method, request.path, headers, body, **more)

    @property
    def request(self) -> Request:
        """What is sent."""
        return Request(self.method, self.path, self.headers, self.body.encode())


def as_line(message: Mapping[str, Any]) -> bytes:
    """Return a message between the two programs."""
    return json.dumps(message).encode() + b"\n"


def feeding(attempts: list[Attempt], *, replace: bool = False) -> bytes:
    """Return the message that gives the intruder attempts to make.

    Args:
        replace: Whether earlier attempts of the same kinds are to be forgotten.
    """
    return as_line({"attempts": [asdict(one) for one in attempts], "replace": replace})


def of_ended(account: Account, held: Held, heard_seconds: float) -> Iterator[Attempt]:
    """Yield what the tokens of an ended session must not do."""
    now = time.monotonic()
    heard = now + heard_seconds + MARGIN_SECONDS if heard_seconds else now
    headers = signed(account, held)
    about = account.email
    checks = send("GET", "/users/me", None, headers)
    yield Attempt.of("ended_access", checks, after=heard, about=about)
    renames = send("PATCH", "/users/me", {"display_name": "Intruder"}, headers)
    yield Attempt.of("ended_access_write", renames, after=heard, about=about)
    listing = send("GET", "/users/me/sessions", None, headers)
    yield Attempt.of("ended_access", listing, after=heard, about=about)
    for token in held.refresh_tokens:
        for request in _refreshes(held, token):
            yield Attempt.of("ended_refresh", request, after=now, about=about)


def _refreshes(held: Held, token: str) -> Iterator[Request]:
    """Yield the three ways to present a refresh token."""
    yield send("POST", "/auth/refresh", {"refresh_token": token})
    cookie = {"Cookie": f"{held.refresh_cookie}={token}"}
    yield send("POST", "/auth/refresh", None, cookie)
    form = {"grant_type": "refresh_token", "refresh_token": token}
    yield send_form("/auth/token", form, {})


def of_expiring(held: Held, account: Account, life_seconds: int) -> Attempt:
    """Return the use of an access token once its time is over."""
    after = held.access_since + life_seconds + EXPIRY_MARGIN_SECONDS
    request = send("GET", "/users/me", None, signed(account, held))
    return Attempt.of("expired_access", request, after=after, about=account.email)


def of_used_password(account: Account, password: str) -> Iterator[Attempt]:
    """Yield sign-ins with a password that was changed."""
    body = {"email": account.email, "password": password}
    more = {"about": account.email, "uses": 1, "after": time.monotonic()}
    plain = send("POST", "/auth/login", body)
    yield Attempt.of("old_password", plain, **more)
    forged = send("POST", "/auth/login", body, {DEVICE_HEADER: FORGED_DEVICE})
    yield Attempt.of("old_password_forged_device", forged, **more)


def of_gone(account: Account, kind: str) -> Iterator[Attempt]:
    """Yield sign-ins to an account that is deleted, or disabled for good."""
    uses = 2 if kind == "deleted_user" else None
    for password in account.passwords:
        body = {"email": account.email, "password": password}
        request = send("POST", "/auth/login", body)
        yield Attempt.of(kind, request, about=account.email, uses=uses)
        form = {"grant_type": "password", "username": account.email}
        form["password"] = password
        request = send_form("/auth/token", form, {})
        yield Attempt.of(kind, request, about=account.email, uses=uses)


def by_stranger(stranger: Account, held: Held, victim: Account) -> Iterator[Attempt]:
    """Yield what a normal user with a good token must not do."""
    headers = signed(stranger, held)
    for method, path, body in _admin_routes(str(victim.id)):
        request = send(method, path, body, headers)
        yield Attempt.of("admin_route", request, about=stranger.email)
    for session in victim.held:
        path = f"/users/me/sessions/{session}"
        request = send("DELETE", path, None, headers)
        yield Attempt.of("others_session", request, about=victim.email)
    for method, path, body in _too_much():
        request = send(method, path, body, headers)
        yield Attempt.of("mass_assignment", request, about=stranger.email)


def of_taken(account: Account) -> Attempt:
    """Return a sign-up with an address that has an account."""
    body = {"email": account.email.upper(), "password": "somebody else entirely"}
    request = send("POST", "/auth/register", body)
    return Attempt.of("taken_address", request, about=account.email)


def without_token() -> Iterator[Attempt]:
    """Yield what nobody may do who is not signed in."""
    for method, path, body in [*_admin_routes("0" * 8), *_own_routes()]:
        yield Attempt.of("no_token", send(method, path, body))


def _admin_routes(user: str) -> list[tuple[str, str, Any]]:
    new = {"email": "planted@example.com", "password": "somebody else entirely"}
    return [
        ("GET", "/users", None),
        ("POST", "/users", {**new, "roles": ["admin"]}),
        ("GET", f"/users/{user}", None),
        ("PATCH", f"/users/{user}", {"status": "disabled"}),
        ("DELETE", f"/users/{user}", None),
        ("PUT", f"/users/{user}/roles", {"roles": ["admin"]}),
        ("GET", f"/users/{user}/sessions", None),
        ("POST", f"/users/{user}/logout", None),
        ("GET", "/roles", None),
        ("GET", "/permissions", None),
        ("POST", "/roles", {"name": "planted", "permissions": ["users:write"]}),
        ("PUT", "/roles/user", {"permissions": ["users:write"]}),
        ("DELETE", "/roles/user", None),
    ]


def _own_routes() -> list[tuple[str, str, Any]]:
    return [
        ("GET", "/users/me", None),
        ("PATCH", "/users/me", {"display_name": "Intruder"}),
        ("GET", "/users/me/sessions", None),
        ("POST", "/auth/logout-all", None),
    ]


def _too_much() -> list[tuple[str, str, Any]]:
    new = {"email": "planted@example.com", "password": "somebody else entirely"}
    return [
        ("PATCH", "/users/me", {"display_name": "Me", "roles": ["admin"]}),
        ("PATCH", "/users/me", {"display_name": "Me", "status": "active"}),
        ("PATCH", "/users/me", {"display_name": "Me", "email_verified": True}),
        ("PATCH", "/users/me", {"display_name": "Me", "id": "0"}),
        ("POST", "/auth/register", {**new, "roles": ["admin"]}),
        ("POST", "/auth/register", {**new, "email_verified": True}),
        ("POST", "/auth/logout-all", {"keep_current": True, "user_id": "0"}),
    ]
