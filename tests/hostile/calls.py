"""Every call that takes a JSON body, with one that it accepts."""

from dataclasses import dataclass
from typing import Any

from tests.support.people import API, PASSWORD

NOBODY = "01890a5d-ac96-774b-bcce-b302099a8057"


@dataclass(frozen=True)
class Call:
    """One operation.

    Attributes:
        body: What it accepts from an administrator, at least as far as its shape goes.
        optional: Whether the body may be left out.
    """

    method: str
    path: str
    body: dict[str, Any]
    optional: bool = False

    @property
    def name(self) -> str:
        """What a test is called by."""
        return f"{self.method} {self.path.removeprefix(API)}".replace(NOBODY, "{id}")


_CREDENTIALS = {"email": "eve@example.com", "password": PASSWORD}
_CHANGE = {"current_password": PASSWORD, "new_password": "nine quiet herons"}
_ROLE = {"description": "Writes.", "permissions": ["articles:write"]}

REGISTER = Call("POST", f"{API}/auth/register", {**_CREDENTIALS, "display_name": "E"})
LOGIN = Call("POST", f"{API}/auth/login", {**_CREDENTIALS, "transport": "bearer"})
REFRESH = Call("POST", f"{API}/auth/refresh", {"refresh_token": "x"}, optional=True)
LOGOUT_ALL = Call("POST", f"{API}/auth/logout-all", {"keep_current": True}, True)
CHANGE_ME = Call("PATCH", f"{API}/users/me", {"display_name": "Eve"})
DELETE_ME = Call("DELETE", f"{API}/users/me", {"password": PASSWORD})
CHANGE_PASSWORD = Call("POST", f"{API}/users/me/password", _CHANGE)
CREATE_USER = Call("POST", f"{API}/users", {**_CREDENTIALS, "roles": ["user"]})
CHANGE_USER = Call(
    "PATCH", f"{API}/users/{NOBODY}", {"status": "active", "email_verified": True}
)
SET_ROLES = Call("PUT", f"{API}/users/{NOBODY}/roles", {"roles": ["user"]})
CREATE_ROLE = Call("POST", f"{API}/roles", {"name": "editor", **_ROLE})
REPLACE_ROLE = Call("PUT", f"{API}/roles/editor", _ROLE)

CALLS = (
    *(REGISTER, LOGIN, REFRESH, LOGOUT_ALL, CHANGE_ME, DELETE_ME, CHANGE_PASSWORD),
    *(CREATE_USER, CHANGE_USER, SET_ROLES, CREATE_ROLE, REPLACE_ROLE),
)
