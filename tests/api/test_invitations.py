"""POST /api/v1/users without a password, and POST /api/v1/users/{id}/invite."""

from typing import Any

import httpx2
import pytest

from app.core.config import Settings
from app.database import Database
from app.services.container import Services
from tests.conftest import MakeSettings
from tests.support.clock import FakeClock
from tests.support.invited import (
    ACCEPT,
    CHOSEN,
    GUEST,
    NOBODY,
    USERS,
    guest_as_seen,
    invitation,
    invite,
    send_again,
)
from tests.support.mailbox import code_of, last_mail, number_of_mails
from tests.support.people import API, PASSWORD, Person, sign_in
from tests.support.problems import problem
from tests.support.roles import holder_of
from tests.support.stored import number_of_users

LOGIN = f"{API}/auth/login"
NEW = {"email": GUEST}


class TestInvite:
    """POST /users without a password."""

    async def test_answers_with_the_account(
        self,
        client: httpx2.AsyncClient,
        services: Services,
        admin: Person,
        clock: FakeClock,
    ) -> None:
        """The account is there, says since when it waits, and a mail is on its way."""
        clock.tick(minutes=1)
        made = await invite(client, admin, display_name="Guest")
        assert made["invited_at"] == "2026-06-01T12:01:00Z"
        assert made["email_verified"] is False
        assert (made["display_name"], made["roles"]) == ("Guest", ["user"])
        seen = await client.get(f"{USERS}/{made['id']}", headers=admin.headers)
        assert seen.json() == made
        assert (await last_mail(services, GUEST)).kind == "invitation"

    @pytest.mark.parametrize("password", ["!", "", PASSWORD])
    async def test_no_password_works(
        self, client: httpx2.AsyncClient, admin: Person, password: str
    ) -> None:
        """Nobody gets in before the invitation is accepted."""
        await invite(client, admin)
        body = NEW | {"password": password}
        problem(await client.post(LOGIN, json=body), 401, "invalid_credentials")

    @pytest.mark.parametrize(
        ("name", "told"),
        [("Grace Hopper", "Grace Hopper has invited"), (None, "root@example.com has")],
        ids=["name", "address"],
    )
    async def test_mail_says_who_invites(
        self,
        client: httpx2.AsyncClient,
        services: Services,
        admin: Person,
        name: str | None,
        told: str,
    ) -> None:
        """By their name if they have one; from where is nobody's business."""
        changes = {"display_name": name}
        await client.patch(f"{USERS}/me", json=changes, headers=admin.headers)
        client.headers["User-Agent"] = "Mozilla/5.0 (X11; Linux) Firefox/140.0"
        mail = await invitation(client, services, admin)
        assert told in mail.text
        assert "192.0.2.1" not in mail.text and "Firefox" not in mail.text

    async def test_has_no_code(
        self, client: httpx2.AsyncClient, services: Services, admin: Person
    ) -> None:
        """There is nobody who waits to enter one: the answer names no challenge."""
        made = await client.post(USERS, json=NEW, headers=admin.headers)
        assert "cardea-challenge" not in made.headers
        mail = await last_mail(services, GUEST)
        assert await code_of(services, mail.challenge_id) not in mail.text

    @pytest.mark.parametrize(
        ("changes", "status", "code"),
        [
            ({"email": "ROOT@example.com"}, 409, "email_taken"),
            ({"roles": ["nobody"]}, 404, "role_not_found"),
            ({"roles": ["admin"]}, 403, "permission_denied"),
        ],
        ids=["taken", "unknown role", "more than one holds"],
    )
    async def test_refused(
        self,
        client: httpx2.AsyncClient,
        services: Services,
        database: Database,
        admin: Person,
        changes: dict[str, Any],
        status: int,
        code: str,
    ) -> None:
        """The refusal is named, no account is made and nobody gets mail."""
        eve = await holder_of(client, admin, "users:write")
        before = await number_of_users(database), await number_of_mails(services)
        refused = await client.post(USERS, json=NEW | changes, headers=eve.headers)
        problem(refused, status, code)
        after = await number_of_users(database), await number_of_mails(services)
        assert after == before

    async def test_without_the_right(
        self, client: httpx2.AsyncClient, services: Services, ada: Person
    ) -> None:
        """Not everybody invites."""
        before = await number_of_mails(services)
        refused = await client.post(USERS, json=NEW, headers=ada.headers)
        problem(refused, 403, "permission_denied")
        assert await number_of_mails(services) == before

    async def test_one_a_minute(
        self, client: httpx2.AsyncClient, services: Services, admin: Person
    ) -> None:
        """An address that has been invited is not mailed again at once, however it is
        spelt, even if its account is gone meanwhile; others are."""
        made = await invite(client, admin)
        await client.delete(f"{USERS}/{made['id']}", headers=admin.headers)
        before = await number_of_mails(services)
        body = {"email": GUEST.upper()}
        refused = await client.post(USERS, json=body, headers=admin.headers)
        problem(refused, 429, "too_many_requests")
        assert 0 < int(refused.headers["retry-after"]) <= 60
        assert await number_of_mails(services) == before
        await invite(client, admin, email="other@example.com")

    async def test_refused_is_not_counted(
        self, client: httpx2.AsyncClient, admin: Person
    ) -> None:
        """Whoever has mistyped a role need not wait to name the right one."""
        body = {"email": GUEST, "roles": ["nobody"]}
        refused = await client.post(USERS, json=body, headers=admin.headers)
        problem(refused, 404, "role_not_found")
        await invite(client, admin)


