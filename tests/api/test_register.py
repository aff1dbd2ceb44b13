"""POST /api/v1/auth/register."""

from uuid import UUID

import httpx2
import pytest

from app.core.security import HashingPool
from app.database import Database
from app.services.breached_passwords import BreachedPasswords
from app.services.circuit_breaker import BreakerRegistry
from app.services.passwords import Passwords
from tests.support.apps import RunningApp, browse
from tests.support.people import API, PASSWORD, register, sign_in
from tests.support.problems import fields, problem
from tests.support.servers.range_api import RangeApi
from tests.support.services import put_passwords
from tests.support.stored import number_of_users, stored_hash

REGISTER = f"{API}/auth/register"
ADA = {"email": "ada@example.com", "password": PASSWORD}


class TestRegister:
    """A new account."""

    async def test_answers_with_the_account(self, client: httpx2.AsyncClient) -> None:
        """The answer is the User, fresh, active, unverified, with the role `user`."""
        body = ADA | {"display_name": "Ada Lovelace"}
        response = await client.post(REGISTER, json=body)
        assert response.status_code == 201
        user = response.json()
        assert UUID(user.pop("id")).version == 7
        assert (
            user.pop("created_at") == user.pop("updated_at") == "2026-06-01T12:00:00Z"
        )
        assert user == {
            "email": "ada@example.com",
            "email_verified": False,
            "display_name": "Ada Lovelace",
            "status": "active",
            "roles": ["user"],
            "last_sign_in_at": None,
            "locale": None,
            "invited_at": None,
            "delete_at": None,
        }

    async def test_is_there_at_once(self, client: httpx2.AsyncClient) -> None:
        """Who has signed up can sign in."""
        ada = await sign_in(client, await register(client, "ada@example.com"))
        me = await client.get(f"{API}/users/me", headers=ada.headers)
        assert me.json()["id"] == ada.id

    async def test_signs_nobody_in(self, client: httpx2.AsyncClient) -> None:
        """The answer carries neither token nor cookie."""
        response = await client.post(REGISTER, json=ADA)
        assert "token" not in response.text
        assert "set-cookie" not in response.headers

    async def test_stores_no_password(
        self, client: httpx2.AsyncClient, database: Database
    ) -> None:
        """Only a hash of the current format is stored."""
        await client.post(REGISTER, json=ADA)
        hashed = await stored_hash(database, "ada@example.com")
        assert hashed.startswith("cardea1$2b$04$")

    async def test_keeps_the_address_as_typed(self, client: httpx2.AsyncClient) -> None:
        """The address is shown as typed, and signs in in any case."""
        registered = await client.post(
            REGISTER, json=ADA | {"email": "Ada.L@Example.com"}
        )
        assert registered.json()["email"] == "Ada.L@Example.com"
        body = ADA | {"email": "ada.l@EXAMPLE.COM"}
        signed_in = await client.post(f"{API}/auth/login", json=body)
        assert signed_in.json()["user"]["email"] == "Ada.L@Example.com"

    async def test_display_name_is_trimmed(self, client: httpx2.AsyncClient) -> None:
        """White space around a display name is dropped."""
        response = await client.post(REGISTER, json=ADA | {"display_name": "  Ada "})
        assert response.json()["display_name"] == "Ada"

    @pytest.mark.parametrize(
        "email",
        ["ada@example.com", "ADA@Example.COM", "\uff41da@example.com"],
        ids=["same", "other case", "look-alike letter"],
    )
    async def test_taken_address(
        self, client: httpx2.AsyncClient, database: Database, email: str
    ) -> None:
        """An address has one account, however it is spelt."""
        await client.post(REGISTER, json=ADA)
        before = await stored_hash(database, "ada@example.com")
        body = {"email": email, "password": "another horse battery"}
        problem(await client.post(REGISTER, json=body), 409, "email_taken")
        assert await number_of_users(database) == 1
        assert await stored_hash(database, "ada@example.com") == before


