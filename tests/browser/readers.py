"""People who read their mail, and what browsers do with links by themselves."""

import asyncio
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import httpx2
from selenium.webdriver.support.wait import WebDriverWait

from app.database import Database
from tests.support.browser import PATIENCE_SECONDS, Browser
from tests.support.databases import make_settings
from tests.support.hostile import contents
from tests.support.people import API, PASSWORD
from tests.support.server import Server

PREFETCH = """
const link = document.createElement("link");
link.rel = "prefetch"; link.href = arguments[0]; document.head.append(link);
"""
PRERENDER = """
const rules = document.createElement("script");
rules.type = "speculationrules";
rules.text = JSON.stringify({prerender: [{urls: [arguments[0]]}]});
document.head.append(rules);
"""


class Reader:
    """Somebody with an account, who reads their mail."""

    def __init__(self, server: Server, email: str) -> None:
        self._server = server
        self.email = email

    @classmethod
    def new(cls, server: Server) -> "Reader":
        """Sign somebody up."""
        reader = cls(server, f"{uuid4()}@example.com")
        body = {"email": reader.email, "password": PASSWORD}
        assert reader._post("register", body).status_code == 201
        return reader

    def link(self, email: str = "") -> str:
        """Return the link of the newest mail to them, or to another address."""
        mail = self._newest_mail(email or self.email)
        assert mail["link"]
        return str(mail["link"])

    def asks(self, method: str, path: str, body: dict[str, str]) -> httpx2.Response:
        """Have them do something while they are signed in."""
        signed_in = self._post("login", {"email": self.email, "password": PASSWORD})
        token = signed_in.json()["access_token"]
        answer = httpx2.request(
            method,
            f"{self._server.url}{API}{path}",
            json=body,
            headers={"Authorization": f"Bearer {token}"},
        )
        assert answer.is_success, answer.text
        return answer

    def proves_address(self) -> None:
        """Prove the address with the code of the newest mail."""
        assert self._post("email/verify", self._code(self.email)).status_code == 200

    def wants_address(self, email: str) -> dict[str, str]:
        """Ask for another address; return what proves it by the code."""
        body = {"current_password": PASSWORD, "email": email}
        self.asks("POST", "/users/me/email", body)
        return self._code(email)

    def moves(self, email: str) -> None:
        """Change the address."""
        proof = self.wants_address(email)
        assert self._post("email/change", proof).status_code == 200

    def forget_password(self) -> str:
        """Ask for a new password, and return the link of the mail."""
        asked = self._post("password/forgot", {"email": self.email})
        assert asked.status_code == 202
        return self.link()

    def signs_in(self, password: str = PASSWORD) -> dict[str, Any] | None:
        """Return the account if this password signs in."""
        body = {"email": self.email, "password": password}
        answer = self._post("login", body)
        user: dict[str, Any] = answer.json().get("user")
        return user if answer.status_code == 200 else None

    def is_verified(self) -> bool:
        """Tell whether the address is proven."""
        user = self.signs_in()
        assert user is not None
        return bool(user["email_verified"])

    def _code(self, email: str) -> dict[str, str]:
        """Return what proves by its code that the newest mail was read."""
        mail = self._newest_mail(email)
        return {name: str(mail[name]) for name in ("challenge_id", "code")}

    def _newest_mail(self, email: str) -> dict[str, Any]:
        query = {"recipient": email}
        answer = httpx2.get(f"{self._server.url}/dev/mail.json", params=query)
        newest: dict[str, Any] = answer.json()[0]
        return newest

    def _post(self, path: str, body: dict[str, str]) -> httpx2.Response:
        return httpx2.post(f"{self._server.url}{API}/auth/{path}", json=body)


def rows(server: Server) -> dict[str, Any]:
    """Return all that links could change."""

    async def read() -> dict[str, Any]:
        database = Database(make_settings(server.database_url))
        stored = await contents(database)
        await database.close()
        return stored

    stored = asyncio.run(read())
    return {table: stored[table] for table in ("challenges", "outbox", "users")}


def times_opened(server: Server, path: str) -> int:
    """Count how often the page of a link was asked for."""
    answered = server.events("request.answered")
    return [line["route"] for line in answered].count(path)


def until(browser: Browser, happens: Callable[[], object]) -> None:
    """Wait for something that a browser does in its own time."""
    WebDriverWait(browser.driver, PATIENCE_SECONDS).until(lambda _: happens())
