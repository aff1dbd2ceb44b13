"""What schemathesis loads: it keeps every request signed in as an administrator."""

import json
import os
import subprocess
import sys
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import schemathesis

_admins = [os.environ["FIRST_ADMIN_EMAIL"]]
_PASSWORD = os.environ["FIRST_ADMIN_PASSWORD"]


@schemathesis.auth(refresh_interval=None)
class SignedIn:
    """A session of its own for every request.

    Many of the requests end sessions; one that is shared would be gone soon, and all
    later requests would test no more than the 401.
    """

    def get(self, case: Any, context: Any) -> str:
        """Return the access token of a new session."""
        try:
            return _sign_in()
        except HTTPError as error:
            if error.code not in (401, 403):
                raise
            # An earlier request made another admin and disabled or deleted this one.
            _make_another_admin()
            return _sign_in()

    def set(self, case: Any, token: str, context: Any) -> None:
        """Sign the request."""
        case.headers["Authorization"] = f"Bearer {token}"


def _sign_in() -> str:
    body = {"email": _admins[-1], "password": _PASSWORD}
    request = Request(
        f"{os.environ['PUBLIC_URL']}/api/v1/auth/login",
        json.dumps(body).encode(),
        {"Content-Type": "application/json"},
    )
    with urlopen(request, timeout=10) as response:
        return str(json.load(response)["access_token"])


def _make_another_admin() -> None:
    _admins.append(f"admin{len(_admins)}@example.com")
    subprocess.run(
        [sys.executable, "-m", "app", "create-admin", "--email", _admins[-1]],
        input=_PASSWORD.encode(),
        check=True,
        capture_output=True,
        timeout=30,
    )