class TestPasswordRules:
    """Which passwords may be chosen."""

    @pytest.mark.parametrize(
        ("password", "code"),
        [
            ("nine char", "password_too_short"),
            ("", "password_too_short"),
            ("x" * 129, "password_too_long"),
            ("qwertyuiop123", "password_too_common"),
            ("QWERTYuiop123", "password_too_common"),
            ("my lovelace rules", "password_contains_personal_data"),
            ("LoveLace rules", "password_contains_personal_data"),
            ("by cardea's door", "password_contains_personal_data"),
        ],
        ids=[
            "9 characters",
            "empty",
            "129 characters",
            "common",
            "common in another case",
            "e-mail name",
            "e-mail name in another case",
            "service name",
        ],
    )
    async def test_refused(
        self, client: httpx2.AsyncClient, database: Database, password: str, code: str
    ) -> None:
        """A bad password is refused by name, and no account is made."""
        body = {"email": "lovelace@example.com", "password": password}
        problem(await client.post(REGISTER, json=body), 422, code)
        assert await number_of_users(database) == 0

    @pytest.mark.parametrize(("name", "status"), [("joan", 422), ("joe", 201)])
    async def test_short_names(
        self, client: httpx2.AsyncClient, name: str, status: int
    ) -> None:
        """A name of four letters is told from the rest, one of three is not."""
        body = {"email": f"{name}@example.com", "password": f"by {name}s river"}
        answer = await client.post(REGISTER, json=body)
        assert answer.status_code == status

    @pytest.mark.parametrize(
        ("email", "password"),
        [
            ("bo@example.com", "bo@example.com"),
            ("Bo@Example.com", "BO@EXAMPLE.COM"),
            ("bo@example.com", "my bo@example.com!"),
            ("bo@xn--bcher-kva.example", "bo@bücher.example"),
        ],
        ids=["same", "other case", "inside", "other spelling"],
    )
    async def test_own_address(
        self, client: httpx2.AsyncClient, email: str, password: str
    ) -> None:
        """The whole address is told from the rest, however short its name is."""
        body = {"email": email, "password": password}
        refused = await client.post(REGISTER, json=body)
        problem(refused, 422, "password_contains_personal_data")

    async def test_says_how_long(self, client: httpx2.AsyncClient) -> None:
        """Whoever chose a short one is told how long it must be."""
        refused = await client.post(REGISTER, json=ADA | {"password": "short"})
        document = problem(refused, 422, "password_too_short")
        assert document["detail"].startswith("Choose one of at least 10 characters;")

    @pytest.mark.parametrize(
        "password",
        ["ten chars!", "x" * 73, "xyz" * 42 + "xy", "\U0001f434" * 10, "  blanks  "],
        ids=["10 characters", "73 bytes", "128 characters", "emoji", "blanks"],
    )
    async def test_accepted_in_full(
        self, client: httpx2.AsyncClient, password: str
    ) -> None:
        """A good password counts to its last character, and nothing is trimmed."""
        body = {"email": "ada@example.com", "password": password}
        assert (await client.post(REGISTER, json=body)).status_code == 201
        login = f"{API}/auth/login"
        assert (await client.post(login, json=body)).status_code == 200
        shorter = await client.post(login, json=body | {"password": password[:-1]})
        problem(shorter, 401, "invalid_credentials")

    async def test_breached(
        self, running: RunningApp, client: httpx2.AsyncClient
    ) -> None:
        """A password known from a breach is refused."""
        async with RangeApi(breached=[PASSWORD]) as server:
            breached = BreachedPasswords(server.url, BreakerRegistry())
            settings = running.services.settings
            put_passwords(running, Passwords(settings, HashingPool(1), breached))
            refused = await client.post(REGISTER, json=ADA)
            await breached.aclose()
        problem(refused, 422, "password_breached")


class TestRegisterBadInput:
    """What is no sign-up."""

    @pytest.mark.parametrize(
        ("changes", "field"),
        [
            ({"email": None}, "body.email"),
            ({"email": "ada"}, "body.email"),
            ({"email": "ada@example.com, bob@example.com"}, "body.email"),
            ({"email": "Ada <ada@example.com>"}, "body.email"),
            ({"email": f"{'a' * 10_000}@example.com"}, "body.email"),
            ({"email": ["ada@example.com"]}, "body.email"),
            ({"email": "ada\x00@example.com"}, "body.email"),
            ({"password": 1234567890}, "body.password"),
            ({"password": "with \x00 a NUL inside"}, "body.password"),
            ({"display_name": ""}, "body.display_name"),
            ({"display_name": "a" * 101}, "body.display_name"),
            ({"display_name": "new\nline"}, "body.display_name"),
            ({"display_name": "Ada\x85"}, "body.display_name"),
            ({"roles": ["admin"]}, "body.roles"),
            ({"email_verified": True}, "body.email_verified"),
        ],
        ids=[
            "null e-mail",
            "no domain",
            "two addresses",
            "with a name",
            "10,000 characters",
            "array",
            "NUL in e-mail",
            "number",
            "NUL in password",
            "empty name",
            "long name",
            "control character",
            "control character at the end",
            "own roles",
            "own verification",
        ],
    )
    async def test_refused(
        self,
        client: httpx2.AsyncClient,
        database: Database,
        changes: dict[str, object],
        field: str,
    ) -> None:
        """The answer names the field, repeats no input, and nothing is stored."""
        response = await client.post(REGISTER, json=ADA | changes)
        assert fields(response) == [field]
        assert PASSWORD not in response.text
        assert await number_of_users(database) == 0

    async def test_missing_fields(self, client: httpx2.AsyncClient) -> None:
        """Each missing field is named."""
        response = await client.post(REGISTER, json={})
        assert fields(response) == ["body.email", "body.password"]

    async def test_form(self, client: httpx2.AsyncClient) -> None:
        """A form, which any web page can send, is refused."""
        refused = await client.post(REGISTER, data=ADA)
        problem(refused, 415, "unsupported_media_type")


class TestSignUpLimits:
    """How many accounts one network makes."""

    async def test_network_must_wait(self, running: RunningApp) -> None:
        """The twenty-first account of an hour waits; other networks do not."""
        async with browse(running.app, "2001:db8::1") as crowd:
            for number in range(20):
                await register(crowd, f"user{number}@example.com")
        async with browse(running.app, "2001:db8::2") as neighbour:
            refused = await neighbour.post(REGISTER, json=ADA)
        problem(refused, 429, "too_many_requests")
        assert 0 < int(refused.headers["retry-after"]) <= 3600
        async with browse(running.app, "2001:db8:0:1::1") as other:
            assert (await other.post(REGISTER, json=ADA)).status_code == 201
