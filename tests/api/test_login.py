"""POST /api/v1/auth/login: credentials and the two transports."""

import logging
from datetime import UTC, datetime, timedelta
from uuid import UUID

import httpx2
import jwt
import pytest

from app.core.config import Settings
from tests.conftest import MakeSettings
from tests.support.clock import FakeClock
from tests.support.people import API, PASSWORD, Person, register, sign_in
from tests.support.problems import fields, problem
from tests.support.roles import OWN

LOGIN = f"{API}/auth/login"
ME = f"{API}/users/me"
ADA = {"email": "ada@example.com", "password": PASSWORD}
WRONG = ADA | {"password": "wrong horse battery"}


class TestBearer:
    """Tokens in the answer's body."""

    async def test_answers_with_tokens(
        self, client: httpx2.AsyncClient, clock: FakeClock
    ) -> None:
        """The answer holds both tokens, their lives, the session and the user."""
        ada = await register(client, "ada@example.com")
        clock.tick(minutes=5)
        response = await client.post(LOGIN, json=ADA)
        assert response.status_code == 200
        tokens = response.json()
        assert tokens.pop("access_token").count(".") == 2
        assert tokens.pop("refresh_token").startswith("cardea_rt_")
        assert UUID(tokens.pop("session_id")).version == 7
        user = tokens.pop("user")
        assert user["id"] == ada.id
        assert user["last_sign_in_at"] == "2026-06-01T12:05:00Z"
        assert tokens == {
            "token_type": "Bearer",
            "expires_in": 600,
            "refresh_expires_in": 2_592_000,
        }

    async def test_sets_no_cookie(self, client: httpx2.AsyncClient) -> None:
        """A program gets a device token as a header, and no cookie."""
        await register(client, "ada@example.com")
        response = await client.post(LOGIN, json=ADA)
        assert response.headers["cardea-device"].startswith("cardea_dev_")
        assert "set-cookie" not in response.headers

    async def test_each_is_a_session_of_its_own(
        self, client: httpx2.AsyncClient, ada: Person
    ) -> None:
        """Signing in again leaves the first session alone."""
        again = await sign_in(client, ada)
        assert again.session_id != ada.session_id
        assert (await client.get(ME, headers=ada.headers)).status_code == 200
        assert (await client.get(ME, headers=again.headers)).status_code == 200

    async def test_notes_the_client(self, client: httpx2.AsyncClient) -> None:
        """The session keeps address and device."""
        await register(client, "ada@example.com")
        agent = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
        response = await client.post(LOGIN, json=ADA, headers={"User-Agent": agent})
        token = response.json()["access_token"]
        sessions = await client.get(
            f"{ME}/sessions", headers={"Authorization": f"Bearer {token}"}
        )
        session = sessions.json()["items"][0]
        assert session["ip"] == "192.0.2.1"
        assert session["user_agent"] == agent
        assert session["device"] == "Firefox on Linux"

    async def test_access_token_expires(
        self, client: httpx2.AsyncClient, ada: Person, clock: FakeClock
    ) -> None:
        """An access token is refused once its ten minutes are over."""
        clock.tick(seconds=599)
        assert (await client.get(ME, headers=ada.headers)).status_code == 200
        clock.tick(seconds=1)
        problem(await client.get(ME, headers=ada.headers), 401, "token_expired")


class TestAccessToken:
    """What the access token says (RFC 9068)."""

    async def test_claims(self, client: httpx2.AsyncClient, admin: Person) -> None:
        """Who, where, how and until when; the scope is every permission, sorted."""
        claims = jwt.decode(
            admin.tokens["access_token"], options={"verify_signature": False}
        )
        assert UUID(claims.pop("jti")).version == 7
        now = int(datetime(2026, 6, 1, 12, tzinfo=UTC).timestamp())
        assert claims == {
            "iss": "http://localhost:8000",
            "sub": admin.id,
            "aud": "cardea",
            "client_id": "cardea",
            "iat": now,
            "exp": now + 600,
            "sid": admin.session_id,
            "gen": 0,
            "auth_time": now,
            "amr": ["pwd"],
            "roles": ["admin"],
            "scope": " ".join(OWN),
        }


