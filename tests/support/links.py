"""The pages that links in mails lead to, and mails with such links."""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from html import unescape
from html.parser import HTMLParser

import httpx2

from app.api.link_words import words_of
from app.core.exceptions import all_errors
from app.models import Purpose
from app.services.composing import LINK_PATHS
from app.services.container import Services
from tests.support.mailbox import last_mail
from tests.support.people import API, PASSWORD, Person

BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
FORGED = "cardea_link_" + "A" * 64
NEW = "nine quiet herons"
ME = f"{API}/users/me"


@dataclass(frozen=True)
class LinkPage:
    """A page of a link.

    Attributes:
        path: Where it is.
        fields: What its form is sent with, besides the token.
        life: For how long a link to it works.
        newest_only: Whether a newer mail cancels the one before.
    """

    path: str
    fields: Mapping[str, str] = field(default_factory=dict)
    life: timedelta = timedelta(minutes=15)
    newest_only: bool = True

    def sent(self, token: str) -> dict[str, str]:
        """Return its form as it is sent."""
        return {"token": token, **self.fields}

    def address(self, whose: Person) -> str:
        """Return where the mail goes that somebody has had sent."""
        others = {CHANGE.path: moved, ACCEPT.path: guest_of}
        return others[self.path](whose) if self.path in others else whose.email

    @property
    def purpose(self) -> Purpose:
        """What its links are for."""
        [purpose] = [one for one, path in LINK_PATHS.items() if path == self.path]
        return purpose


VERIFY = LinkPage("/links/verify-email", {"password": PASSWORD})
"""Where people sign in by mail, it takes the password of the sign-up."""

RESET = LinkPage("/links/reset-password", {"new_password": NEW})
SIGN_IN = LinkPage("/links/sign-in")
CHANGE = LinkPage("/links/change-email", {"password": PASSWORD})
UNDO_CHANGE = LinkPage(
    "/links/undo-email-change", life=timedelta(days=7), newest_only=False
)
ACCEPT = LinkPage("/links/accept-invite", {"new_password": NEW}, life=timedelta(days=7))
SIGN_OUT = LinkPage("/links/sign-out-others", life=timedelta(days=7), newest_only=False)
KEEP = LinkPage("/links/undo-deletion", life=timedelta(days=30), newest_only=False)
"""With DELETION_DAYS=30."""

PAGES = {
    "verify": VERIFY,
    "reset": RESET,
    "sign in": SIGN_IN,
    "change": CHANGE,
    "undo change": UNDO_CHANGE,
    "accept": ACCEPT,
    "sign out": SIGN_OUT,
    "keep": KEEP,
}


