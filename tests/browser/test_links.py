"""The links of mails, and the mailbox of development, in a real browser."""

from collections.abc import Iterator
from urllib.parse import quote

import httpx2
import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.support.expected_conditions import (
    text_to_be_present_in_element,
)
from selenium.webdriver.support.wait import WebDriverWait

from tests.browser.readers import (
    PREFETCH,
    PRERENDER,
    Reader,
    rows,
    times_opened,
    until,
)
from tests.support.browser import PATIENCE_SECONDS, Browser
from tests.support.databases import Databases
from tests.support.people import PASSWORD
from tests.support.server import Server, serve

pytestmark = pytest.mark.browser

NEW = "nine quiet herons"
SEND_FORM = """
const form = document.createElement("form");
form.method = "post"; form.action = arguments[0];
for (const [name, value] of Object.entries(arguments[1])) {
    const field = document.createElement("input");
    field.name = name; field.value = value; form.append(field);
}
document.body.append(form); form.submit();
"""


@pytest.fixture(scope="module")
def server(databases: Databases) -> Iterator[Server]:
    """The service, with as much mail as the tests need."""
    with serve(databases.migrated(), RATE_LIMITS="off") as running:
        yield running


@pytest.fixture
def browser(browser: Browser) -> Iterator[Browser]:
    """A browser that has one tab again at the end."""
    [first] = browser.driver.window_handles
    yield browser
    for other in browser.driver.window_handles:
        if other != first:
            browser.driver.switch_to.window(other)
            browser.driver.close()
    browser.driver.switch_to.window(first)


@pytest.fixture
def reader(server: Server) -> Reader:
    """Somebody new."""
    return Reader.new(server)


def reads(browser: Browser, heading: str) -> None:
    """Wait for the page with this heading."""
    shown = text_to_be_present_in_element((By.CSS_SELECTOR, "h1"), heading)
    WebDriverWait(browser.driver, PATIENCE_SECONDS).until(shown, heading)


class TestVerifyEmail:
    """The link that proves an address."""

    def test_only_the_button_verifies(
        self, browser: Browser, server: Server, reader: Reader
    ) -> None:
        """Opening the link again and again changes nothing; the button does, once."""
        link = reader.link()
        before = rows(server)
        browser.open(link)
        for _ in range(3):
            browser.driver.refresh()
            assert browser.see("button").text == "Confirm this address"
        browser.driver.switch_to.new_window("tab")
        browser.open(link)
        assert rows(server) == before
        browser.click("button")
        reads(browser, "Your address is confirmed")
        assert reader.is_verified()
        browser.driver.switch_to.window(browser.driver.window_handles[0])
        browser.click("button")
        reads(browser, "This link has been used already")
        browser.open(link)
        reads(browser, "This link has been used already")

    @pytest.mark.parametrize("script", [PREFETCH, PRERENDER], ids=["fetch", "render"])
    def test_opened_ahead(
        self, browser: Browser, server: Server, reader: Reader, script: str
    ) -> None:
        """A browser that opens the link before anybody follows it changes nothing."""
        link, before = reader.link(), rows(server)
        opened = times_opened(server, "/links/verify-email")
        browser.open(f"{server.url}/docs")
        browser.driver.execute_script(script, link)
        until(browser, lambda: times_opened(server, "/links/verify-email") > opened)
        assert rows(server) == before
        browser.open(link)
        browser.click("button")
        reads(browser, "Your address is confirmed")

    def test_page_of_another_site(
        self, browser: Browser, server: Server, reader: Reader
    ) -> None:
        """It can't press the button, even if it knows the token."""
        link, before = reader.link(), rows(server)
        address, _, token = link.partition("?token=")
        browser.open("data:text/html,<title>Elsewhere</title><body>")
        browser.driver.execute_script(SEND_FORM, address, {"token": token})
        reads(browser, "This was not sent from our page")
        assert rows(server) == before

    def test_nothing_follows_the_token(
        self, browser: Browser, server: Server, reader: Reader
    ) -> None:
        """The form's referrer is our origin, never the address with the token."""
        browser.open(reader.link())
        browser.click("button")
        reads(browser, "Your address is confirmed")
        assert browser.run("document.referrer") == f"{server.url}/"
        assert "token" not in browser.run("location.href")
        assert [c for c in browser.complaints() if "favicon" not in c] == []


class TestResetPassword:
    """The link with which a new password is set."""

    def test_sets_it(self, browser: Browser, reader: Reader) -> None:
        """What is typed signs in from now on, and the old password does not."""
        browser.open(reader.forget_password())
        browser.type("#new-password", NEW)
        browser.click("button")
        reads(browser, "Your new password is set")
        assert reader.signs_in(NEW) and not reader.signs_in(PASSWORD)

    def test_another_try(self, browser: Browser, reader: Reader) -> None:
        """A bad password is refused beside the field, where the next one is typed."""
        browser.open(reader.forget_password())
        browser.type("#new-password", "short")
        browser.click("button")
        assert browser.run("document.querySelector(':invalid') !== null")
        assert browser.run("location.search")
        browser.see("#new-password").clear()
        browser.type("#new-password", "1234567890")
        browser.click("button")
        assert browser.see("#wrong").text.startswith("The password is too common.")
        browser.driver.switch_to.active_element.send_keys(NEW)
        browser.click("button")
        reads(browser, "Your new password is set")
        assert reader.signs_in(NEW)


class TestMailbox:
    """/dev/mail."""

    def test_from_the_mail_to_the_account(
        self, browser: Browser, server: Server, reader: Reader
    ) -> None:
        """The button in a mail leads out of its frame, to a page that works."""
        browser.open(f"{server.url}/dev/mail?recipient={quote(reader.email)}")
        browser.click(".list a")
        browser.see("iframe")
        browser.driver.switch_to.frame(0)
        browser.click("a[href*='/links/verify-email']")
        until(browser, lambda: len(browser.driver.window_handles) == 2)
        browser.driver.switch_to.window(browser.driver.window_handles[1])
        browser.click("button")
        reads(browser, "Your address is confirmed")
        assert reader.is_verified()

    def test_frame_runs_nothing(
        self, browser: Browser, server: Server, reader: Reader
    ) -> None:
        """The HTML of the mail is styled, but can neither run nor load anything."""
        browser.open(f"{server.url}/dev/mail?recipient={quote(reader.email)}")
        browser.complaints()
        browser.click(".list a")
        browser.see("iframe")
        assert browser.hosts_asked() == {f"127.0.0.1:{server.port}"}
        assert [c for c in browser.complaints() if "favicon" not in c] == []


class TestLook:
    """Our own pages with forms, lists and frames."""

    def pages(self, server: Server, reader: Reader) -> Iterator[str]:
        """Name one of each kind."""
        link = reader.link()
        yield link
        yield link.partition("?")[0]
        yield f"{server.url}/links/nope"
        yield reader.forget_password()
        mailbox = f"{server.url}/dev/mail"
        yield mailbox
        yield f"{mailbox}/{httpx2.get(mailbox).json()[0]['id']}"

    def test_fits_a_phone(
        self, browser: Browser, server: Server, reader: Reader
    ) -> None:
        """On the narrowest phone nothing has to be scrolled sideways."""
        for page in self.pages(server, reader):
            browser.resize(320, 640)
            browser.open(page)
            assert browser.run("innerWidth") == 320, page
            assert browser.run("document.documentElement.scrollWidth") == 320, page
