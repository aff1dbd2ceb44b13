"""POST /api/v1/auth/register where not everybody may sign up and in at once."""

import httpx2
import pytest

from app.core.config import Settings
from app.database import Database
from app.services.passwords import Passwords
from tests.conftest import MakeSettings
from tests.support.apps import RunningApp
from tests.support.mailbox import verify
from tests.support.people import API, PASSWORD, Person, sign_in
from tests.support.problems import problem
from tests.support.services import CountingPool, no_breaches, put_passwords
from tests.support.stored import number_of_users, stored_hash

REGISTER = f"{API}/auth/register"
ADA = {"email": "ada@example.com", "password": PASSWORD}


class TestSignUpNotOpen:
    """SIGN_UP=invite and SIGN_UP=closed."""

    @pytest.fixture(params=["invite", "closed"])
    def settings(self, make: MakeSettings, request: pytest.FixtureRequest) -> Settings:
        """Nobody makes an account alone."""
        return make(sign_up=request.param)

    async def test_nobody_signs_up(
        self, client: httpx2.AsyncClient, database: Database
    ) -> None:
        """Signing up is refused and makes no account."""
        problem(await client.post(REGISTER, json=ADA), 403, "sign_up_closed")
        assert await number_of_users(database) == 0

    async def test_admins_make_accounts(
        self, client: httpx2.AsyncClient, admin: Person
    ) -> None:
        """An account that an admin makes signs in as ever."""
        made = await client.post(f"{API}/users", json=ADA, headers=admin.headers)
        assert made.status_code == 201
        ada = await sign_in(client, Person("ada@example.com"))
        assert ada.id == made.json()["id"]


class TestVerificationRequired:
    """EMAIL_VERIFICATION=required."""

    @pytest.fixture
    def settings(self, make: MakeSettings) -> Settings:
        """Addresses must be proved before the first sign-in."""
        return make(email_verification="required")

    async def test_known_and_unknown_look_alike(
        self, client: httpx2.AsyncClient, database: Database
    ) -> None:
        """Status, bytes and headers don't tell whether an address is known."""
        unknown = await client.post(REGISTER, json=ADA)
        known = await client.post(REGISTER, json=ADA | {"display_name": "Thief"})
        assert unknown.status_code == known.status_code == 202
        assert unknown.content == known.content == b'{"status":"verification_sent"}'
        assert headers_but_id(unknown) == headers_but_id(known)
        assert await number_of_users(database) == 0

    async def test_known_account_stays(
        self, running: RunningApp, client: httpx2.AsyncClient, database: Database
    ) -> None:
        """Signing up with a known address changes nothing about its account."""
        await client.post(REGISTER, json=ADA)
        assert (
            await verify(client, running.services, "ada@example.com")
        ).status_code == 200
        before = await stored_hash(database, "ada@example.com")
        await client.post(REGISTER, json=ADA | {"password": "another horse battery"})
        assert await stored_hash(database, "ada@example.com") == before

    async def test_known_and_unknown_cost_the_same(
        self, running: RunningApp, client: httpx2.AsyncClient
    ) -> None:
        """Either costs one hash."""
        pool = CountingPool(1)
        settings = running.services.settings
        put_passwords(running, Passwords(settings, pool, no_breaches()))
        await client.post(REGISTER, json=ADA)
        assert pool.runs == 1
        await client.post(REGISTER, json=ADA)
        assert pool.runs == 2

    async def test_bad_password_is_said(self, client: httpx2.AsyncClient) -> None:
        """A bad password is refused for known and unknown addresses alike."""
        body = ADA | {"password": "short"}
        problem(await client.post(REGISTER, json=body), 422, "password_too_short")
        await client.post(REGISTER, json=ADA)
        problem(await client.post(REGISTER, json=body), 422, "password_too_short")


def headers_but_id(response: httpx2.Response) -> dict[str, str]:
    """Return the headers that must not depend on whether an address is known."""
    names = {"x-request-id", "cardea-challenge"}
    assert len(response.headers["cardea-challenge"]) == 36
    return {k: v for k, v in response.headers.items() if k not in names}
