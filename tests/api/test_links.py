"""The pages that links in mails lead to."""

import httpx2
import pytest

from app.core.config import Settings
from app.database import Database
from app.services.container import Services
from tests.conftest import MakeSettings
from tests.support.apps import RunningApp
from tests.support.hostile import contents
from tests.support.links import (
    FORGED,
    ME,
    PAGES,
    SIGN_IN,
    VERIFY,
    Form,
    LinkMails,
    LinkPage,
    is_page,
)
from tests.support.logs import written_log
from tests.support.mailbox import last_mail
from tests.support.people import API, PASSWORD, Person, sign_in
from tests.support.problems import problem
from tests.support.services import nothing_by_itself
from tests.support.statements import statements

HOSTILE = "\"><script>alert(1)</script><p x='{{ 7 * 7 }}&quot;"

EACH = pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)


@pytest.fixture
def settings(make: MakeSettings) -> Settings:
    """Several mails in one minute, and every kind of them."""
    return make(rate_limits=False, mail_sign_in=True, deletion_days=30)


class TestLooking:
    """What opening a link does: nothing."""

    @EACH
    @pytest.mark.parametrize("method", ["GET", "HEAD"])
    async def test_changes_nothing(
        self,
        browser: httpx2.AsyncClient,
        mails: LinkMails,
        database: Database,
        ada: Person,
        page: LinkPage,
        method: str,
    ) -> None:
        """However often it is opened, no row is another one, and the link works."""
        token = await mails.token(page, ada)
        before = await contents(database)
        for _ in range(3):
            is_page(await browser.request(method, f"{page.path}?token={token}"), 200)
        assert await contents(database) == before
        sent = page.sent(token)
        assert (await browser.post(page.path, data=sent)).status_code == 200
        assert await contents(database) != before

    @EACH
    @pytest.mark.one_process
    async def test_tells_nothing(
        self,
        browser: httpx2.AsyncClient,
        mails: LinkMails,
        services: Services,
        ada: Person,
        bob: Person,
        page: LinkPage,
    ) -> None:
        """A good, a used and a forged link show the same, and nothing is looked up."""
        good, used = [await mails.token(page, one) for one in (ada, bob)]
        done = await browser.post(page.path, data=page.sent(used))
        assert done.status_code == 200
        await nothing_by_itself(services)
        with statements() as seen:
            shown = [
                (await browser.get(f"{page.path}?token={token}")).text.replace(
                    token, ""
                )
                for token in (good, used, FORGED)
            ]
        assert len(set(shown)) == 1
        assert seen == []

    @EACH
    async def test_has_a_form(
        self, browser: httpx2.AsyncClient, page: LinkPage
    ) -> None:
        """It is sent to the page itself, with the token in its body."""
        form = Form(await browser.get(f"{page.path}?token={FORGED}"))
        assert (form.target, form.token) == (f"post {page.path}", FORGED)

    @EACH
    async def test_token_is_escaped(
        self, browser: httpx2.AsyncClient, page: LinkPage
    ) -> None:
        """Whatever stands in the link is a value in the form, and nothing else."""
        response = await browser.get(page.path, params={"token": HOSTILE})
        is_page(response, 200)
        assert Form(response).token == HOSTILE

    @EACH
    @pytest.mark.parametrize(
        "query", ["", "?token=", f"?token={'A' * 201}"], ids=["none", "empty", "long"]
    )
    async def test_incomplete(
        self, browser: httpx2.AsyncClient, page: LinkPage, query: str
    ) -> None:
        """A link that is no whole one is said to be so, without a form."""
        response = await browser.get(page.path + query)
        is_page(response, 400, "This link is incomplete")
        assert not Form(response).target

    @EACH
    async def test_is_for_its_reader_only(
        self, browser: httpx2.AsyncClient, page: LinkPage
    ) -> None:
        """No cache, search engine, other page or frame learns of it.

        Its address is never a referrer. But its origin must be known: without, its own
        form would come from `Origin: null`, as a stranger's may.
        """
        for query in (f"?token={FORGED}", ""):
            headers = (await browser.get(page.path + query)).headers
            assert headers["cache-control"] == "no-store"
            assert headers["referrer-policy"] == "strict-origin"
            assert headers["x-robots-tag"] == "noindex"
            assert headers["x-frame-options"] == "DENY"
            policy = headers["content-security-policy"].split("; ")
            assert {"default-src 'none'", "form-action 'self'"} < set(policy)
            assert not [rule for rule in policy if rule.startswith("script-src")]

    @EACH
    async def test_token_is_not_logged(
        self,
        browser: httpx2.AsyncClient,
        mails: LinkMails,
        services: Services,
        ada: Person,
        page: LinkPage,
    ) -> None:
        """Neither opening the link nor using it leaves the token in the log."""
        token = await mails.token(page, ada)
        with written_log(services.settings) as log:
            await browser.get(f"{page.path}?token={token}")
            for _ in range(2):
                await browser.post(page.path, data=page.sent(token))
        routes = [line["route"] for line in log.lines("request.answered")]
        assert routes == [page.path] * 3
        secrets = page.sent(token).values()
        assert not [one for one in secrets if one in log.text]

    async def test_is_no_call(self, running: RunningApp) -> None:
        """Pages for people are not part of the API's document."""
        paths = running.app.openapi()["paths"]
        assert not [path for path in paths if path.startswith(("/links", "/dev"))]


