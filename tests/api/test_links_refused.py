"""The pages that links in mails lead to, when it does not work."""

import httpx2
import pytest

from app.core.config import Settings
from app.database import Database
from tests.api.test_links import EACH, NEWEST_ONLY
from tests.conftest import MakeSettings
from tests.middleware.test_cross_site import FOREIGN, FRIEND, OURS
from tests.support.apps import RunningApp
from tests.support.clock import FakeClock
from tests.support.hostile import contents
from tests.support.links import (
    ACCEPT,
    CHANGE,
    FORGED,
    NEW,
    PAGES,
    RESET,
    VERIFY,
    Form,
    LinkMails,
    LinkPage,
    is_page,
    is_refusal,
)
from tests.support.people import Person
from tests.support.problems import problem
from tests.support.services import full_queue, lose_database


@pytest.fixture
def settings(make: MakeSettings) -> Settings:
    """Several mails in one minute, and every kind of them."""
    return make(rate_limits=False, mail_sign_in=True, deletion_days=30)


class TestRefusals:
    """What people see when it did not work."""

    @EACH
    @pytest.mark.parametrize(
        ("status", "code"),
        [
            (403, "challenge_failed"),
            (410, "challenge_used"),
            (410, "challenge_expired"),
        ],
    )
    async def test_link(
        self,
        browser: httpx2.AsyncClient,
        mails: LinkMails,
        clock: FakeClock,
        ada: Person,
        page: LinkPage,
        status: int,
        code: str,
    ) -> None:
        """A link that can't be used is answered with its error's words and status."""
        token = await mails.token(page, ada)
        sent = page.sent(token)
        if code == "challenge_failed":
            sent["token"] = FORGED
        if code == "challenge_used":
            await browser.post(page.path, data=sent)
        if code == "challenge_expired":
            clock.tick(seconds=page.life.total_seconds())
        is_refusal(await browser.post(page.path, data=sent), status, code, page)

    @NEWEST_ONLY
    async def test_cancelled(
        self,
        browser: httpx2.AsyncClient,
        mails: LinkMails,
        ada: Person,
        page: LinkPage,
    ) -> None:
        """So is one in whose place a newer mail has come; that one's works."""
        old, new = [page.sent(await mails.token(page, ada)) for _ in range(2)]
        refused = await browser.post(page.path, data=old)
        is_refusal(refused, 410, "challenge_cancelled", page)
        is_page(await browser.post(page.path, data=new), 200)

    @pytest.mark.parametrize(
        ("page", "other"),
        [*zip(PAGES.values(), [*PAGES.values()][1:] + [VERIFY])],
        ids=PAGES,
    )
    async def test_link_of_the_other(
        self,
        browser: httpx2.AsyncClient,
        mails: LinkMails,
        ada: Person,
        page: LinkPage,
        other: LinkPage,
    ) -> None:
        """A link is good for nothing but what it was sent for."""
        sent = page.sent(await mails.token(other, ada))
        refused = await browser.post(page.path, data=sent)
        is_refusal(refused, 403, "challenge_failed", page)

    @EACH
    async def test_no_token(self, browser: httpx2.AsyncClient, page: LinkPage) -> None:
        """A form without a token is one with a wrong token."""
        sent = page.sent("")
        refused = await browser.post(page.path, data=sent)
        is_refusal(refused, 403, "challenge_failed", page)

    @EACH
    async def test_no_form(self, browser: httpx2.AsyncClient, page: LinkPage) -> None:
        """Another kind of body is refused, as pages of others can send that too."""
        sent = page.sent(FORGED)
        refused = await browser.post(page.path, json=sent)
        is_refusal(refused, 415, "unsupported_media_type", page)

    @EACH
    async def test_too_many_fields(
        self, browser: httpx2.AsyncClient, page: LinkPage
    ) -> None:
        """Thousands of fields are an error of the sender's, not a burden."""
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        refused = await browser.post(page.path, content="a=1&" * 16_000, headers=form)
        is_refusal(refused, 422, "validation_failed", page)

    @EACH
    async def test_database_is_away(
        self,
        running: RunningApp,
        browser: httpx2.AsyncClient,
        mails: LinkMails,
        ada: Person,
        page: LinkPage,
    ) -> None:
        """The form comes again with its token, and says when to try again."""
        token = await mails.token(page, ada)
        lose_database(running)
        for again in (
            await browser.get(f"{page.path}?token={token}"),
            await browser.post(page.path, data=page.sent(token)),
        ):
            told = "The service can't do this at the moment"
            is_page(again, 503, told, "Try again in a second.")
            assert again.headers["retry-after"] == "1"
            assert Form(again).token == token

    @pytest.mark.parametrize(
        "page", [RESET, ACCEPT, CHANGE], ids=["reset", "accept", "change"]
    )
    async def test_busy(
        self,
        running: RunningApp,
        browser: httpx2.AsyncClient,
        mails: LinkMails,
        ada: Person,
        page: LinkPage,
    ) -> None:
        """When too many passwords are hashed, the link is not used up, works later."""
        token = await mails.token(page, ada)
        sent = page.sent(token)
        async with full_queue(running):
            again = await browser.post(page.path, data=sent)
        is_page(again, 503, "The service is busy", "Try again in ")
        assert "retry-after" in again.headers
        form = Form(again)
        assert form.token == token
        [password] = page.fields
        assert "aria-invalid" not in form.fields[password]
        is_page(await browser.post(page.path, data=sent), 200)

    @EACH
    async def test_program(
        self,
        running: RunningApp,
        client: httpx2.AsyncClient,
        mails: LinkMails,
        ada: Person,
        page: LinkPage,
    ) -> None:
        """Who asks for no page gets problems, whatever is wrong."""
        good = await mails.token(page, ada)
        for status, code, token in (
            (403, "challenge_failed", FORGED),
            (503, "database_unavailable", good),
        ):
            sent = page.sent(token)
            problem(await client.post(page.path, data=sent), status, code)
            lose_database(running)

    async def test_program_with_a_bad_password(
        self, client: httpx2.AsyncClient, mails: LinkMails, ada: Person
    ) -> None:
        """It gets the code of the rule that the password breaks."""
        token = await mails.token(RESET, ada)
        for password, code in (
            ("short", "password_too_short"),
            (f"{NEW}\x00", "validation_failed"),
        ):
            sent = {"token": token, "new_password": password}
            problem(await client.post(RESET.path, data=sent), 422, code)


