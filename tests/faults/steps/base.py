"""What every step is: a request, and what it means for the account it is about."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar
from urllib.parse import urlencode

from tests.faults.accounts import Account, Held
from tests.faults.records import FindingKind
from tests.faults.wire import Answer, Request
from tests.faults.worlds import OK, World

API = "/api/v1"


@dataclass(frozen=True)
class Play:
    """What a step is answered in a world, and what the world is like afterwards."""

    answer: str
    after: World


@dataclass(eq=False)
class Step:
    """One operation on an account."""

    kind: ClassVar[str]
    is_write: ClassVar[bool] = True
    if_refused: ClassVar[FindingKind] = FindingKind.BROKEN
    """What it is called when it is refused although all is well."""

    asks_for_mail: ClassVar[bool] = False
    """Whether a mail goes out because of it."""

    account: Account

    def request(self) -> Request:
        """Return what is sent."""
        raise NotImplementedError

    def refusal(self, world: World) -> str | None:
        """Return the code it is refused with in this world, None if it is not."""
        return None

    def effect(self, world: World) -> World:
        """Return the world after the step was carried out."""
        return world

    def learn(self, answer: Answer) -> None:
        """Take what a good answer brings: ids, tokens."""

    def play(self, world: World) -> Play:
        """Return what the service must answer in this world, and what follows."""
        refusal = self.refusal(world)
        return Play(refusal, world) if refusal else Play(OK, self.effect(world))

    @property
    def caller(self) -> Held | None:
        """The session of the account's own whose access token it needs."""
        return None

    @property
    def bearer(self) -> Held | None:
        """The session, whosoever, whose access token it carries."""
        return self.caller


def send(
    method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
) -> Request:
    """Return a request with a JSON body, or none."""
    headers = dict(headers or {})
    if body is None:
        return Request(method, API + path, headers)
    headers["Content-Type"] = "application/json"
    return Request(method, API + path, headers, json.dumps(body).encode())


def send_form(path: str, form: Mapping[str, str], headers: dict[str, str]) -> Request:
    """Return a request with a form for a body."""
    headers["Content-Type"] = "application/x-www-form-urlencoded"
    return Request("POST", API + path, headers, urlencode(form).encode())


def client_of(account: Account) -> dict[str, str]:
    """Return the headers that say where the account's people are."""
    return {"X-Forwarded-For": account.network}


def signed(account: Account, held: Held) -> dict[str, str]:
    """Return the headers of a caller with this session."""
    if held.transport == "cookie":
        cookie = f"{held.access_cookie}={held.access_token}"
        return {**client_of(account), "Cookie": cookie, "Sec-Fetch-Site": "same-origin"}
    return {**client_of(account), "Authorization": f"Bearer {held.access_token}"}
