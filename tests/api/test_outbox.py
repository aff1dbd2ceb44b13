"""GET /api/v1/outbox and POST /api/v1/outbox/{id}/retry."""

import httpx2
import pytest
from sqlalchemy import update

from app.models import Message
from app.services.container import Services
from tests.support.clock import FakeClock
from tests.support.mailbox import number_of_mails
from tests.support.people import API, Person, register
from tests.support.problems import problem
from tests.support.roles import holder_of

OUTBOX = f"{API}/outbox"


@pytest.fixture
async def given_up(services: Services, client: httpx2.AsyncClient) -> None:
    """A message that the server did not take."""
    await register(client, "ada@example.com")
    async with services.database.writing() as session:
        await session.execute(
            update(Message).values(
                sent_at=None,
                failed_at=services.clock(),
                attempts=3,
                error="550 No such mailbox",
            )
        )


class TestList:
    """What an administrator sees of the outbox."""

    async def test_shows_what_became_of_it(
        self, client: httpx2.AsyncClient, admin: Person, given_up: None
    ) -> None:
        """A message that was given up says why; what it said is not shown."""
        page = (await client.get(OUTBOX, headers=admin.headers)).json()
        [message] = page["items"]
        assert page["next_cursor"] is None
        assert message.pop("id")
        assert message == {
            "kind": "verify_email",
            "recipient": "ada@example.com",
            "status": "failed",
            "attempts": 3,
            "error": "550 No such mailbox",
            "created_at": "2026-06-01T12:00:00Z",
            "due_at": None,
            "sent_at": None,
            "failed_at": "2026-06-01T12:00:00Z",
        }

    @pytest.mark.parametrize(
        ("status", "number"), [("failed", 1), ("sent", 0), ("waiting", 0)]
    )
    async def test_by_status(
        self,
        client: httpx2.AsyncClient,
        admin: Person,
        given_up: None,
        status: str,
        number: int,
    ) -> None:
        """Only those of one status, if asked for."""
        answer = await client.get(f"{OUTBOX}?status={status}", headers=admin.headers)
        assert len(answer.json()["items"]) == number

    async def test_newest_first(
        self, client: httpx2.AsyncClient, admin: Person
    ) -> None:
        """Page after page, from the newest to the oldest."""
        for name in ("ada", "bob", "eve"):
            await register(client, f"{name}@example.com")
        seen, path = list[str](), f"{OUTBOX}?limit=2"
        for _ in range(2):
            page = (await client.get(path, headers=admin.headers)).json()
            seen += [message["recipient"][:3] for message in page["items"]]
            path = f"{OUTBOX}?limit=2&cursor={page['next_cursor']}"
        assert seen == ["eve", "bob", "ada"]
        assert page["next_cursor"] is None

    async def test_needs_the_permission(
        self, client: httpx2.AsyncClient, admin: Person, ada: Person
    ) -> None:
        """Who holds outbox:read sees it, and nobody else."""
        refused = await client.get(OUTBOX, headers=ada.headers)
        problem(refused, 403, "permission_denied")
        eve = await holder_of(client, admin, "outbox:read")
        assert (await client.get(OUTBOX, headers=eve.headers)).status_code == 200


class TestRetry:
    """Sending again what was given up."""

    async def test_waits_again(
        self,
        client: httpx2.AsyncClient,
        admin: Person,
        given_up: None,
        clock: FakeClock,
    ) -> None:
        """It is due at once, and keeps what was said last."""
        [message] = (await client.get(OUTBOX, headers=admin.headers)).json()["items"]
        clock.tick(minutes=1)
        path = f"{OUTBOX}/{message['id']}/retry"
        again = await client.post(path, headers=admin.headers)
        assert again.status_code == 200
        assert again.json() == message | {
            "status": "waiting",
            "due_at": "2026-06-01T12:01:00Z",
            "failed_at": None,
        }
        second = await client.post(path, headers=admin.headers)
        problem(second, 409, "message_not_failed")

    async def test_needs_the_permission(
        self, client: httpx2.AsyncClient, admin: Person, given_up: None
    ) -> None:
        """Who may only look can't send."""
        eve = await holder_of(client, admin, "outbox:read")
        items = (await client.get(OUTBOX, headers=eve.headers)).json()["items"]
        failed = [one for one in items if one["status"] == "failed"]
        path = f"{OUTBOX}/{failed[0]['id']}/retry"
        problem(await client.post(path, headers=eve.headers), 403, "permission_denied")

    async def test_unknown(self, client: httpx2.AsyncClient, admin: Person) -> None:
        """A message that is not there is not sent."""
        path = f"{OUTBOX}/01970000-0000-7000-8000-000000000000/retry"
        refused = await client.post(path, headers=admin.headers)
        problem(refused, 404, "message_not_found")


class TestTidy:
    """What is forgotten."""

    @pytest.mark.parametrize(("days", "left"), [(6.9, 1), (7.1, 0)])
    async def test_sent_messages_stay_a_week(
        self,
        client: httpx2.AsyncClient,
        services: Services,
        clock: FakeClock,
        days: float,
        left: int,
    ) -> None:
        """Who looks for a mail finds it for a week."""
        await register(client, "ada@example.com")
        clock.tick(days=days)
        await services.mail.outbox.tidy()
        assert await number_of_mails(services) == left

    @pytest.mark.parametrize(("days", "left"), [(29.9, 1), (30.1, 0)])
    async def test_given_up_ones_stay_a_month(
        self,
        services: Services,
        given_up: None,
        clock: FakeClock,
        days: float,
        left: int,
    ) -> None:
        """What was given up can be sent again for a month."""
        clock.tick(days=days)
        await services.mail.outbox.tidy()
        assert await number_of_mails(services) == left
