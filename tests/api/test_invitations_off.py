"""Invitations where not everybody may sign up, or no mail is sent."""

import httpx2
import pytest

from app.core.config import Settings
from app.database import Database
from app.services.container import Services
from tests.conftest import MakeSettings
from tests.support.invited import (
    ACCEPT,
    CHOSEN,
    GUEST,
    NOBODY,
    USERS,
    invitation,
    invite,
    send_again,
)
from tests.support.mailbox import number_of_mails
from tests.support.people import API, PASSWORD, Person, register, sign_in
from tests.support.problems import problem
from tests.support.stored import number_of_users

NEW = {"email": GUEST}


class TestSignUpByInvitation:
    """SIGN_UP=invite."""

    @pytest.fixture
    def settings(self, make: MakeSettings) -> Settings:
        """Nobody makes an account alone."""
        return make(sign_up="invite")

    async def test_lets_guests_in(
        self, client: httpx2.AsyncClient, services: Services, admin: Person
    ) -> None:
        """Guests come in, and nobody else does."""
        mail = await invitation(client, services, admin)
        body = NEW | {"password": PASSWORD}
        refused = await client.post(f"{API}/auth/register", json=body)
        problem(refused, 403, "sign_up_closed")
        await client.post(ACCEPT, json=mail.by_link | CHOSEN)
        await sign_in(client, Person(GUEST, CHOSEN["new_password"]))


class TestSignUpClosed:
    """SIGN_UP=closed."""

    @pytest.fixture
    def settings(self, make: MakeSettings) -> Settings:
        """Nobody is invited either."""
        return make(sign_up="closed")

    async def test_no_invitation(
        self, client: httpx2.AsyncClient, services: Services, admin: Person
    ) -> None:
        """Neither a first one nor a later one is sent, and no account is made."""
        refused = await client.post(USERS, json=NEW, headers=admin.headers)
        problem(refused, 403, "sign_up_closed")
        again = await send_again(client, admin, NOBODY)
        problem(again, 403, "sign_up_closed")
        page = await client.get(USERS, headers=admin.headers)
        assert [one["email"] for one in page.json()["items"]] == [admin.email]
        assert await number_of_mails(services) == 0

    async def test_with_a_password(
        self, client: httpx2.AsyncClient, services: Services, admin: Person
    ) -> None:
        """An account with a password is made as ever, and needs no mail."""
        made = await invite(client, admin, password=PASSWORD)
        assert made["invited_at"] is None
        assert (await sign_in(client, Person(GUEST))).id == made["id"]
        assert await number_of_mails(services) == 0


class TestMailOff:
    """Production without SMTP_URL."""

    @pytest.fixture
    def settings(self, make: MakeSettings) -> Settings:
        """No mail is sent."""
        return make(
            environment="production",
            public_url="https://localhost:8000",
            bcrypt_rounds=10,
        )

    async def test_is_said(
        self, client: httpx2.AsyncClient, database: Database, admin: Person
    ) -> None:
        """Nobody can be invited, and no account is made."""
        refused = await client.post(USERS, json=NEW, headers=admin.headers)
        problem(refused, 501, "mail_off")
        ada = await register(client, "ada@example.com")
        problem(await send_again(client, admin, ada.id), 501, "mail_off")
        assert await number_of_users(database) == 2
