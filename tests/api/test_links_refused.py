"""The pages that links in mails lead to, when it does not work."""

import httpx2
import pytest

from app.core.config import Settings
from app.core.exceptions import all_errors
from app.database import Database
from app.services.container import Services
from tests.api.test_links import (
    BROWSER,
    EACH,
    FORGED,
    NEW,
    RESET,
    VERIFY,
    Form,
    is_page,
    token_for,
)
from tests.conftest import MakeSettings
from tests.middleware.test_cross_site import FOREIGN, FRIEND, OURS
from tests.support.apps import RunningApp
from tests.support.clock import FakeClock
from tests.support.hostile import contents
from tests.support.people import Person
from tests.support.problems import problem
from tests.support.services import full_queue, lose_database


@pytest.fixture
def settings(make: MakeSettings) -> Settings:
    """Several mails in one minute."""
    return make(rate_limits=False, mail_sign_in=True)


@pytest.fixture
async def browser(client: httpx2.AsyncClient) -> httpx2.AsyncClient:
    """A client that asks for pages, as browsers do."""
    client.headers.update(BROWSER)
    return client


def refused_with(response: httpx2.Response, status: int, code: str) -> None:
    """Refuse an answer that is not the page of this error."""
    [error] = [error for error in all_errors() if error.code == code]
    is_page(response, status, error.title, error.remedy, f'href="/errors/{code}"')
    assert not Form(response).target


class TestRefusals:
    """What people see when it did not work."""

    @EACH
    @pytest.mark.parametrize(
        ("status", "code"),
        [
            (403, "challenge_failed"),
            (410, "challenge_used"),
            (410, "challenge_cancelled"),
            (410, "challenge_expired"),
        ],
    )
    async def test_link(
        self,
        browser: httpx2.AsyncClient,
        services: Services,
        clock: FakeClock,
        ada: Person,
        path: str,
        status: int,
        code: str,
    ) -> None:
        """A link that can't be used is answered with its error's words and status."""
        token = await token_for(services, path, browser)
        sent = {"token": token, "new_password": NEW}
        if code == "challenge_failed":
            sent["token"] = FORGED
        if code == "challenge_used":
            await browser.post(path, data=sent)
        if code == "challenge_cancelled":
            await token_for(services, path, browser)
        if code == "challenge_expired":
            clock.tick(minutes=15)
        refused_with(await browser.post(path, data=sent), status, code)

    @pytest.mark.parametrize(("path", "other"), [(VERIFY, RESET), (RESET, VERIFY)])
    async def test_link_of_the_other(
        self,
        browser: httpx2.AsyncClient,
        services: Services,
        ada: Person,
        path: str,
        other: str,
    ) -> None:
        """A link is good for nothing but what it was sent for."""
        sent = {"token": await token_for(services, other, browser), "new_password": NEW}
        refused_with(await browser.post(path, data=sent), 403, "challenge_failed")

    @EACH
    async def test_no_token(self, browser: httpx2.AsyncClient, path: str) -> None:
        """A form without a token is one with a wrong token."""
        sent = {"new_password": NEW}
        refused_with(await browser.post(path, data=sent), 403, "challenge_failed")

    @EACH
    async def test_no_form(self, browser: httpx2.AsyncClient, path: str) -> None:
        """Another kind of body is refused, as pages of others can send that too."""
        sent = {"token": FORGED, "new_password": NEW}
        refused = await browser.post(path, json=sent)
        refused_with(refused, 415, "unsupported_media_type")

    @EACH
    async def test_too_many_fields(
        self, browser: httpx2.AsyncClient, path: str
    ) -> None:
        """Thousands of fields are an error of the sender's, not a burden."""
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        refused = await browser.post(path, content="a=1&" * 16_000, headers=form)
        refused_with(refused, 422, "validation_failed")

    @EACH
    async def test_database_is_away(
        self,
        running: RunningApp,
        browser: httpx2.AsyncClient,
        ada: Person,
        path: str,
    ) -> None:
        """The form comes again with its token, and says when to try again."""
        token = await token_for(running.services, path, browser)
        lose_database(running)
        is_page(await browser.get(f"{path}?token={token}"), 200)
        again = await browser.post(path, data={"token": token, "new_password": NEW})
        is_page(again, 503, "The database can't be reached.", "Try again in a second.")
        assert again.headers["retry-after"] == "1"
        assert Form(again).token == token

    async def test_busy(
        self, running: RunningApp, browser: httpx2.AsyncClient, ada: Person
    ) -> None:
        """When too many set passwords, the link is not used up and works later."""
        token = await token_for(running.services, RESET, browser)
        sent = {"token": token, "new_password": NEW}
        async with full_queue(running):
            again = await browser.post(RESET, data=sent)
        is_page(again, 503, "The service is busy.", "Try again in ")
        assert "retry-after" in again.headers
        form = Form(again)
        assert form.token == token
        assert "aria-invalid" not in form.fields["new_password"]

    @EACH
    async def test_program(
        self, running: RunningApp, client: httpx2.AsyncClient, ada: Person, path: str
    ) -> None:
        """Who asks for no page gets problems, whatever is wrong."""
        good = await token_for(running.services, path, client)
        for status, code, token in (
            (403, "challenge_failed", FORGED),
            (503, "database_unavailable", good),
        ):
            sent = {"token": token, "new_password": NEW}
            problem(await client.post(path, data=sent), status, code)
            lose_database(running)

    async def test_program_with_a_bad_password(
        self, client: httpx2.AsyncClient, services: Services, ada: Person
    ) -> None:
        """It gets the code of the rule that the password breaks."""
        token = await token_for(services, RESET, client)
        for password, code in (
            ("short", "password_too_short"),
            (f"{NEW}\x00", "validation_failed"),
        ):
            sent = {"token": token, "new_password": password}
            problem(await client.post(RESET, data=sent), 422, code)


