"""Every link that mail can have, opened by a real browser ahead of its reader."""

from collections.abc import Callable, Iterator
from uuid import uuid4

import httpx2
import pytest

from app.services.composing import LINK_PATHS
from tests.browser.readers import (
    PREFETCH,
    PRERENDER,
    Reader,
    rows,
    times_opened,
    until,
)
from tests.support.browser import Browser
from tests.support.databases import Databases
from tests.support.people import PASSWORD
from tests.support.server import Server, serve

pytestmark = pytest.mark.browser

ADMIN = "root@example.com"


@pytest.fixture(scope="module")
def server(databases: Databases) -> Iterator[Server]:
    """A service that sends every kind of link."""
    with serve(
        databases.migrated(),
        RATE_LIMITS="off",
        MAIL_SIGN_IN="on",
        DELETION_DAYS="7",
        FIRST_ADMIN_EMAIL=ADMIN,
        FIRST_ADMIN_PASSWORD=PASSWORD,
    ) as running:
        yield running


def signs_in_by_mail(server: Server, reader: Reader) -> str:
    """Ask for a mail that signs in."""
    reader.asks("POST", "/auth/magic", {"email": reader.email})
    return reader.link()


def changes_address(server: Server, reader: Reader) -> str:
    """Ask for another address."""
    other = f"{uuid4()}@example.com"
    reader.wants_address(other)
    return reader.link(other)


def has_changed_address(server: Server, reader: Reader) -> str:
    """Have another address by now."""
    reader.proves_address()
    reader.moves(f"{uuid4()}@example.com")
    return reader.link()


def is_invited(server: Server, reader: Reader) -> str:
    """Be invited by an administrator."""
    invited = f"{uuid4()}@example.com"
    admin = Reader(server, ADMIN)
    admin.asks("POST", "/users", {"email": invited})
    return reader.link(invited)


def is_told(server: Server, reader: Reader) -> str:
    """Be told of a new password."""
    reader.proves_address()
    body = {"current_password": PASSWORD, "new_password": "nine quiet herons"}
    reader.asks("POST", "/users/me/password", body)
    return reader.link()


def leaves(server: Server, reader: Reader) -> str:
    """Delete the account."""
    reader.proves_address()
    reader.asks("DELETE", "/users/me", {"password": PASSWORD})
    return reader.link()


WAYS: dict[str, Callable[[Server, Reader], str]] = {
    "/links/verify-email": lambda _, reader: reader.link(),
    "/links/reset-password": lambda _, reader: reader.forget_password(),
    "/links/sign-in": signs_in_by_mail,
    "/links/change-email": changes_address,
    "/links/undo-email-change": has_changed_address,
    "/links/accept-invite": is_invited,
    "/links/sign-out-others": is_told,
    "/links/undo-deletion": leaves,
}


def test_every_way() -> None:
    """No link is left out."""
    assert set(WAYS) == set(LINK_PATHS.values())


@pytest.mark.parametrize("path", WAYS)
class TestOpenedAhead:
    """A link that something opens before its reader does."""

    def test_by_a_browser(self, browser: Browser, server: Server, path: str) -> None:
        """A browser that fetches or renders it in advance changes nothing."""
        link = WAYS[path](server, Reader.new(server))
        before = rows(server)
        for script in (PREFETCH, PRERENDER):
            opened = times_opened(server, path)
            browser.open(f"{server.url}/docs")
            browser.driver.execute_script(script, link)
            until(browser, lambda: times_opened(server, path) > opened)
        assert rows(server) == before

    def test_by_a_scanner(self, server: Server, path: str) -> None:
        """Neither does a program that asks for it again and again."""
        link = WAYS[path](server, Reader.new(server))
        before = rows(server)
        for method in ("HEAD", "GET", "HEAD", "GET"):
            assert httpx2.request(method, link).status_code == 200
        assert rows(server) == before
