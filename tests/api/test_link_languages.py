"""The languages in which the pages of links speak."""

import httpx2
import pytest

from app.core.config import Settings
from tests.api.test_links import EACH
from tests.conftest import MakeSettings
from tests.support.apps import RunningApp
from tests.support.clock import FakeClock
from tests.support.languages import ENGLISH, GERMAN, choose
from tests.support.links import (
    CHANGE,
    FORGED,
    PAGES,
    RESET,
    SIGN_IN,
    VERIFY,
    Form,
    LinkMails,
    LinkPage,
    is_page,
)
from tests.support.people import Person
from tests.support.problems import problem
from tests.support.services import lose_database

HEADINGS = {
    VERIFY.path: "Bestätigen Sie Ihre Adresse",
    RESET.path: "Wählen Sie ein neues Passwort",
    SIGN_IN.path: "Anmelden",
    CHANGE.path: "Bestätigen Sie Ihre neue Adresse",
    PAGES["undo change"].path: "Holen Sie sich Ihr Konto zurück",
    PAGES["accept"].path: "Wählen Sie Ihr Passwort",
    PAGES["sign out"].path: "Alle anderen Geräte abmelden",
    PAGES["keep"].path: "Behalten Sie Ihr Konto",
}


@pytest.fixture
def settings(make: MakeSettings) -> Settings:
    """Several mails in one minute, and every kind of them."""
    return make(rate_limits=False, mail_sign_in=True, deletion_days=30)


def speaks(
    response: httpx2.Response, language: str, status: int = 200, *said: str
) -> None:
    """Refuse a page that does not speak this language, or does not say so."""
    is_page(response, status, *said)
    assert Form(response).language == language
    assert response.headers["content-language"] == language
    assert response.headers["vary"] == "Accept, Accept-Language, Origin"


class TestBrowser:
    """Accept-Language."""

    @pytest.fixture
    async def browser(self, browser: httpx2.AsyncClient) -> httpx2.AsyncClient:
        """One whose user reads German."""
        browser.headers.update(GERMAN)
        return browser

    @EACH
    async def test_form_and_what_follows(
        self,
        browser: httpx2.AsyncClient,
        mails: LinkMails,
        ada: Person,
        page: LinkPage,
    ) -> None:
        """Who reads German is shown the form, and that it is done, in German."""
        token = await mails.token(page, ada)
        shown = await browser.get(f"{page.path}?token={token}")
        heading = HEADINGS[page.path]
        whose = f"Für {page.address(ada)}"
        speaks(shown, "de", 200, f"<h1>{heading}</h1>", 'aria-label="Sie sind hier"')
        assert whose in shown.text
        done = await browser.post(page.path, data=page.sent(token))
        speaks(done, "de", 200, "Sie können diese Seite schließen.")

    @EACH
    async def test_ended(
        self,
        browser: httpx2.AsyncClient,
        mails: LinkMails,
        clock: FakeClock,
        ada: Person,
        page: LinkPage,
    ) -> None:
        """So is who comes too late, or with what is no link of ours."""
        token = await mails.token(page, ada)
        clock.tick(seconds=page.life.total_seconds())
        for refused in (
            await browser.get(f"{page.path}?token={token}"),
            await browser.post(page.path, data=page.sent(token)),
        ):
            speaks(refused, "de", 410, "<h1>Dieser Link ist abgelaufen</h1>")
        for given in (
            await browser.get(f"{page.path}?token={FORGED}"),
            await browser.post(page.path, data=page.sent(FORGED)),
        ):
            speaks(given, "de", 403, "<h1>Dieser Link funktioniert nicht</h1>")
        incomplete = await browser.get(page.path)
        speaks(incomplete, "de", 400, "<h1>Dieser Link ist unvollständig</h1>")

    async def test_what_can_be_mended(
        self,
        running: RunningApp,
        browser: httpx2.AsyncClient,
        mails: LinkMails,
        ada: Person,
    ) -> None:
        """And what is wrong with a password, or has to wait."""
        token = await mails.token(CHANGE, ada)
        wrong = {"token": token, "password": "some other words"}
        again = await browser.post(CHANGE.path, data=wrong)
        told = "Das ist nicht das Passwort des Kontos."
        speaks(again, "de", 403, "<title>Fehler: Bestätigen", told)
        token = await mails.token(RESET, ada)
        short = {"token": token, "new_password": "short"}
        again = await browser.post(RESET.path, data=short)
        speaks(again, "de", 422, "<title>Fehler: Wählen", "Das Passwort ist zu kurz.")
        lose_database(running)
        again = await browser.get(f"{RESET.path}?token={token}")
        told = "Versuchen Sie es in einer Sekunde noch einmal."
        speaks(again, "de", 503, "Das ist im Moment nicht möglich", told)

    async def test_what_is_refused_before(self, browser: httpx2.AsyncClient) -> None:
        """And what never comes to a link."""
        nowhere = await browser.get("/links/nope")
        speaks(nowhere, "de", 404, "<h1>Hier gibt es nichts</h1>")
        foreign = {"Sec-Fetch-Site": "cross-site"}
        refused = await browser.post(RESET.path, data={}, headers=foreign)
        speaks(refused, "de", 403, "<h1>Das kam nicht von unserer Seite</h1>")
        no_form = await browser.post(RESET.path, json={"token": FORGED})
        speaks(no_form, "de", 415, "<h1>Das konnte nicht gelesen werden</h1>")

    async def test_no_language_of_ours(self, browser: httpx2.AsyncClient) -> None:
        """Who reads none of our languages is shown English."""
        shown = await browser.get(RESET.path, headers={"Accept-Language": "la"})
        speaks(shown, "en", 400, "<h1>This link is incomplete</h1>")

    async def test_program(self, client: httpx2.AsyncClient) -> None:
        """Problems are English, whatever the language."""
        refused = await client.get(f"{RESET.path}?token={FORGED}", headers=GERMAN)
        problem(refused, 403, "challenge_failed")


class TestAccount:
    """The `locale` of the account that a link is about."""

    @EACH
    @pytest.mark.parametrize(
        ("chosen", "browsers", "other"),
        [("de-AT", ENGLISH, "en"), ("en", GERMAN, "de")],
        ids=["german", "english"],
    )
    async def test_comes_first(
        self,
        browser: httpx2.AsyncClient,
        mails: LinkMails,
        admin: Person,
        ada: Person,
        page: LinkPage,
        chosen: str,
        browsers: dict[str, str],
        other: str,
    ) -> None:
        """Whoever has chosen a language is spoken to in it, even after the fact; who
        was invited has had no chance to."""
        await choose(browser, ada, chosen)
        token = await mails.token(page, ada)
        browser.headers.update(browsers)
        language = other if page is PAGES["accept"] else chosen[:2]
        speaks(await browser.get(f"{page.path}?token={token}"), language)
        sent = page.sent(token)
        speaks(await browser.post(page.path, data=sent), language)
        speaks(await browser.get(f"{page.path}?token={token}"), language, 410)
        # Of what is no link of ours, no account is known.
        forged = await browser.get(f"{page.path}?token={FORGED}")
        speaks(forged, other, 403)
