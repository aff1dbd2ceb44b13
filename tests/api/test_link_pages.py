"""What the button of each page does that a link of a mail leads to."""

import httpx2
import pytest

from app.core.config import Settings
from app.services.container import Services
from tests.conftest import MakeSettings
from tests.support.links import (
    ACCEPT,
    CHANGE,
    KEEP,
    ME,
    NEW,
    SIGN_OUT,
    UNDO_CHANGE,
    VERIFY,
    Form,
    LinkMails,
    guest_of,
    is_page,
    is_refusal,
    moved,
)
from tests.support.mailbox import last_mail
from tests.support.people import API, PASSWORD, Person, sign_in
from tests.support.problems import problem, reason

LOGIN = f"{API}/auth/login"
REFRESH = f"{API}/auth/refresh"


@pytest.fixture
def settings(make: MakeSettings) -> Settings:
    """Several mails in one minute, and a time to undo deletions."""
    return make(rate_limits=False, deletion_days=30)


class TestChangeEmail:
    """POST /links/change-email."""

    async def test_changes_the_address(
        self, browser: httpx2.AsyncClient, mails: LinkMails, ada: Person
    ) -> None:
        """The new address signs in, with the password as ever."""
        token = await mails.token(CHANGE, ada)
        done = await browser.post(CHANGE.path, data=CHANGE.sent(token))
        is_page(done, 200, "Your new address is confirmed")
        assert PASSWORD not in done.text and token not in done.text
        assert (await sign_in(browser, Person(moved(ada)))).id == ada.id

    async def test_tells_the_old_address(
        self, browser: httpx2.AsyncClient, mails: LinkMails, ada: Person
    ) -> None:
        """The page says so where the old address was proven, and only then is it."""
        told = "Your old address is told, and can undo it for 7 days."
        verify = await mails.token(VERIFY, ada)
        await browser.post(VERIFY.path, data=VERIFY.sent(verify))
        token = await mails.token(CHANGE, ada)
        done = await browser.post(CHANGE.path, data=CHANGE.sent(token))
        is_page(done, 200, told)

    async def test_tells_no_unproven_address(
        self,
        browser: httpx2.AsyncClient,
        services: Services,
        mails: LinkMails,
        ada: Person,
    ) -> None:
        """An address that nobody has proven is told nothing, and neither is that."""
        token = await mails.token(CHANGE, ada)
        done = await browser.post(CHANGE.path, data=CHANGE.sent(token))
        assert "old address" not in done.text
        assert (await last_mail(services, ada.email)).kind == "verify_email"

    async def test_field(
        self, browser: httpx2.AsyncClient, mails: LinkMails, ada: Person
    ) -> None:
        """Browsers offer the password that they know; at first nothing is wrong."""
        token = await mails.token(CHANGE, ada)
        form = Form(await browser.get(f"{CHANGE.path}?token={token}"))
        field = form.fields["password"]
        assert field["type"] == "password"
        assert field["autocomplete"] == "current-password"
        assert "aria-invalid" not in field

    @pytest.mark.parametrize("password", ["", "some other words"])
    async def test_wrong_password(
        self,
        browser: httpx2.AsyncClient,
        mails: LinkMails,
        ada: Person,
        password: str,
    ) -> None:
        """The form comes again with its token, says so at the field, and still works;
        what was entered is not shown."""
        token = await mails.token(CHANGE, ada)
        wrong = {"token": token, "password": password}
        again = await browser.post(CHANGE.path, data=wrong)
        told = "This is not the password of the account."
        is_page(again, 403, "<title>Error: Confirm your new address", told)
        form = Form(again)
        field = form.fields["password"]
        assert field["aria-invalid"] == "true"
        described = str(field["aria-describedby"]).split()
        assert told in "".join(form.texts[name] for name in described)
        assert "value" not in field and not (password and password in again.text)
        right = {"token": form.token, "password": PASSWORD}
        is_page(await browser.post(CHANGE.path, data=right), 200)

    async def test_no_password(
        self, browser: httpx2.AsyncClient, mails: LinkMails, ada: Person
    ) -> None:
        """Nor does a form without one change anything, and the form comes again."""
        token = await mails.token(CHANGE, ada)
        again = await browser.post(CHANGE.path, data={"token": token})
        is_page(again, 403, "<title>Confirm your new address")
        assert "aria-invalid" not in Form(again).fields["password"]
        assert Form(again).token == token
        assert (await browser.get(ME, headers=ada.headers)).json()["email"] == ada.email


class TestUndoEmailChange:
    """POST /links/undo-email-change."""

    async def test_gives_the_address_back(
        self,
        browser: httpx2.AsyncClient,
        services: Services,
        mails: LinkMails,
        ada: Person,
    ) -> None:
        """The account has its old address, and everybody is signed out."""
        token = await mails.token(UNDO_CHANGE, ada)
        done = await browser.post(UNDO_CHANGE.path, data={"token": token})
        is_page(done, 200, "Your account is yours again")
        ended = await browser.get(ME, headers=ada.headers)
        assert reason(ended) == "email_change_undone"
        mail = await last_mail(services, ada.email)
        assert mail.kind == "reset_password"
        body = mail.by_link | {"new_password": NEW}
        reset = await browser.post(f"{API}/auth/password/reset", json=body)
        assert reset.status_code == 204
        assert (await sign_in(browser, Person(ada.email, NEW))).id == ada.id

    async def test_taken_meanwhile(
        self, browser: httpx2.AsyncClient, mails: LinkMails, ada: Person, admin: Person
    ) -> None:
        """If another account has the address by now, the page says so, again and
        again: the link is not used up."""
        token = await mails.token(UNDO_CHANGE, ada)
        new = {"email": ada.email, "password": PASSWORD}
        await browser.post(f"{API}/users", json=new, headers=admin.headers)
        for _ in range(2):
            refused = await browser.post(UNDO_CHANGE.path, data={"token": token})
            is_refusal(refused, 409, "email_taken", UNDO_CHANGE)


