"""The mailbox of development: /dev/mail."""

from datetime import datetime
from pathlib import Path
from uuid import UUID

import httpx2
import pytest

from app.api.mailbox import SHOWN
from app.core.config import Settings
from app.database import Database
from app.models import MessageKind
from tests.api.test_pages import Page
from tests.conftest import MakeSettings
from tests.support.apps import RunningApp
from tests.support.hostile import contents
from tests.support.links import BROWSER, is_page
from tests.support.people import API, PASSWORD, Person
from tests.support.problems import fields, problem
from tests.support.rows import NOW, new_challenge, new_message
from tests.support.services import lose_database

MAIL = "/dev/mail"
VERIFY, FORGOT = f"{API}/auth/email/verify", f"{API}/auth/password/forgot"
SECRET_KEY = "another-secret-key-that-is-long-enough-0123456789"
SMTP = {"smtp_url": "smtp://localhost:25", "mail_from": "us@example.com"}


async def mail_to(client: httpx2.AsyncClient, recipient: str) -> list[dict[str, str]]:
    """Return the mail to an address as a developer's test reads it."""
    response = await client.get(f"{MAIL}.json", params={"recipient": recipient})
    assert response.status_code == 200
    found: list[dict[str, str]] = response.json()
    return found


async def put(database: Database, *recipients: str) -> None:
    """Put mail into the outbox, the last one last."""
    async with database.writing() as session:
        for recipient in recipients:
            kind = MessageKind.RESET_PASSWORD
            challenge = new_challenge(kind, recipient)
            session.add(challenge)
            await session.flush()
            session.add(new_message(kind, challenge, sent_at=NOW))


class TestWhere:
    """Where there is a mailbox at all."""

    @pytest.fixture(
        params=[
            {"environment": "development", **SMTP},
            {"environment": "test", **SMTP},
            {"environment": "production", "bcrypt_rounds": 10},
            {"environment": "production", "bcrypt_rounds": 10, **SMTP},
        ],
        ids=["development, SMTP", "test, SMTP", "production", "production, SMTP"],
    )
    def settings(self, make: MakeSettings, request: pytest.FixtureRequest) -> Settings:
        """Where mail is sent, or none is made."""
        return make(secret_key=SECRET_KEY, **request.param)

    @pytest.mark.parametrize("accept", ["text/html", "application/json"])
    async def test_is_not_there(self, client: httpx2.AsyncClient, accept: str) -> None:
        """There is nothing at its addresses, and no page names them."""
        headers = {"Accept": accept}
        for path in (MAIL, f"{MAIL}.json", f"{MAIL}/{UUID(int=7)}"):
            problem(await client.get(path, headers=headers), 404, "not_found")
        assert MAIL not in (await client.get("/", headers=headers)).text


class TestInDevelopment:
    """Where there is one besides tests."""

    @pytest.fixture
    def settings(self, make: MakeSettings) -> Settings:
        """Development without SMTP_URL."""
        return make(environment="development")

    async def test_is_there(self, client: httpx2.AsyncClient) -> None:
        """The mailbox is empty at first, and says so."""
        assert (await client.get(MAIL)).json() == []
        seen = await client.get(MAIL, headers=BROWSER)
        is_page(seen, 200, "There is no mail yet")

    async def test_is_named_at_the_root(self, client: httpx2.AsyncClient) -> None:
        """Whoever opens the service in a browser finds it."""
        seen = await client.get("/", headers=BROWSER)
        assert MAIL in Page(seen).links


