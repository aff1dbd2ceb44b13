"""The pages that links in mails lead to."""

import httpx2
import pytest

from app.api.link_pages import Visit
from app.core.config import Settings
from app.database import Database
from app.services.container import Services
from tests.conftest import MakeSettings
from tests.support.apps import RunningApp
from tests.support.clock import FakeClock
from tests.support.hostile import contents
from tests.support.links import (
    CHANGE,
    FORGED,
    ME,
    PAGES,
    RESET,
    SIGN_IN,
    SIGN_OUT,
    VERIFY,
    Form,
    LinkMails,
    LinkPage,
    is_page,
    is_refusal,
)
from tests.support.logs import written_log
from tests.support.mailbox import last_mail
from tests.support.people import API, PASSWORD, Person, register, sign_in
from tests.support.problems import problem
from tests.support.services import nothing_by_itself
from tests.support.statements import statements

HOSTILE = "\"><script>alert(1)</script><p x='{{ 7 * 7 }}&quot;"

EACH = pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)

NEWEST_ONLY = pytest.mark.parametrize(
    "page",
    [page for page in PAGES.values() if page.newest_only],
    ids=[name for name, page in PAGES.items() if page.newest_only],
)


@pytest.fixture
def settings(make: MakeSettings) -> Settings:
    """Several mails in one minute, and every kind of them."""
    return make(rate_limits=False, mail_sign_in=True, deletion_days=30)


