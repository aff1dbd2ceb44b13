"""What the operator's settings make of the pages of links."""

import httpx2
import pytest

from app.core.config import Settings
from app.services.container import Services
from tests.conftest import MakeSettings
from tests.support.languages import GERMAN
from tests.support.links import FORGED, RESET, SIGN_IN, Form, LinkMails, is_page
from tests.support.mailbox import last_mail
from tests.support.people import API, Person

APP = "https://app.example.com/start?from=mail&x=1"
ODD_NAME = "<b>R&D</b> %(x)s 100%"


class TestAppUrl:
    """APP_URL."""

    @pytest.fixture
    def settings(self, make: MakeSettings) -> Settings:
        """There is a program to go on to."""
        return make(rate_limits=False, mail_sign_in=True, app_url=APP)

    @pytest.mark.parametrize(
        ("headers", "label"), [({}, "Go on to Cardea"), (GERMAN, "Weiter zu Cardea")]
    )
    async def test_leads_on(
        self,
        browser: httpx2.AsyncClient,
        mails: LinkMails,
        ada: Person,
        headers: dict[str, str],
        label: str,
    ) -> None:
        """It leads on from where something is done, or nothing can be; the address is
        the operator's, whatever was sent."""
        token = await mails.token(SIGN_IN, ada)
        shown = await browser.get(f"{SIGN_IN.path}?token={token}", headers=headers)
        assert Form(shown).ways == []
        for page in (
            await browser.post(SIGN_IN.path, data={"token": token}, headers=headers),
            await browser.get(f"{SIGN_IN.path}?token={token}", headers=headers),
            await browser.get(f"{SIGN_IN.path}?token={FORGED}", headers=headers),
            await browser.get(SIGN_IN.path, headers=headers),
            await browser.get("/links/nope", headers=headers),
        ):
            is_page(page, page.status_code, f">{label}</a>")
            assert Form(page).ways == [APP]
            assert page.headers["referrer-policy"] == "strict-origin"


class TestWithoutAppUrl:
    """APP_URL when it is empty."""

    async def test_leads_nowhere(
        self, browser: httpx2.AsyncClient, services: Services, ada: Person
    ) -> None:
        """There is nothing to press, rather than a link to nowhere."""
        mail = await last_mail(services, ada.email)
        done = await browser.post("/links/verify-email", data=mail.by_link)
        is_page(done, 200, "You may close this page.")
        assert Form(done).ways == []


class TestColor:
    """MAIL_COLOR."""

    @pytest.fixture
    def settings(self, make: MakeSettings) -> Settings:
        """A colour on which black is read better, and no text on paper."""
        return make(mail_color="#ffd000")

    async def test_reaches_the_pages(self, browser: httpx2.AsyncClient) -> None:
        """Buttons have it, links a shade that can be read, in each scheme."""
        shown = await browser.get(f"{RESET.path}?token={FORGED}")
        light, dark = shown.text.split("prefers-color-scheme: dark")
        for one in ("--accent: #8a7000", "--button: #ffd000", "--on-button: #000000"):
            assert one in light
        for one in ("--accent: #ffd000", "--button: #ffd000", "--on-button: #000000"):
            assert one in dark


class TestServiceName:
    """SERVICE_NAME."""

    @pytest.fixture
    def settings(self, make: MakeSettings) -> Settings:
        """A name that means something in HTML, and in texts with values."""
        return make(rate_limits=False, service_name=ODD_NAME)

    @pytest.mark.parametrize("headers", [{}, GERMAN], ids=["en", "de"])
    async def test_is_escaped(
        self,
        browser: httpx2.AsyncClient,
        services: Services,
        ada: Person,
        headers: dict[str, str],
    ) -> None:
        """Translated or not, it is text."""
        body = {"email": ada.email}
        await browser.post(f"{API}/auth/password/forgot", json=body)
        token = (await last_mail(services, ada.email)).token
        shown = await browser.get(f"{RESET.path}?token={token}", headers=headers)
        is_page(shown, 200, ODD_NAME)
        assert "<b>" not in shown.text