class TestForeignPages:
    """Forms that pages of other sites have a browser send."""

    @pytest.fixture
    def settings(self, make: MakeSettings) -> Settings:
        """One other origin is a friend."""
        return make(rate_limits=False, mail_sign_in=True, cors_origins=(FRIEND,))

    @EACH
    @pytest.mark.parametrize("headers", FOREIGN.values(), ids=FOREIGN)
    async def test_do_nothing(
        self,
        browser: httpx2.AsyncClient,
        services: Services,
        database: Database,
        ada: Person,
        path: str,
        headers: dict[str, str],
    ) -> None:
        """They are refused even with the right token, and without any cookie."""
        sent = {"token": await token_for(services, path, browser), "new_password": NEW}
        before = await contents(database)
        refused = await browser.post(path, data=sent, headers=headers)
        refused_with(refused, 403, "cross_site_request")
        program = {**headers, "Accept": "*/*"}
        refused = await browser.post(path, data=sent, headers=program)
        problem(refused, 403, "cross_site_request")
        assert await contents(database) == before

    @EACH
    @pytest.mark.parametrize("headers", OURS.values(), ids=OURS)
    async def test_ours_do_something(
        self,
        browser: httpx2.AsyncClient,
        services: Services,
        ada: Person,
        path: str,
        headers: dict[str, str],
    ) -> None:
        """Our own pages may send it, with whichever headers the browser knows."""
        sent = {"token": await token_for(services, path, browser), "new_password": NEW}
        done = await browser.post(path, data=sent, headers=headers)
        assert done.status_code == 200

    @pytest.mark.parametrize("headers", FOREIGN.values(), ids=FOREIGN)
    async def test_may_link_to_it(
        self, browser: httpx2.AsyncClient, headers: dict[str, str]
    ) -> None:
        """A mail that is read in a browser is such a page too."""
        seen = await browser.get(f"{VERIFY}?token={FORGED}", headers=headers)
        is_page(seen, 200)