class TestVerifyEmail:
    """POST /links/verify-email."""

    async def test_verifies(
        self, browser: httpx2.AsyncClient, mails: LinkMails, ada: Person
    ) -> None:
        """The address of the link is proven, and the page says so."""
        token = await mails.token(VERIFY, ada)
        done = await browser.post(VERIFY.path, data=VERIFY.sent(token))
        is_page(done, 200, "Your address is confirmed")
        assert done.headers["cache-control"] == "no-store"
        me = await browser.get(ME, headers=ada.headers)
        assert me.json()["email_verified"] is True


class TestSignIn:
    """POST /links/sign-in."""

    async def test_signs_the_browser_in(
        self, browser: httpx2.AsyncClient, mails: LinkMails, ada: Person
    ) -> None:
        """The browser gets cookies, and the page says as whom."""
        token = await mails.token(SIGN_IN, ada)
        assert (await browser.get(ME)).status_code == 401
        done = await browser.post(SIGN_IN.path, data={"token": token})
        is_page(done, 200, "You are signed in", ada.email)
        assert done.headers["cache-control"] == "no-store"
        assert (await browser.get(ME)).json()["id"] == ada.id

    async def test_refused_gets_no_cookie(self, browser: httpx2.AsyncClient) -> None:
        """A link that is not ours signs nobody in."""
        refused = await browser.post(SIGN_IN.path, data={"token": FORGED})
        is_page(refused, 403, "That code or link is not right.")
        assert "set-cookie" not in refused.headers


class TestSignUpThatWaits:
    """POST /links/verify-email where addresses must be proven first."""

    @pytest.fixture
    def settings(self, make: MakeSettings) -> Settings:
        """Nobody has an account before."""
        return make(email_verification="required")

    async def test_makes_the_account(
        self, browser: httpx2.AsyncClient, services: Services
    ) -> None:
        """Opening the link makes none; the button asks for the sign-up's password, and
        makes it."""
        credentials = {"email": "ada@example.com", "password": PASSWORD}
        await browser.post(f"{API}/auth/register", json=credentials)
        token = (await last_mail(services, "ada@example.com")).token
        await browser.get(f"{VERIFY.path}?token={token}")
        refused = await browser.post(f"{API}/auth/login", json=credentials)
        problem(refused, 403, "email_not_verified")
        asked = await browser.post(VERIFY.path, data={"token": token})
        is_page(asked, 403, "enter the password that")
        form = Form(asked)
        assert form.fields["password"]["type"] == "password"
        assert "aria-invalid" not in form.fields["password"]
        wrong = {"token": form.token, "password": "some other words"}
        again = await browser.post(VERIFY.path, data=wrong)
        is_page(again, 403, "This is not the password of the sign-up.")
        assert Form(again).fields["password"]["aria-invalid"] == "true"
        assert "some other words" not in again.text
        right = {"token": form.token, "password": PASSWORD}
        is_page(await browser.post(VERIFY.path, data=right), 200)
        await sign_in(browser, Person("ada@example.com"))
