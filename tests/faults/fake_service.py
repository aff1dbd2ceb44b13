"""A service in memory that keeps its promises, or lies in one chosen point."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import Any
from uuid import uuid4

from tests.faults.steps.mail import CHALLENGE_HEADER, SENT
from tests.faults.wire import Answer, Request
from tests.support.forging import base64url

Body = dict[str, Any]
Lie = Callable[[Request, int], int | None]
"""Given a request and the honest status: the status to tell instead, or None."""


@dataclass
class Session:
    """A session, and why it ended."""

    id: str
    user: str
    generation: int = 0
    reason: str | None = None
    last_used: datetime = field(default_factory=lambda: datetime.now(UTC))


@dataclass
class User:
    """An account."""

    id: str
    email: str
    password: str
    display_name: str | None
    status: str = "active"
    roles: list[str] = field(default_factory=lambda: ["user"])


class RefusedError(Exception):
    """The request is refused."""

    def __init__(self, status: int, code: str, **more: str) -> None:
        super().__init__(code)
        self.answer = _answer(status, {"code": code, **more})


class FakeService:
    """Answers what the load asks; a `Sender`.

    Attributes:
        lie: What to tell instead of the truth.
        skips: Whether a change that is acknowledged is left out, by the request.
        honours_ended: Whether ended sessions go on.
        challenges: For whom mail was asked, by the challenge.
        names_challenges: Whether the answer says which that is.
    """

    def __init__(self) -> None:
        self.users: dict[str, User] = {}
        self.sessions: dict[str, Session] = {}
        self.lie: Lie = lambda request, status: None
        self.skips: Callable[[Request], bool] = lambda request: False
        self.honours_ended = False
        self.challenges: dict[str, str] = {}
        self.names_challenges = True
        self.asked: list[Request] = []
        self._numbers = count(1)

    async def ask(self, url: str, request: Request, deadline: float) -> Answer:
        """See `Sender.ask`."""
        self.asked.append(request)
        before = json.dumps([vars(user) for user in self.users.values()])
        try:
            answer = self._route(request)
        except RefusedError as refused:
            answer = refused.answer
        if self.skips(request):
            self.users = {u["id"]: User(**u) for u in json.loads(before)}
        told = self.lie(request, answer.status)
        return answer if told is None else _answer(told, {"code": "internal_error"})

    def root(self, email: str, password: str) -> None:
        """Make the administrator."""
        self._add(email, password, "Root").roles.append("admin")

    def end(self, session: str, reason: str) -> None:
        """End a session, for no reason that anybody gave."""
        self.sessions[session].reason = reason

    def _route(self, request: Request) -> Answer:
        path = request.path.removeprefix("/api/v1").partition("?")[0]
        body = json.loads(request.body) if request.body else {}
        public = {
            "/auth/register": self._register,
            "/auth/login": self._sign_in,
            "/auth/refresh": self._refresh,
            "/auth/password/forgot": self._ask_for_mail,
            "/auth/email/resend": self._ask_for_mail,
        }
        if path in public:
            return public[path](body)
        session = self._session_of(request)
        if path == "/roles":
            return _answer(200, {"items": []})
        if path == "/auth/logout":
            session.reason = session.reason or "signed_out"
            return _answer(204)
        if path.startswith("/users/me"):
            return self._own(request.method, path, body, session)
        return self._administered(request.method, path, body)

    def _register(self, body: Body) -> Answer:
        if any(user.email == body["email"] for user in self.users.values()):
            raise RefusedError(409, "email_taken")
        user = self._add(body["email"], body["password"], body.get("display_name"))
        return _answer(201, vars(user))

    def _ask_for_mail(self, body: Body) -> Answer:
        challenge = str(uuid4())
        self.challenges[challenge] = body["email"]
        headers = ((CHALLENGE_HEADER, challenge),) if self.names_challenges else ()
        return Answer(202, headers, json.dumps(SENT).encode())

    def _add(self, email: str, password: str, name: str | None) -> User:
        user = User(str(uuid4()), email, password, name)
        self.users[user.id] = user
        return user

    def _sign_in(self, body: Body) -> Answer:
        for user in self.users.values():
            if (user.email, user.password) == (body["email"], body["password"]):
                if user.status == "disabled":
                    raise RefusedError(403, "account_disabled")
                session = Session(str(next(self._numbers)), user.id)
                self.sessions[session.id] = session
                return self._tokens(session)
        raise RefusedError(401, "invalid_credentials")

    def _refresh(self, body: Body) -> Answer:
        name, _, generation = body["refresh_token"].partition(".")
        session = self.sessions[name]
        if session.user not in self.users:
            raise RefusedError(401, "invalid_refresh_token")
        self._refuse_ended(session)
        if int(generation) < session.generation - 1:
            session.reason = "token_reused"
            self._refuse_ended(session)
        session.generation = int(generation) + 1
        session.last_used = datetime.now(UTC)
        return self._tokens(session)

    def _session_of(self, request: Request) -> Session:
        token = request.headers["Authorization"].removeprefix("Bearer ")
        session = self.sessions[token.split(".")[2]]
        if session.user not in self.users:
            raise RefusedError(401, "session_ended", reason="user_deleted")
        if not self.honours_ended and not request.path.endswith("/logout"):
            self._refuse_ended(session)
        return session

    def _refuse_ended(self, session: Session) -> None:
        if session.reason:
            raise RefusedError(401, "session_ended", reason=session.reason)

    def _own(self, method: str, path: str, body: Body, session: Session) -> Answer:
        user = self.users[session.user]
        if path.endswith("/password"):
            return self._change_password(user, session, body)
        if method == "DELETE":
            del self.users[user.id]
            return _answer(204)
        user.display_name = body.get("display_name", user.display_name)
        return _answer(200, vars(user))

    def _change_password(self, user: User, session: Session, body: Body) -> Answer:
        if body["current_password"] != user.password:
            raise RefusedError(403, "wrong_password")
        user.password = body["new_password"]
        self._end_all(user, "password_changed", keep=session.id)
        return _answer(204)

    def _end_all(self, user: User, reason: str, keep: str = "") -> None:
        for other in self.sessions.values():
            if other.user == user.id and other.id != keep:
                other.reason = other.reason or reason

    def _administered(self, method: str, path: str, body: Body) -> Answer:
        parts = path.split("/")
        if len(parts) == 2:
            return _answer(200, {"items": [vars(u) for u in self.users.values()]})
        user = self.users.get(parts[2])
        if user is None:
            raise RefusedError(404, "user_not_found")
        if path.endswith("/sessions"):
            return _answer(200, {"items": self._listed(user), "next_cursor": None})
        if method == "PATCH":
            user.status = body["status"]
            if user.status == "disabled":
                self._end_all(user, "user_disabled")
        return _answer(200, vars(user))

    def _listed(self, user: User) -> list[Body]:
        return [
            {
                "id": session.id,
                "end_reason": session.reason,
                "last_used_at": session.last_used.isoformat(),
            }
            for session in self.sessions.values()
            if session.user == user.id
        ]

    def _tokens(self, session: Session) -> Answer:
        now = int(datetime.now(UTC).timestamp())
        claims = {"sid": session.id, "sub": session.user, "iat": now}
        payload = base64url(json.dumps(claims).encode())
        tokens = {
            "access_token": f"header.{payload}.{session.id}",
            "refresh_token": f"{session.id}.{session.generation}",
        }
        return _answer(200, tokens)


def _answer(status: int, body: Body | None = None) -> Answer:
    raw = json.dumps(body).encode() if body is not None else b""
    return Answer(status, (), raw)