class LinkMails:
    """Has mails sent whose links lead to a page, as people have them sent."""

    def __init__(
        self, client: httpx2.AsyncClient, services: Services, admin: Person
    ) -> None:
        self._client = client
        self._services = services
        self._admin = admin
        self._invited = dict[str, str]()
        self._ask: dict[str, Callable[[Person], Awaitable[str]]] = {
            VERIFY.path: self._resend,
            RESET.path: self._forget,
            SIGN_IN.path: self._ask_to_sign_in,
            CHANGE.path: self._ask_to_change,
            UNDO_CHANGE.path: self._change,
            ACCEPT.path: self._invite,
            SIGN_OUT.path: self._set_password,
            KEEP.path: self._delete,
        }

    async def token(self, page: LinkPage, whose: Person) -> str:
        """Return the token of a new mail to somebody whose link leads to this page."""
        recipient = await self._ask[page.path](whose)
        mail = await last_mail(self._services, recipient)
        assert f"http://localhost:8000{page.path}?token={mail.token}" in mail.text
        return mail.token

    async def _resend(self, whose: Person) -> str:
        await self._post("auth/email/resend", {"email": whose.email})
        return whose.email

    async def _forget(self, whose: Person) -> str:
        await self._post("auth/password/forgot", {"email": whose.email})
        return whose.email

    async def _ask_to_sign_in(self, whose: Person) -> str:
        await self._post("auth/magic", {"email": whose.email})
        return whose.email

    async def _ask_to_change(self, whose: Person) -> str:
        body = {"email": moved(whose), "current_password": whose.password}
        await self._post("users/me/email", body, whose)
        return moved(whose)

    async def _prove(self, whose: Person) -> None:
        """Prove the address, if it is not: what nobody asks for is only sent then."""
        await self._resend(whose)
        mail = await last_mail(self._services, whose.email)
        if not mail.opens_nothing:
            proof = {**mail.by_code, "password": whose.password}
            await self._post("auth/email/verify", proof)

    async def _change(self, whose: Person) -> str:
        await self._prove(whose)
        mail = await last_mail(self._services, await self._ask_to_change(whose))
        await self._post("auth/email/change", mail.by_code)
        return whose.email

    async def _invite(self, whose: Person) -> str:
        if known := self._invited.get(whose.email):
            await self._post(f"users/{known}/invite", None, self._admin)
        else:
            new = {"email": guest_of(whose)}
            made = await self._post("users", new, self._admin)
            self._invited[whose.email] = made.json()["id"]
        return guest_of(whose)

    async def _set_password(self, whose: Person) -> str:
        await self._prove(whose)
        body = {"current_password": whose.password, "new_password": whose.password}
        await self._post("users/me/password", body, whose)
        return whose.email

    async def _delete(self, whose: Person) -> str:
        await self._prove(whose)
        response = await self._client.request(
            "DELETE", ME, json={"password": whose.password}, headers=whose.headers
        )
        assert response.is_success, response.text
        return whose.email

    async def _post(
        self, path: str, body: object, caller: Person | None = None
    ) -> httpx2.Response:
        headers = caller.headers if caller else {}
        response = await self._client.post(f"{API}/{path}", json=body, headers=headers)
        assert response.is_success, response.text
        return response


def moved(person: Person) -> str:
    """Return the address that somebody moves to."""
    return f"new.{person.email}"


def guest_of(person: Person) -> str:
    """Return the address of who is invited."""
    return f"guest.of.{person.email}"


class Form(HTMLParser):
    """The fields of a page's form, by their names, and where it is sent.

    Also where the page leads otherwise, and its language.
    """

    def __init__(self, page: httpx2.Response | str) -> None:
        super().__init__()
        self.target = ""
        self.language: str | None = None
        self.ways = list[str | None]()
        self.fields: dict[str | None, dict[str, str | None]] = {}
        self.texts: dict[str | None, str] = {}
        self._open: str | None = None
        self.feed(page if isinstance(page, str) else page.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what belongs to a form, and which text has an id."""
        attributes = dict(attrs)
        self._open = attributes.get("id", self._open)
        if tag == "html":
            self.language = attributes["lang"]
        if tag == "a":
            self.ways.append(attributes["href"])
        if tag == "form":
            self.target = f"{attributes['method']} {attributes['action']}"
        if tag == "input":
            # What has no name is not sent.
            name = attributes.get("name", attributes.get("autocomplete"))
            self.fields[name] = attributes

    def handle_data(self, data: str) -> None:
        """Note a text by the last id."""
        self.texts[self._open] = self.texts.get(self._open, "") + data

    @property
    def token(self) -> str | None:
        """The token that would be sent."""
        return self.fields["token"]["value"]


def is_refusal(
    response: httpx2.Response, status: int, code: str, page: LinkPage | None = None
) -> None:
    """Refuse an answer that is not the page of this error."""
    [error] = [error() for error in all_errors() if error.code == code]
    words = words_of(error, page.purpose if page else None)
    said = (words.title, words.reason, words.remedy, words.again)
    is_page(response, status, *said)
    assert not Form(response).target


def is_page(response: httpx2.Response, status: int, *said: str) -> None:
    """Refuse an answer that is no page of ours, or says something else."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    text = re.sub("</?code>", "`", unescape(response.text))
    assert [one for one in said if one not in text] == []
    assert "<script" not in response.text
