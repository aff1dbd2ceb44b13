"""The pages of links on which a new password is chosen."""

from collections.abc import AsyncIterator

import httpx2
import pytest

from app.core.config import Settings
from tests.conftest import MakeSettings
from tests.support.links import (
    ACCEPT,
    ME,
    NEW,
    RESET,
    Form,
    LinkMails,
    LinkPage,
    guest_of,
    is_page,
    is_refusal,
)
from tests.support.people import Person, sign_in
from tests.support.problems import reason
from tests.support.servers.range_api import RangeApi

BREACHED = "letters from the breach"

BOTH = pytest.mark.parametrize("page", [RESET, ACCEPT], ids=["reset", "accept"])


def owner(page: LinkPage, ada: Person) -> Person:
    """Return whose account a mail to or from Ada is about, with the new password."""
    return Person(guest_of(ada) if page is ACCEPT else ada.email, NEW)


class TestNewPassword:
    """POST /links/reset-password and /links/accept-invite."""

    @pytest.fixture
    async def ranges(self) -> AsyncIterator[RangeApi]:
        """The service that knows which passwords are breached."""
        async with RangeApi(breached=[BREACHED]) as ranges:
            yield ranges

    @pytest.fixture
    def settings(self, make: MakeSettings, ranges: RangeApi) -> Settings:
        """Breached passwords are asked for; the shortest are longer than usual."""
        return make(
            rate_limits=False,
            breached_passwords_url=ranges.url,
            password_min_length=12,
        )

    async def test_sets_the_password(
        self, browser: httpx2.AsyncClient, mails: LinkMails, ada: Person
    ) -> None:
        """It signs in from now on, and whoever was signed in is not any more."""
        token = await mails.token(RESET, ada)
        done = await browser.post(
            RESET.path, data={"token": token, "new_password": NEW}
        )
        is_page(done, 200, "Your new password is set", "Every device", "signed out")
        assert NEW not in done.text and token not in done.text
        ended = await browser.get(ME, headers=ada.headers)
        assert reason(ended) == "password_reset"
        await sign_in(browser, Person(ada.email, NEW))

    @BOTH
    async def test_field(
        self,
        browser: httpx2.AsyncClient,
        mails: LinkMails,
        ada: Person,
        page: LinkPage,
    ) -> None:
        """Browsers offer a good password for it, and cut none: the service refuses."""
        token = await mails.token(page, ada)
        form = Form(await browser.get(f"{page.path}?token={token}"))
        field = form.fields["new_password"]
        assert field["type"] == "password"
        assert field["autocomplete"] == "new-password"
        assert field["minlength"] == "12"
        assert "maxlength" not in field and "aria-invalid" not in field
        assert form.texts[field["aria-describedby"]].startswith("At least 12 ")

    @BOTH
    @pytest.mark.parametrize(
        ("password", "title"),
        [
            ("", "The password is too short."),
            ("eleven char", "The password is too short."),
            ("x" * 129, "The password is too long."),
            ("123456654321", "The password is too common."),
            (BREACHED, "The password is known from a data breach."),
            (
                "cardea and me",
                "The password contains the name in your address or that of ",
            ),
        ],
        ids=["none", "short", "long", "common", "breached", "personal"],
    )
    async def test_refused_password(
        self,
        browser: httpx2.AsyncClient,
        mails: LinkMails,
        ada: Person,
        page: LinkPage,
        password: str,
        title: str,
    ) -> None:
        """The form comes again, says why beside the field, and works with another."""
        token = await mails.token(page, ada)
        sent = {"token": token, "new_password": password}
        again = await browser.post(page.path, data=sent)
        is_page(again, 422, "<title>Error: Choose ", title)
        form = Form(again)
        field = form.fields["new_password"]
        assert field["aria-invalid"] == "true"
        described = str(field["aria-describedby"]).split()
        assert title in "".join(form.texts[name] for name in described)
        assert "value" not in field and not (password and password in again.text)
        other = {"token": form.token, "new_password": NEW}
        assert (await browser.post(page.path, data=other)).status_code == 200
        await sign_in(browser, owner(page, ada))

    @BOTH
    async def test_cannot_be_typed(
        self, browser: httpx2.AsyncClient, mails: LinkMails, ada: Person, page: LinkPage
    ) -> None:
        """A password that could not be sent to sign in is not set either."""
        token = await mails.token(page, ada)
        sent = {"token": token, "new_password": f"{NEW}\x00"}
        refused = await browser.post(page.path, data=sent)
        is_refusal(refused, 422, "validation_failed", page)
        done = await browser.post(page.path, data=page.sent(token))
        assert done.status_code == 200