class TestRefusals:
    """Who is not let in, and what is said."""

    async def test_wrong_password_and_unknown_address_look_alike(
        self, client: httpx2.AsyncClient, ada: Person
    ) -> None:
        """The answer does not tell which addresses have accounts."""
        wrong = problem(
            await client.post(LOGIN, json=WRONG), 401, "invalid_credentials"
        )
        stranger = WRONG | {"email": "bob@example.com"}
        unknown = problem(
            await client.post(LOGIN, json=stranger), 401, "invalid_credentials"
        )
        wrong.pop("request_id"), unknown.pop("request_id")
        assert wrong == unknown

    async def test_refusal_starts_no_session(
        self, client: httpx2.AsyncClient, ada: Person
    ) -> None:
        """A wrong password leaves no session."""
        await client.post(LOGIN, json=WRONG)
        sessions = await client.get(f"{ME}/sessions?ended=true", headers=ada.headers)
        assert [s["id"] for s in sessions.json()["items"]] == [ada.session_id]

    @pytest.mark.parametrize("email", ["nobody", "", "a@b@c", "ada@", "ⓐ"])
    async def test_what_is_no_address(
        self, client: httpx2.AsyncClient, email: str
    ) -> None:
        """Text that is no address merely belongs to nobody."""
        response = await client.post(LOGIN, json=ADA | {"email": email})
        problem(response, 401, "invalid_credentials")

    async def test_disabled_is_said_to_the_owner_only(
        self, client: httpx2.AsyncClient, ada: Person, admin: Person
    ) -> None:
        """Only the right password learns that the account is disabled."""
        await client.patch(
            f"{API}/users/{ada.id}", json={"status": "disabled"}, headers=admin.headers
        )
        problem(await client.post(LOGIN, json=WRONG), 401, "invalid_credentials")
        problem(await client.post(LOGIN, json=ADA), 403, "account_disabled")

    async def test_enabled_again(
        self, client: httpx2.AsyncClient, ada: Person, admin: Person
    ) -> None:
        """An account that was enabled again signs in again."""
        for status in ("disabled", "active"):
            await client.patch(
                f"{API}/users/{ada.id}", json={"status": status}, headers=admin.headers
            )
        assert (await client.post(LOGIN, json=ADA)).status_code == 200

    @pytest.mark.parametrize(
        ("changes", "field"),
        [
            ({"email": "a" * 255}, "body.email"),
            ({"email": "ada\x00@example.com"}, "body.email"),
            ({"email": None}, "body.email"),
            ({"password": "\x00"}, "body.password"),
            ({"password": ["a"]}, "body.password"),
            ({"transport": "carrier pigeon"}, "body.transport"),
            ({"remember": True}, "body.remember"),
        ],
        ids=lambda value: None if isinstance(value, dict) else value,
    )
    async def test_bad_input(
        self, client: httpx2.AsyncClient, changes: dict[str, object], field: str
    ) -> None:
        """The answer names the field and repeats no input."""
        response = await client.post(LOGIN, json=ADA | changes)
        assert fields(response) == [field]
        assert PASSWORD not in response.text

    async def test_failure_is_logged_without_secrets(
        self, client: httpx2.AsyncClient, caplog: pytest.LogCaptureFixture
    ) -> None:
        """The log says that a sign-in failed, and neither password nor address."""
        with caplog.at_level(logging.INFO):
            await client.post(LOGIN, json=WRONG)
        written = [str(vars(record)) for record in caplog.records]
        assert any("auth.sign_in_failed" in line for line in written)
        assert not any(WRONG["password"] in line for line in written)
        assert not any(WRONG["email"] in line for line in written)


class TestVerificationRequired:
    """EMAIL_VERIFICATION=required."""

    @pytest.fixture
    def settings(self, make: MakeSettings) -> Settings:
        """Addresses must be proved before the first sign-in."""
        return make(email_verification="required")

    async def test_unverified_is_said_to_the_owner_only(
        self, client: httpx2.AsyncClient
    ) -> None:
        """Only the right password learns that the address is not verified."""
        await client.post(f"{API}/auth/register", json=ADA)
        problem(await client.post(LOGIN, json=WRONG), 401, "invalid_credentials")
        problem(await client.post(LOGIN, json=ADA), 403, "email_not_verified")

    async def test_verified_signs_in(
        self, client: httpx2.AsyncClient, admin: Person
    ) -> None:
        """Once the address is verified the account signs in."""
        made = await client.post(f"{API}/users", json=ADA, headers=admin.headers)
        problem(await client.post(LOGIN, json=ADA), 403, "email_not_verified")
        path = f"{API}/users/{made.json()['id']}"
        body = {"email_verified": True}
        await client.patch(path, json=body, headers=admin.headers)
        assert (await client.post(LOGIN, json=ADA)).status_code == 200


class TestShortSessions:
    """REFRESH_IDLE_SECONDS and ACCESS_TOKEN_SECONDS."""

    @pytest.fixture
    def settings(self, make: MakeSettings) -> Settings:
        """Shorter lives than usual."""
        return make(access_token_seconds=60, refresh_idle_seconds=300)

    async def test_lives_are_told(
        self, client: httpx2.AsyncClient, clock: FakeClock
    ) -> None:
        """The answer tells the lives that the settings say."""
        ada = await sign_in(client, await register(client, "ada@example.com"))
        assert ada.tokens["expires_in"] == 60
        assert ada.tokens["refresh_expires_in"] == 300
        clock.now += timedelta(seconds=60)
        problem(await client.get(ME, headers=ada.headers), 401, "token_expired")