class TestNoSuchLink:
    """GET /links/nope."""

    PATHS = ("/links/nope", "/links/", "/links/verify-email/", "/links/a/b?token=x")

    @pytest.mark.parametrize("path", PATHS)
    async def test_page(self, browser: httpx2.AsyncClient, path: str) -> None:
        """People get a page, which looks like those that there are."""
        refused = await browser.get(path)
        is_refusal(refused, 404, "not_found")
        assert refused.headers["cache-control"] == "no-store"
        assert (await browser.head(path)).status_code == 404

    @pytest.mark.parametrize("path", PATHS)
    async def test_program(self, client: httpx2.AsyncClient, path: str) -> None:
        """Programs get the problem that they get everywhere."""
        problem(await client.get(path), 404, "not_found")

    async def test_other_methods(self, browser: httpx2.AsyncClient) -> None:
        """A page that there is goes on saying what it takes."""
        for path, allowed in (("verify-email", "GET, HEAD, POST"), ("a", "GET, HEAD")):
            refused = await browser.delete(f"/links/{path}")
            problem(refused, 405, "method_not_allowed")
            assert refused.headers["allow"] == allowed


class TestForeignPages:
    """Forms that pages of other sites have a browser send."""

    @pytest.fixture
    def settings(self, make: MakeSettings) -> Settings:
        """One other origin is a friend."""
        return make(
            rate_limits=False,
            mail_sign_in=True,
            deletion_days=30,
            cors_origins=(FRIEND,),
        )

    @EACH
    async def test_do_nothing(
        self,
        browser: httpx2.AsyncClient,
        mails: LinkMails,
        database: Database,
        ada: Person,
        page: LinkPage,
    ) -> None:
        """They are refused even with the right token, and without any cookie."""
        sent = page.sent(await mails.token(page, ada))
        before = await contents(database)
        for headers in FOREIGN.values():
            refused = await browser.post(page.path, data=sent, headers=headers)
            is_refusal(refused, 403, "cross_site_request", page)
            program = {**headers, "Accept": "*/*"}
            refused = await browser.post(page.path, data=sent, headers=program)
            problem(refused, 403, "cross_site_request")
        assert await contents(database) == before

    @EACH
    @pytest.mark.parametrize("headers", OURS.values(), ids=OURS)
    async def test_ours_do_something(
        self,
        browser: httpx2.AsyncClient,
        mails: LinkMails,
        ada: Person,
        page: LinkPage,
        headers: dict[str, str],
    ) -> None:
        """Our own pages may send it, with whichever headers the browser knows."""
        sent = page.sent(await mails.token(page, ada))
        done = await browser.post(page.path, data=sent, headers=headers)
        assert done.status_code == 200

    @pytest.mark.parametrize("headers", FOREIGN.values(), ids=FOREIGN)
    async def test_may_link_to_it(
        self,
        browser: httpx2.AsyncClient,
        mails: LinkMails,
        ada: Person,
        headers: dict[str, str],
    ) -> None:
        """A mail that is read in a browser is such a page too."""
        token = await mails.token(VERIFY, ada)
        seen = await browser.get(f"{VERIFY.path}?token={token}", headers=headers)
        is_page(seen, 200)
