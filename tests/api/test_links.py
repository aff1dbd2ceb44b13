"""The pages that links in mails lead to."""

import re
from collections.abc import AsyncIterator
from html import unescape
from html.parser import HTMLParser

import httpx2
import pytest

from app.core.config import Settings
from app.database import Database
from app.services.container import Services
from tests.conftest import MakeSettings
from tests.support.apps import RunningApp
from tests.support.hostile import contents
from tests.support.logs import written_log
from tests.support.mailbox import last_mail
from tests.support.people import API, PASSWORD, Person, sign_in
from tests.support.problems import problem, reason
from tests.support.servers.range_api import RangeApi
from tests.support.services import nothing_by_itself
from tests.support.statements import statements

VERIFY, RESET = "/links/verify-email", "/links/reset-password"
SIGN_IN = "/links/sign-in"
NEW = "nine quiet herons"
BREACHED = "letters from the breach"
FORGED = "cardea_link_" + "A" * 64
HOSTILE = "\"><script>alert(1)</script><p x='{{ 7 * 7 }}&quot;"
BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
ME = f"{API}/users/me"

EACH = pytest.mark.parametrize(
    "path", [VERIFY, RESET, SIGN_IN], ids=["verify", "reset", "sign in"]
)


class Form(HTMLParser):
    """The fields of a page's form, by their names, and where it is sent."""

    def __init__(self, response: httpx2.Response) -> None:
        super().__init__()
        self.target = ""
        self.fields: dict[str | None, dict[str, str | None]] = {}
        self.texts: dict[str | None, str] = {}
        self._open: str | None = None
        self.feed(response.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what belongs to a form, and which text has an id."""
        attributes = dict(attrs)
        self._open = attributes.get("id", self._open)
        if tag == "form":
            self.target = f"{attributes['method']} {attributes['action']}"
        if tag == "input":
            self.fields[attributes["name"]] = attributes

    def handle_data(self, data: str) -> None:
        """Note a text by the last id."""
        self.texts[self._open] = self.texts.get(self._open, "") + data

    @property
    def token(self) -> str | None:
        """The token that would be sent."""
        return self.fields["token"]["value"]


@pytest.fixture
def settings(make: MakeSettings) -> Settings:
    """Several mails in one minute, and sign-in by mail."""
    return make(rate_limits=False, mail_sign_in=True)


@pytest.fixture
async def browser(client: httpx2.AsyncClient) -> httpx2.AsyncClient:
    """A client that asks for pages, as browsers do."""
    client.headers.update(BROWSER)
    return client


async def token_for(services: Services, path: str, client: httpx2.AsyncClient) -> str:
    """Return the token of a new mail to Ada whose link leads to this page."""
    ask = {
        VERIFY: f"{API}/auth/email/resend",
        RESET: f"{API}/auth/password/forgot",
        SIGN_IN: f"{API}/auth/magic",
    }
    await client.post(ask[path], json={"email": "ada@example.com"})
    mail = await last_mail(services, "ada@example.com")
    assert f"http://localhost:8000{path}?token={mail.token}" in mail.text
    return mail.token


def is_page(response: httpx2.Response, status: int, *said: str) -> None:
    """Refuse an answer that is no page of ours, or says something else."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    text = re.sub("</?code>", "`", unescape(response.text))
    assert [one for one in said if one not in text] == []
    assert "<script" not in response.text


class TestLooking:
    """What opening a link does: nothing."""

    @EACH
    @pytest.mark.parametrize("method", ["GET", "HEAD"])
    async def test_changes_nothing(
        self,
        browser: httpx2.AsyncClient,
        services: Services,
        database: Database,
        ada: Person,
        path: str,
        method: str,
    ) -> None:
        """However often it is opened, no row is another one, and the link works."""
        token = await token_for(services, path, browser)
        before = await contents(database)
        for _ in range(3):
            is_page(await browser.request(method, f"{path}?token={token}"), 200)
        assert await contents(database) == before
        sent = {"token": token, "new_password": NEW}
        assert (await browser.post(path, data=sent)).status_code == 200

    @EACH
    @pytest.mark.one_process
    async def test_tells_nothing(
        self, browser: httpx2.AsyncClient, services: Services, ada: Person, path: str
    ) -> None:
        """A good, a used and a forged link show the same, and nothing is looked up."""
        good = await token_for(services, path, browser)
        used = await token_for(services, path, browser)
        await browser.post(path, data={"token": used, "new_password": NEW})
        await nothing_by_itself(services)
        with statements() as seen:
            shown = [
                (await browser.get(f"{path}?token={token}")).text.replace(token, "")
                for token in (good, used, FORGED)
            ]
        assert len(set(shown)) == 1
        assert seen == []

    @EACH
    async def test_has_a_form(self, browser: httpx2.AsyncClient, path: str) -> None:
        """It is sent to the page itself, with the token in its body."""
        form = Form(await browser.get(f"{path}?token={FORGED}"))
        assert (form.target, form.token) == (f"post {path}", FORGED)

    @EACH
    async def test_token_is_escaped(
        self, browser: httpx2.AsyncClient, path: str
    ) -> None:
        """Whatever stands in the link is a value in the form, and nothing else."""
        response = await browser.get(path, params={"token": HOSTILE})
        is_page(response, 200)
        assert Form(response).token == HOSTILE

    @EACH
    @pytest.mark.parametrize(
        "query", ["", "?token=", f"?token={'A' * 201}"], ids=["none", "empty", "long"]
    )
    async def test_incomplete(
        self, browser: httpx2.AsyncClient, path: str, query: str
    ) -> None:
        """A link that is no whole one is said to be so, without a form."""
        response = await browser.get(path + query)
        is_page(response, 400, "This link is incomplete")
        assert not Form(response).target

    @EACH
    async def test_is_for_its_reader_only(
        self, browser: httpx2.AsyncClient, path: str
    ) -> None:
        """No cache, search engine, other page or frame learns of it.

        Its address is never a referrer. But its origin must be known: without, its own
        form would come from `Origin: null`, as a stranger's may.
        """
        for query in (f"?token={FORGED}", ""):
            headers = (await browser.get(path + query)).headers
            assert headers["cache-control"] == "no-store"
            assert headers["referrer-policy"] == "strict-origin"
            assert headers["x-robots-tag"] == "noindex"
            assert headers["x-frame-options"] == "DENY"
            policy = headers["content-security-policy"].split("; ")
            assert {"default-src 'none'", "form-action 'self'"} < set(policy)
            assert not [rule for rule in policy if rule.startswith("script-src")]

    @EACH
    async def test_token_is_not_logged(
        self, browser: httpx2.AsyncClient, services: Services, ada: Person, path: str
    ) -> None:
        """Neither opening the link nor using it leaves the token in the log."""
        token = await token_for(services, path, browser)
        with written_log(services.settings) as log:
            await browser.get(f"{path}?token={token}")
            await browser.post(path, data={"token": token, "new_password": NEW})
            await browser.post(path, data={"token": token, "new_password": NEW})
        routes = [line["route"] for line in log.lines("request.answered")]
        assert routes == [path] * 3
        assert token not in log.text and NEW not in log.text

    async def test_is_no_call(self, running: RunningApp) -> None:
        """Pages for people are not part of the API's document."""
        paths = running.app.openapi()["paths"]
        assert not [path for path in paths if path.startswith(("/links", "/dev"))]


class TestVerifyEmail:
    """POST /links/verify-email."""

    async def test_verifies(
        self, browser: httpx2.AsyncClient, services: Services, ada: Person
    ) -> None:
        """The address of the link is proven, and the page says so."""
        token = await token_for(services, VERIFY, browser)
        done = await browser.post(VERIFY, data={"token": token})
        is_page(done, 200, "Your address is confirmed")
        assert done.headers["cache-control"] == "no-store"
        me = await browser.get(ME, headers=ada.headers)
        assert me.json()["email_verified"] is True


class TestSignIn:
    """POST /links/sign-in."""

    async def test_signs_the_browser_in(
        self, browser: httpx2.AsyncClient, services: Services, ada: Person
    ) -> None:
        """The browser gets cookies, and the page says as whom."""
        token = await token_for(services, SIGN_IN, browser)
        assert (await browser.get(ME)).status_code == 401
        done = await browser.post(SIGN_IN, data={"token": token})
        is_page(done, 200, "You are signed in", ada.email)
        assert done.headers["cache-control"] == "no-store"
        assert (await browser.get(ME)).json()["id"] == ada.id

    async def test_refused_gets_no_cookie(self, browser: httpx2.AsyncClient) -> None:
        """A link that is not ours signs nobody in."""
        refused = await browser.post(SIGN_IN, data={"token": FORGED})
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
        await browser.get(f"{VERIFY}?token={token}")
        refused = await browser.post(f"{API}/auth/login", json=credentials)
        problem(refused, 403, "email_not_verified")
        asked = await browser.post(VERIFY, data={"token": token})
        is_page(asked, 403, "enter the password that")
        form = Form(asked)
        assert form.fields["password"]["type"] == "password"
        assert "aria-invalid" not in form.fields["password"]
        wrong = {"token": form.token, "password": "some other words"}
        again = await browser.post(VERIFY, data=wrong)
        is_page(again, 403, "This is not the password of the sign-up.")
        assert Form(again).fields["password"]["aria-invalid"] == "true"
        assert "some other words" not in again.text
        right = {"token": form.token, "password": PASSWORD}
        is_page(await browser.post(VERIFY, data=right), 200)
        await sign_in(browser, Person("ada@example.com"))


class TestResetPassword:
    """POST /links/reset-password."""

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
        self, browser: httpx2.AsyncClient, services: Services, ada: Person
    ) -> None:
        """It signs in from now on, and whoever was signed in is not any more."""
        token = await token_for(services, RESET, browser)
        done = await browser.post(RESET, data={"token": token, "new_password": NEW})
        is_page(done, 200, "Your new password is set", "Every device", "signed out")
        assert NEW not in done.text and token not in done.text
        ended = await browser.get(ME, headers=ada.headers)
        assert reason(ended) == "password_reset"
        await sign_in(browser, Person(ada.email, NEW))

    async def test_field(self, browser: httpx2.AsyncClient) -> None:
        """Browsers offer a good password for it, and cut none: the service refuses."""
        form = Form(await browser.get(f"{RESET}?token={FORGED}"))
        field = form.fields["new_password"]
        assert field["type"] == "password"
        assert field["autocomplete"] == "new-password"
        assert field["minlength"] == "12"
        assert "maxlength" not in field and "aria-invalid" not in field
        assert form.texts[field["aria-describedby"]].startswith("At least 12 ")

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
                "The password contains your e-mail name or the service's",
            ),
        ],
        ids=["none", "short", "long", "common", "breached", "personal"],
    )
    async def test_refused_password(
        self,
        browser: httpx2.AsyncClient,
        services: Services,
        ada: Person,
        password: str,
        title: str,
    ) -> None:
        """The form comes again, says why beside the field, and works with another."""
        token = await token_for(services, RESET, browser)
        sent = {"token": token, "new_password": password}
        again = await browser.post(RESET, data=sent)
        is_page(again, 422, "<title>Error: Choose a new password", title)
        form = Form(again)
        field = form.fields["new_password"]
        assert field["aria-invalid"] == "true"
        described = str(field["aria-describedby"]).split()
        assert title in "".join(form.texts[name] for name in described)
        assert "value" not in field and not (password and password in again.text)
        other = {"token": form.token, "new_password": NEW}
        assert (await browser.post(RESET, data=other)).status_code == 200
        await sign_in(browser, Person(ada.email, NEW))

    async def test_cannot_be_typed(
        self, browser: httpx2.AsyncClient, services: Services, ada: Person
    ) -> None:
        """A password that could not be sent to sign in is not set either."""
        token = await token_for(services, RESET, browser)
        sent = {"token": token, "new_password": f"{NEW}\x00"}
        is_page(await browser.post(RESET, data=sent), 422, "validation_failed")
        await sign_in(browser, ada)