class TestJson:
    """What a developer's tests read."""

    async def test_shape(self, client: httpx2.AsyncClient, ada: Person) -> None:
        """A mail has all that its reader sees, its link and its code apart."""
        [mail] = await mail_to(client, ada.email)
        assert mail.keys() == {
            *("id", "challenge_id", "kind", "recipient", "created_at"),
            *("subject", "text", "html", "link", "code", "error"),
        }
        assert not mail["error"]
        assert (mail["kind"], mail["recipient"]) == ("verify_email", ada.email)
        assert datetime.fromisoformat(mail["created_at"]).tzinfo is not None
        assert mail["link"].startswith("http://localhost:8000/links/verify-email?")
        for part in (mail["link"], mail["code"]):
            assert part in mail["text"] and part in mail["html"]

    @pytest.mark.parametrize("way", ["link", "code"])
    async def test_opens(self, client: httpx2.AsyncClient, way: str) -> None:
        """With either a test goes on as the reader of the mail would."""
        body = {"email": "ada@example.com", "password": PASSWORD}
        asked = await client.post(f"{API}/auth/register", json=body)
        [mail] = await mail_to(client, "ada@example.com")
        challenge_id = asked.headers["cardea-challenge"]
        proof = {
            "link": {"token": mail["link"].partition("?token=")[2]},
            "code": {"code": mail["code"], "challenge_id": challenge_id},
        }
        verified = await client.post(VERIFY, json=proof[way])
        assert verified.json()["email_verified"] is True

    async def test_after_it_was_used(
        self, client: httpx2.AsyncClient, ada: Person
    ) -> None:
        """A mail says what it said, though its reader has done what it asked for."""
        before = await mail_to(client, ada.email)
        token = before[0]["link"].partition("?token=")[2]
        assert (await client.post(VERIFY, json={"token": token})).status_code == 200
        assert await mail_to(client, ada.email) == before

    async def test_nothing_to_prove(self, client: httpx2.AsyncClient) -> None:
        """A mail that only says something has neither link nor code."""
        await client.post(FORGOT, json={"email": "nobody@example.com"})
        [mail] = await mail_to(client, "nobody@example.com")
        assert [mail["link"], mail["code"]] == [None, None]
        assert mail["text"] and mail["subject"]

    async def test_newest_first(
        self, client: httpx2.AsyncClient, database: Database
    ) -> None:
        """The newest come first, and not more than fifty."""
        await put(database, *(f"{number}@example.com" for number in range(SHOWN + 1)))
        listed = (await client.get(f"{MAIL}.json")).json()
        numbers = [int(mail["recipient"].partition("@")[0]) for mail in listed]
        assert numbers == list(range(SHOWN, 0, -1))

    async def test_recipient(
        self, client: httpx2.AsyncClient, database: Database
    ) -> None:
        """Mail to one address is found under others, however it is spelt."""
        others = (f"{number}@example.com" for number in range(SHOWN + 1))
        await put(database, "Ada+1@Example.com", *others)
        [mail] = await mail_to(client, "ada+1@example.com")
        assert mail["recipient"] == "Ada+1@Example.com"
        assert await mail_to(client, "ada@example.com") == []
        assert await mail_to(client, "") == []

    async def test_recipient_is_no_address(self, client: httpx2.AsyncClient) -> None:
        """Text that can't be one is refused before anything is made of it."""
        response = await client.get(f"{MAIL}.json?recipient={'a' * 255}")
        assert fields(response) == ["query.recipient"]

    @pytest.mark.parametrize("accept", ["application/json", "*/*", ""])
    async def test_by_accept(
        self, client: httpx2.AsyncClient, ada: Person, accept: str
    ) -> None:
        """/dev/mail gives the same to whoever does not ask for a page, and one mail."""
        headers = {"Accept": accept}
        [mail] = await mail_to(client, ada.email)
        assert (await client.get(MAIL, headers=headers)).json() == [mail]
        one = await client.get(f"{MAIL}/{mail['id']}", headers=headers)
        assert one.json() == mail

    async def test_always_json(self, client: httpx2.AsyncClient) -> None:
        """/dev/mail.json is JSON for browsers too."""
        response = await client.get(f"{MAIL}.json", headers=BROWSER)
        assert response.headers["content-type"] == "application/json"

    async def test_reading_changes_nothing(
        self, client: httpx2.AsyncClient, database: Database, ada: Person
    ) -> None:
        """Mail is read as often as one likes."""
        before = await contents(database)
        assert await mail_to(client, ada.email) == await mail_to(client, ada.email)
        assert await contents(database) == before