class TestInviteAgain:
    """POST /users/{id}/invite."""

    @pytest.fixture
    def settings(self, make: MakeSettings) -> Settings:
        """Several mails in one minute."""
        return make(rate_limits=False)

    async def test_newest_works(
        self,
        client: httpx2.AsyncClient,
        services: Services,
        admin: Person,
        clock: FakeClock,
    ) -> None:
        """The new link works, the one before no longer, and the wait begins anew."""
        first = await invitation(client, services, admin)
        guest = await guest_as_seen(client, admin)
        clock.tick(minutes=5)
        sent = await send_again(client, admin, guest["id"])
        assert (sent.status_code, sent.json()) == (202, {"status": "mail_sent"})
        assert "cardea-challenge" not in sent.headers
        again = await guest_as_seen(client, admin)
        assert again["invited_at"] == "2026-06-01T12:05:00Z"
        second = await last_mail(services, GUEST)
        refused = await client.post(ACCEPT, json=first.by_link | CHOSEN)
        problem(refused, 410, "challenge_cancelled")
        accepted = await client.post(ACCEPT, json=second.by_link | CHOSEN)
        assert accepted.status_code == 200

    async def test_expired_before(
        self,
        client: httpx2.AsyncClient,
        services: Services,
        admin: Person,
        clock: FakeClock,
    ) -> None:
        """Who has missed the first invitation has seven days again."""
        guest = await invite(client, admin)
        clock.tick(days=30)
        admin = await sign_in(client, admin)
        await send_again(client, admin, guest["id"])
        mail = await last_mail(services, GUEST)
        clock.tick(days=7, microseconds=-1)
        accepted = await client.post(ACCEPT, json=mail.by_link | CHOSEN)
        assert accepted.status_code == 200

    async def test_accepted_already(
        self, client: httpx2.AsyncClient, services: Services, admin: Person
    ) -> None:
        """Who has accepted is not invited again."""
        mail = await invitation(client, services, admin)
        await client.post(ACCEPT, json=mail.by_link | CHOSEN)
        before = await number_of_mails(services)
        guest = await guest_as_seen(client, admin)
        problem(await send_again(client, admin, guest["id"]), 409, "not_invited")
        assert await number_of_mails(services) == before

    async def test_disabled(self, client: httpx2.AsyncClient, admin: Person) -> None:
        """A guest who is not welcome any more is not invited again."""
        guest = await invite(client, admin)
        path, off = f"{USERS}/{guest['id']}", {"status": "disabled"}
        await client.patch(path, json=off, headers=admin.headers)
        problem(await send_again(client, admin, guest["id"]), 409, "not_invited")

    async def test_never_invited(
        self, client: httpx2.AsyncClient, services: Services, admin: Person, ada: Person
    ) -> None:
        """Nor is who has signed up."""
        before = await number_of_mails(services)
        problem(await send_again(client, admin, ada.id), 409, "not_invited")
        assert await number_of_mails(services) == before

    async def test_unknown(self, client: httpx2.AsyncClient, admin: Person) -> None:
        """There must be such a user."""
        problem(await send_again(client, admin, NOBODY), 404, "user_not_found")

    async def test_without_the_right(
        self, client: httpx2.AsyncClient, admin: Person
    ) -> None:
        """Who may only look sends nothing."""
        guest = await invite(client, admin)
        eve = await holder_of(client, admin, "users:read")
        refused = await send_again(client, eve, guest["id"])
        problem(refused, 403, "permission_denied")


class TestHowOftenAgain:
    """POST /users/{id}/invite, again and again."""

    async def test_one_a_minute(
        self, client: httpx2.AsyncClient, services: Services, admin: Person
    ) -> None:
        """A second mail within a minute is refused, and cancels nothing."""
        guest = await invite(client, admin)
        await send_again(client, admin, guest["id"])
        mail = await last_mail(services, GUEST)
        refused = await send_again(client, admin, guest["id"])
        problem(refused, 429, "too_many_requests")
        assert 0 < int(refused.headers["retry-after"]) <= 60
        accepted = await client.post(ACCEPT, json=mail.by_link | CHOSEN)
        assert accepted.status_code == 200
