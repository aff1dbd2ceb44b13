"""Signing up, in and out, and refreshing."""

import base64
import json
import time
from collections import deque
from dataclasses import dataclass
from typing import Any, ClassVar

from tests.faults.accounts import TOKENS_KEPT, Held
from tests.faults.records import FindingKind
from tests.faults.steps.base import Play, Step, client_of, send, send_form, signed
from tests.faults.wire import Answer, Request
from tests.faults.worlds import USER, Status, World

OAUTH = "oauth"
DEVICE_HEADER = "Cardea-Device"


@dataclass(eq=False)
class Register(Step):
    """Make the account."""

    kind: ClassVar[str] = "register"
    asks_for_mail: ClassVar[bool] = True

    password: str
    display_name: str | None

    def request(self) -> Request:
        """Return what is sent."""
        body = {"email": self.account.email, "password": self.password}
        if self.display_name is not None:
            body["display_name"] = self.display_name
        return send("POST", "/auth/register", body, client_of(self.account))

    def refusal(self, world: World) -> str | None:
        """The address can be taken once."""
        return "email_taken" if world.exists else None

    def effect(self, world: World) -> World:
        """The account is there, with the role that everybody has."""
        return World(
            Status.ACTIVE,
            self.password,
            self.display_name,
            roles=frozenset({USER}),
            made=world.made,
        )

    def learn(self, answer: Answer) -> None:
        """Take the id."""
        self.account.id = answer.document["id"]


@dataclass(eq=False)
class SignIn(Step):
    """Begin a session; its id is known once the answer is there."""

    kind: ClassVar[str] = "sign_in"
    if_refused: ClassVar[FindingKind] = FindingKind.LOST

    password: str
    transport: str = "bearer"
    is_stranger: bool = False
    begun: Held | None = None

    def request(self) -> Request:
        """Return what is sent, by one of the three ways."""
        headers = client_of(self.account)
        if self.account.device_token and not self.is_stranger:
            headers[DEVICE_HEADER] = self.account.device_token
        if self.transport == OAUTH:
            form = {"grant_type": "password", "username": self.account.email}
            form["password"] = self.password
            return send_form("/auth/token", form, headers)
        body = {"email": self.account.email, "password": self.password}
        body["transport"] = self.transport
        return send("POST", "/auth/login", body, headers)

    def refusal(self, world: World) -> str | None:
        """Only the right password of an active account signs in."""
        if not world.exists or world.password != self.password:
            return "invalid_credentials"
        return "account_disabled" if world.status is Status.DISABLED else None

    def effect(self, world: World) -> World:
        """A session more, if its name is known."""
        return world.with_session(self.begun.id) if self.begun else world

    def learn(self, answer: Answer) -> None:
        """Take the tokens and the device token."""
        access, refresh = tokens_of(answer)
        claims = claims_of(access)
        self.account.id, session = str(claims["sub"]), str(claims["sid"])
        names = _cookie_names(answer)
        tokens = deque([refresh], maxlen=TOKENS_KEPT)
        transport = self.transport
        self.begun = Held(session, transport, access, time.monotonic(), tokens, *names)
        self.account.held[session] = self.begun
        device = answer.header(DEVICE_HEADER.lower())
        self.account.device_token = device or self.account.device_token


@dataclass(eq=False)
class Refresh(Step):
    """Exchange a session's newest refresh token."""

    kind: ClassVar[str] = "refresh"

    held: Held
    brought: str | None = None

    def request(self) -> Request:
        """Return what is sent, by the session's transport."""
        if self.held.presented_at is None:
            self.held.presented_at = time.time()
        return refresh_request(self.held, self.held.refresh_token, self._headers())

    def refusal(self, world: World) -> str | None:
        """Whatever happened to the last answer, a living session goes on."""
        if not world.exists:
            return "invalid_refresh_token"
        return world.refuses(self.held.id)

    def learn(self, answer: Answer) -> None:
        """Take the new pair."""
        access, self.brought = tokens_of(answer)
        self.held.renew(access, self.brought, int(claims_of(access)["iat"]))

    def _headers(self) -> dict[str, str]:
        return client_of(self.account)


@dataclass(eq=False)
class Reuse(Refresh):
    """Present a refresh token that was rotated twice: the session must end."""

    kind: ClassVar[str] = "reuse"

    def request(self) -> Request:
        """Return what is sent."""
        token = self.held.refresh_tokens[0]
        return refresh_request(self.held, token, self._headers())

    def play(self, world: World) -> Play:
        """It is refused, and that ends the session."""
        refusal = self.refusal(world)
        if refusal:
            return Play(refusal, world)
        return Play("session_ended/token_reused", self.effect(world))

    def effect(self, world: World) -> World:
        """The session is over."""
        return world.ended("token_reused", self.held.id)

    def learn(self, answer: Answer) -> None:
        """There is nothing that it could rightly bring."""


@dataclass(eq=False)
class SignOut(Step):
    """End the session one has; it may have ended already."""

    kind: ClassVar[str] = "sign_out"

    held: Held

    def request(self) -> Request:
        """Return what is sent."""
        headers = signed(self.account, self.held)
        if self.held.transport == "cookie":
            refresh = f"{self.held.refresh_cookie}={self.held.refresh_token}"
            headers["Cookie"] += f"; {refresh}"
        return send("POST", "/auth/logout", None, headers)

    def effect(self, world: World) -> World:
        """The session is over."""
        return world.ended("signed_out", self.held.id)

    @property
    def caller(self) -> Held:
        """The session itself."""
        return self.held


def refresh_request(held: Held, token: str, headers: dict[str, str]) -> Request:
    """Return a refresh with this token by the session's transport."""
    if held.transport == OAUTH:
        form = {"grant_type": "refresh_token", "refresh_token": token}
        return send_form("/auth/token", form, headers)
    if held.transport == "cookie":
        headers["Cookie"] = f"{held.refresh_cookie}={token}"
        headers["Sec-Fetch-Site"] = "same-origin"
        return send("POST", "/auth/refresh", None, headers)
    return send("POST", "/auth/refresh", {"refresh_token": token}, headers)


def tokens_of(answer: Answer) -> tuple[str, str]:
    """Return access and refresh token, from the body or the cookies."""
    body = answer.document
    if body.get("access_token"):
        return body["access_token"], body["refresh_token"]
    cookies = answer.cookies()
    access, refresh = _cookie_names(answer)
    return cookies[access], cookies[refresh]


def claims_of(access_token: str) -> dict[str, Any]:
    """Return what an access token says, unchecked."""
    payload = access_token.split(".")[1]
    padded = payload + "=" * (-len(payload) % 4)
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(padded))
    return claims


def _cookie_names(answer: Answer) -> tuple[str, str]:
    """Return what the two cookies are called here: with https they have prefixes."""
    names = {name.rpartition("-")[2]: name for name in answer.cookies()}
    access, refresh = "cardea_access", "cardea_refresh"
    return names.get(access, access), names.get(refresh, refresh)