class TestPages:
    """What a developer sees."""

    async def test_list(
        self, client: httpx2.AsyncClient, ada: Person, bob: Person
    ) -> None:
        """Time, recipient and subject of each, which leads to the mail."""
        seen = await client.get(MAIL, headers=BROWSER)
        is_page(seen, 200, ada.email, bob.email, "01 Jun 2026, 12:00:00 UTC")
        is_page(seen, 200, "one mail a minute", "as it would be sent now")
        mail = (await client.get(f"{MAIL}.json")).json()
        assert seen.text.count(mail[0]["subject"]) == 2
        links = [link for link in Page(seen).links if link.startswith(f"{MAIL}/")]
        assert links == [f"{MAIL}/{one['id']}" for one in mail]

    async def test_one(self, client: httpx2.AsyncClient, ada: Person) -> None:
        """Headers, link, code and text, and the HTML in a frame that runs nothing."""
        [mail] = await mail_to(client, ada.email)
        seen = await client.get(f"{MAIL}/{mail['id']}", headers=BROWSER)
        is_page(seen, 200, "Cardea <no-reply@localhost>", ada.email, mail["subject"])
        is_page(seen, 200, mail["text"], f">{mail['code']}<")
        page = Page(seen)
        assert mail["link"] in page.links
        [frame] = page.all("iframe")
        assert frame["srcdoc"] == f'<base target="_blank">{mail["html"]}'
        sandbox = "allow-popups allow-popups-to-escape-sandbox"
        assert frame["sandbox"] == sandbox
        assert not [name for name, _ in page.tags if name in ("script", "object")]

    async def test_nothing_to_prove(self, client: httpx2.AsyncClient) -> None:
        """A mail without link and code has no rows for them."""
        await client.post(FORGOT, json={"email": "nobody@example.com"})
        [mail] = await mail_to(client, "nobody@example.com")
        seen = await client.get(f"{MAIL}/{mail['id']}", headers=BROWSER)
        is_page(seen, 200, mail["subject"])
        assert "<dt>Link" not in seen.text and "<dt>Code" not in seen.text

    async def test_hostile_recipient(
        self, client: httpx2.AsyncClient, database: Database
    ) -> None:
        """An address is text, on every page."""
        await put(database, '"<script>alert(1)</script>"@example.com')
        [mail] = (await client.get(f"{MAIL}.json")).json()
        for path in (MAIL, f"{MAIL}/{mail['id']}"):
            seen = await client.get(path, headers=BROWSER)
            assert seen.status_code == 200
            assert "<script" not in seen.text

    async def test_headers(self, client: httpx2.AsyncClient, ada: Person) -> None:
        """Nothing is kept, nothing is run, and nothing is loaded from elsewhere."""
        [mail] = await mail_to(client, ada.email)
        for path in (MAIL, f"{MAIL}/{mail['id']}"):
            headers = (await client.get(path, headers=BROWSER)).headers
            assert headers["cache-control"] == "no-store"
            assert headers["x-robots-tag"] == "noindex"
            policy = headers["content-security-policy"]
            assert "default-src 'none'" in policy and "script-src" not in policy
        assert (await client.get(MAIL)).headers["cache-control"] == "no-store"


class TestWrongTemplate:
    """A template of the operator's own that is wrong."""

    @pytest.fixture
    def settings(self, make: MakeSettings, tmp_path: Path) -> Settings:
        """A mistake in the mail that says that there is no account."""
        (tmp_path / "no_account.jinja").write_text(
            "{% extends layout %}{% block subject %}Nobody{% endblock %}\n"
            "{% block content %}{{ nmae }}{% endblock %}"
        )
        return make(mail_templates=str(tmp_path))

    async def test_json(self, client: httpx2.AsyncClient, ada: Person) -> None:
        """The mail has the mistake in place of what it says; the others are there."""
        await client.post(FORGOT, json={"email": "nobody@example.com"})
        wrong, right = (await client.get(f"{MAIL}.json")).json()
        assert wrong["error"].endswith(
            "no_account.jinja, line 2: UndefinedError: 'nmae' is undefined"
        )
        assert [wrong[name] for name in ("subject", "text", "html", "link")] == [
            *(None,) * 4
        ]
        assert (right["recipient"], right["error"]) == (ada.email, None)
        assert right["text"]

    async def test_pages(self, client: httpx2.AsyncClient, ada: Person) -> None:
        """So it is on the pages."""
        await client.post(FORGOT, json={"email": "nobody@example.com"})
        [mail] = await mail_to(client, "nobody@example.com")
        said = "line 2: UndefinedError: 'nmae' is undefined"
        seen = await client.get(MAIL, headers=BROWSER)
        is_page(seen, 200, said, "nobody@example.com", ada.email)
        one = await client.get(f"{MAIL}/{mail['id']}", headers=BROWSER)
        is_page(one, 200, said, "nobody@example.com", "no_account.jinja")

    async def test_at_the_start(
        self, running: RunningApp, caplog: pytest.LogCaptureFixture
    ) -> None:
        """The log of the start says so, and the service starts all the same."""
        told = [one.getMessage() for one in caplog.get_records("setup")]
        assert "mail.template_wrong" in told
        assert (await running.client.get("/health/live")).status_code == 200


class TestRefusals:
    """What is not there, or not now."""

    @pytest.mark.parametrize(
        ("path", "status", "code"),
        [
            (f"{MAIL}/{UUID(int=7)}", 404, "message_not_found"),
            (f"{MAIL}/7", 422, "validation_failed"),
        ],
    )
    async def test_no_such_mail(
        self, client: httpx2.AsyncClient, path: str, status: int, code: str
    ) -> None:
        """People get a page that says so, programs a problem."""
        seen = await client.get(path, headers=BROWSER)
        is_page(seen, status, f'href="/errors/{code}"')
        problem(await client.get(path), status, code)

    async def test_database_is_away(self, running: RunningApp) -> None:
        """The page says when to try again."""
        lose_database(running)
        seen = await running.client.get(MAIL, headers=BROWSER)
        is_page(seen, 503, "The database can't be reached.", "Try again in a second.")
        assert seen.headers["retry-after"] == "1"