class TestAcceptInvite:
    """POST /links/accept-invite."""

    async def test_sets_the_password(
        self, browser: httpx2.AsyncClient, mails: LinkMails, ada: Person
    ) -> None:
        """The account is its reader's, who signs in."""
        token = await mails.token(ACCEPT, ada)
        done = await browser.post(ACCEPT.path, data=ACCEPT.sent(token))
        is_page(done, 200, "Your account is ready")
        assert NEW not in done.text and token not in done.text
        guest = await sign_in(browser, Person(guest_of(ada), NEW))
        assert guest.tokens["user"]["invited_at"] is None


class TestSignOutOthers:
    """POST /links/sign-out-others."""

    async def sign_in_by_cookie(
        self, browser: httpx2.AsyncClient, person: Person
    ) -> None:
        """Have the browser be signed in."""
        body = {"email": person.email, "password": PASSWORD, "transport": "cookie"}
        assert (await browser.post(LOGIN, json=body)).status_code == 200

    async def test_keeps_this_browser(
        self,
        browser: httpx2.AsyncClient,
        services: Services,
        mails: LinkMails,
        ada: Person,
    ) -> None:
        """The browser's own session goes on, all others of the account end."""
        token = await mails.token(SIGN_OUT, ada)
        await self.sign_in_by_cookie(browser, ada)
        done = await browser.post(SIGN_OUT.path, data={"token": token})
        is_page(done, 200, "All other devices are signed out")
        assert (await browser.get(ME)).json()["id"] == ada.id
        assert (await browser.post(REFRESH)).status_code == 200
        ended = await browser.get(ME, headers=ada.headers)
        assert reason(ended) == "signed_out_elsewhere"
        assert (await last_mail(services, ada.email)).kind == "reset_password"

    async def test_without_a_session(
        self, browser: httpx2.AsyncClient, mails: LinkMails, ada: Person
    ) -> None:
        """A browser that is not signed in ends them all."""
        token = await mails.token(SIGN_OUT, ada)
        is_page(await browser.post(SIGN_OUT.path, data={"token": token}), 200)
        ended = await browser.get(ME, headers=ada.headers)
        assert reason(ended) == "signed_out_elsewhere"

    async def test_with_somebody_elses_session(
        self, browser: httpx2.AsyncClient, mails: LinkMails, ada: Person, bob: Person
    ) -> None:
        """Who is signed in as somebody else stays so, and ends all of the account's."""
        token = await mails.token(SIGN_OUT, ada)
        await self.sign_in_by_cookie(browser, bob)
        done = await browser.post(SIGN_OUT.path, data={"token": token})
        is_page(done, 200, "All devices are signed out")
        assert (await browser.get(ME)).json()["id"] == bob.id
        ended = await browser.get(ME, headers=ada.headers)
        assert reason(ended) == "signed_out_elsewhere"

    async def test_with_a_session_that_has_ended(
        self, browser: httpx2.AsyncClient, mails: LinkMails, ada: Person
    ) -> None:
        """Whose session had ended is not told that it goes on."""
        token = await mails.token(SIGN_OUT, ada)
        await self.sign_in_by_cookie(browser, ada)
        kept = browser.cookies.get("cardea_access")
        await browser.post(f"{API}/auth/logout")
        browser.cookies.set("cardea_access", str(kept))
        done = await browser.post(SIGN_OUT.path, data={"token": token})
        is_page(done, 200, "All devices are signed out")

    @pytest.mark.parametrize("cookie", ["x", ""], ids=["forged", "empty"])
    async def test_bad_cookie(
        self, browser: httpx2.AsyncClient, mails: LinkMails, ada: Person, cookie: str
    ) -> None:
        """A cookie that is none does not stand in the way."""
        token = await mails.token(SIGN_OUT, ada)
        browser.cookies.set("cardea_access", cookie)
        is_page(await browser.post(SIGN_OUT.path, data={"token": token}), 200)


class TestUndoDeletion:
    """POST /links/undo-deletion."""

    async def test_keeps_the_account(
        self, browser: httpx2.AsyncClient, mails: LinkMails, ada: Person
    ) -> None:
        """Its owner signs in again; who was signed in before is still signed out."""
        token = await mails.token(KEEP, ada)
        body = {"email": ada.email, "password": PASSWORD}
        problem(await browser.post(LOGIN, json=body), 403, "account_deleted")
        done = await browser.post(KEEP.path, data={"token": token})
        is_page(done, 200, "Your account is kept")
        assert (await sign_in(browser, ada)).id == ada.id
        ended = await browser.get(ME, headers=ada.headers)
        assert reason(ended) == "user_deleted"