class TestLooking:
    """What opening a link does: it looks, and changes nothing."""

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
    async def test_only_reads(
        self,
        browser: httpx2.AsyncClient,
        mails: LinkMails,
        services: Services,
        ada: Person,
        page: LinkPage,
    ) -> None:
        """It asks what the link is and whose, and does not even lock that."""
        token = await mails.token(page, ada)
        await nothing_by_itself(services)
        with statements() as seen:
            is_page(await browser.get(f"{page.path}?token={token}"), 200)
        assert {one.partition(" ")[0] for one in seen} - {"BEGIN"} == {"SELECT"}
        assert "BEGIN IMMEDIATE" not in seen
        assert not [one for one in seen if "FOR UPDATE" in one]

    @pytest.mark.parametrize(
        ("page", "other"),
        [*zip(PAGES.values(), [*PAGES.values()][1:] + [VERIFY])],
        ids=PAGES,
    )
    @pytest.mark.one_process
    async def test_forged(
        self,
        browser: httpx2.AsyncClient,
        mails: LinkMails,
        services: Services,
        ada: Person,
        page: LinkPage,
        other: LinkPage,
    ) -> None:
        """What is no link of ours to this page costs the database nothing."""
        of_another = await mails.token(other, ada)
        await nothing_by_itself(services)
        with statements() as seen:
            for token in (FORGED, HOSTILE, of_another):
                refused = await browser.get(page.path, params={"token": token})
                is_refusal(refused, 403, "challenge_failed", page)
                assert token not in refused.text and "<script" not in refused.text
        assert seen == []

    @EACH
    @pytest.mark.parametrize("method", ["GET", "HEAD"])
    @pytest.mark.parametrize("code", ["challenge_used", "challenge_expired"])
    async def test_ended(
        self,
        browser: httpx2.AsyncClient,
        mails: LinkMails,
        clock: FakeClock,
        ada: Person,
        page: LinkPage,
        method: str,
        code: str,
    ) -> None:
        """Whoever opens a link that is over is told at once, not after a password."""
        token = await mails.token(page, ada)
        if code == "challenge_used":
            await browser.post(page.path, data=page.sent(token))
        else:
            clock.tick(seconds=page.life.total_seconds())
        refused = await browser.request(method, f"{page.path}?token={token}")
        if method == "GET":
            is_refusal(refused, 410, code, page)
            assert token not in refused.text and ada.email not in refused.text
        assert refused.status_code == 410

    @NEWEST_ONLY
    async def test_replaced(
        self,
        browser: httpx2.AsyncClient,
        mails: LinkMails,
        ada: Person,
        page: LinkPage,
    ) -> None:
        """So is who opens one in whose place a newer mail has come."""
        old, new = [await mails.token(page, ada) for _ in range(2)]
        refused = await browser.get(f"{page.path}?token={old}")
        is_refusal(refused, 410, "challenge_cancelled", page)
        is_page(await browser.get(f"{page.path}?token={new}"), 200)

    @EACH
    async def test_program(
        self,
        client: httpx2.AsyncClient,
        mails: LinkMails,
        clock: FakeClock,
        ada: Person,
        page: LinkPage,
    ) -> None:
        """Who asks for no page gets the form, or problems."""
        token = await mails.token(page, ada)
        is_page(await client.get(f"{page.path}?token={token}"), 200)
        problem(
            await client.get(f"{page.path}?token={FORGED}"), 403, "challenge_failed"
        )
        clock.tick(seconds=page.life.total_seconds())
        problem(
            await client.get(f"{page.path}?token={token}"), 410, "challenge_expired"
        )

    async def test_account_is_gone(
        self,
        browser: httpx2.AsyncClient,
        mails: LinkMails,
        services: Services,
        admin: Person,
        ada: Person,
    ) -> None:
        """A link whose mail went with its account is no link any more."""
        token = await mails.token(SIGN_OUT, ada)
        path = f"{API}/users/{ada.id}"
        await browser.delete(path, headers=admin.headers)
        refused = await browser.get(f"{SIGN_OUT.path}?token={token}")
        is_refusal(refused, 403, "challenge_failed", SIGN_OUT)

    @EACH
    async def test_has_a_form(
        self,
        browser: httpx2.AsyncClient,
        mails: LinkMails,
        ada: Person,
        page: LinkPage,
    ) -> None:
        """It is sent to the page itself, with the token in its body."""
        token = await mails.token(page, ada)
        form = Form(await browser.get(f"{page.path}?token={token}"))
        assert (form.target, form.token) == (f"post {page.path}", token)

    @EACH
    async def test_says_whose(
        self,
        browser: httpx2.AsyncClient,
        mails: LinkMails,
        ada: Person,
        page: LinkPage,
    ) -> None:
        """It names the address of its mail; password managers file by that."""
        token = await mails.token(page, ada)
        address = page.address(ada)
        shown = await browser.get(f"{page.path}?token={token}")
        is_page(shown, 200, f">For {address}<")
        form = Form(shown)
        takes_password = {"password", "new_password"} & form.fields.keys()
        username = form.fields.get("username", {})
        assert bool(username) == bool(takes_password) == bool(page.fields)
        if username:
            assert username["value"] == address
            assert {"readonly", "hidden"} < username.keys() and "name" not in username

    async def test_address_is_escaped(
        self, browser: httpx2.AsyncClient, mails: LinkMails
    ) -> None:
        """An address may have signs that mean something in HTML."""
        odd = await register(browser, "o'neill&lt@example.com")
        token = await mails.token(RESET, odd)
        shown = await browser.get(f"{RESET.path}?token={token}")
        is_page(shown, 200, f"For {odd.email}")
        assert Form(shown).fields["username"]["value"] == odd.email

    async def test_address_as_its_owner_writes_it(
        self, browser: httpx2.AsyncClient, services: Services, ada: Person
    ) -> None:
        """However it was spelt by who asked for the mail, as in the mail itself."""
        shouted = "ADA@example.com"
        await browser.post(f"{API}/auth/password/forgot", json={"email": shouted})
        token = (await last_mail(services, shouted)).token
        shown = await browser.get(f"{RESET.path}?token={token}")
        is_page(shown, 200, "For ada@example.com")

    async def test_new_address_tells_no_other(
        self, browser: httpx2.AsyncClient, mails: LinkMails, ada: Person
    ) -> None:
        """Whoever gets the mail to a new address, perhaps by mistake, does not learn
        the account's own."""
        token = await mails.token(CHANGE, ada)
        shown = await browser.get(f"{CHANGE.path}?token={token}")
        assert f"For {ada.email}" not in shown.text
        assert f'"{ada.email}"' not in shown.text

    @EACH
    async def test_token_is_escaped(self, settings: Settings, page: LinkPage) -> None:
        """Whatever stood in a link would be a value in its form, and nothing else."""
        shown = Visit(settings, page.path, languages="", token=HOSTILE).form()
        text = bytes(shown.body).decode()
        assert Form(text).token == HOSTILE and "<script" not in text

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
        self,
        browser: httpx2.AsyncClient,
        mails: LinkMails,
        ada: Person,
        page: LinkPage,
    ) -> None:
        """No cache, search engine, other page or frame learns of it.

        Its address is never a referrer. But its origin must be known: without, its own
        form would come from `Origin: null`, as a stranger's may.
        """
        token = await mails.token(page, ada)
        for query in (f"?token={token}", f"?token={FORGED}", ""):
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
        is_refusal(refused, 403, "challenge_failed", SIGN_IN)
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
        """Opening the link makes none, and asks for the sign-up's password at once;
        with that, the button makes it."""
        credentials = {"email": "ada@example.com", "password": PASSWORD}
        await browser.post(f"{API}/auth/register", json=credentials)
        token = (await last_mail(services, "ada@example.com")).token
        opened = await browser.get(f"{VERIFY.path}?token={token}")
        refused = await browser.post(f"{API}/auth/login", json=credentials)
        problem(refused, 403, "email_not_verified")
        pressed = await browser.post(VERIFY.path, data={"token": token})
        for asked, status in ((opened, 200), (pressed, 403)):
            is_page(asked, status, "enter the password that")
            form = Form(asked)
            assert form.fields["password"]["type"] == "password"
            assert "aria-invalid" not in form.fields["password"]
            assert "somebody else" not in asked.text and "Error" not in asked.text
        wrong = {"token": form.token, "password": "some other words"}
        again = await browser.post(VERIFY.path, data=wrong)
        hint = "somebody else may have signed up with your address"
        is_page(again, 403, "This is not the password of the sign-up.", hint)
        assert Form(again).fields["password"]["aria-invalid"] == "true"
        assert "some other words" not in again.text
        right = {"token": form.token, "password": PASSWORD}
        is_page(await browser.post(VERIFY.path, data=right), 200)
        await sign_in(browser, Person("ada@example.com"))
