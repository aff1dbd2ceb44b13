"""POST /api/v1/auth/refresh: the token's rotation, in the body and in the cookie."""

import httpx2
import pytest

from app.core.config import Settings
from tests.conftest import MakeSettings
from tests.support.apps import RunningApp
from tests.support.clock import FakeClock
from tests.support.people import API, PASSWORD, Person, sign_in
from tests.support.problems import problem, reason
from tests.support.refreshing import refresh, refreshed
from tests.support.services import lose_database

REFRESH = f"{API}/auth/refresh"
LOGIN = f"{API}/auth/login"
ME = f"{API}/users/me"
COOKIE = {"email": "ada@example.com", "password": PASSWORD, "transport": "cookie"}


class TestBody:
    """A program exchanges its token."""

    async def test_answers_with_a_new_pair(
        self, client: httpx2.AsyncClient, ada: Person, clock: FakeClock
    ) -> None:
        """The answer is a new pair for the same session, and no cookie."""
        clock.tick(minutes=10)
        response = await refresh(client, ada.refresh_token)
        assert response.status_code == 200
        assert "set-cookie" not in response.headers
        tokens = response.json()
        assert tokens.keys() == ada.tokens.keys()
        assert tokens["session_id"] == ada.session_id
        assert tokens["refresh_token"] != ada.refresh_token
        assert tokens["access_token"] != ada.tokens["access_token"]
        assert tokens["expires_in"] == 600

    async def test_new_tokens_work(
        self, client: httpx2.AsyncClient, ada: Person, clock: FakeClock
    ) -> None:
        """Both new tokens do what the old ones did."""
        clock.tick(minutes=11)
        problem(await client.get(ME, headers=ada.headers), 401, "token_expired")
        later = await refreshed(client, ada)
        assert (await client.get(ME, headers=later.headers)).status_code == 200
        assert (await refresh(client, later.refresh_token)).status_code == 200

    async def test_session_moves_on(
        self, client: httpx2.AsyncClient, ada: Person, clock: FakeClock
    ) -> None:
        """The session notes when, where and on what it was refreshed."""
        clock.tick(days=1)
        agent = {"User-Agent": "curl/8.0"}
        body = {"refresh_token": ada.refresh_token}
        ada.tokens = (await client.post(REFRESH, json=body, headers=agent)).json()
        listed = await client.get(f"{ME}/sessions", headers=ada.headers)
        session = listed.json()["items"][0]
        assert session["last_used_at"] == "2026-06-02T12:00:00Z"
        assert session["expires_at"] == "2026-07-02T12:00:00Z"
        assert session["device"] == "curl"

    async def test_age_bounds_the_session(
        self, client: httpx2.AsyncClient, ada: Person, clock: FakeClock
    ) -> None:
        """However often it is refreshed, a session ends after ninety days."""
        for _ in range(4):
            clock.tick(days=20)
            ada = await refreshed(client, ada)
        assert ada.tokens["refresh_expires_in"] == 10 * 24 * 3600


class TestOldTokens:
    """A token that has been exchanged already."""

    async def test_again_within_the_grace(
        self, client: httpx2.AsyncClient, ada: Person, clock: FakeClock
    ) -> None:
        """Two tabs get the same successor, and the access tokens both work."""
        first = await refreshed(client, ada)
        await client.get(ME, headers=first.headers)
        clock.tick(seconds=30)
        second = await refreshed(client, ada)
        assert second.refresh_token == first.refresh_token
        for tab in (first, second):
            assert (await client.get(ME, headers=tab.headers)).status_code == 200

    async def test_answer_was_lost(
        self, client: httpx2.AsyncClient, ada: Person, clock: FakeClock
    ) -> None:
        """Who lost the answer gets it again, days later."""
        lost = await refreshed(client, ada)
        clock.tick(days=9)
        assert (await refreshed(client, ada)).refresh_token == lost.refresh_token

    async def test_in_two_hands(
        self, client: httpx2.AsyncClient, ada: Person, clock: FakeClock
    ) -> None:
        """Once the successor was used, the old token ends the session for both."""
        owner = await refreshed(client, ada)
        await client.get(ME, headers=owner.headers)
        clock.tick(seconds=31)
        assert reason(await refresh(client, ada.refresh_token)) == "token_reused"
        again = await refresh(client, owner.refresh_token)
        assert reason(again) == "token_reused"
        assert reason(await client.get(ME, headers=owner.headers)) == "token_reused"

    async def test_two_generations_old(
        self, client: httpx2.AsyncClient, ada: Person
    ) -> None:
        """A token older than the last one ends the session, even within the grace."""
        await refreshed(client, await refreshed(client, ada))
        assert reason(await refresh(client, ada.refresh_token)) == "token_reused"

    async def test_other_sessions_stay(
        self, client: httpx2.AsyncClient, ada: Person
    ) -> None:
        """A reused token ends its own session, no other."""
        other = await sign_in(client, ada)
        await refreshed(client, await refreshed(client, ada))
        await refresh(client, ada.refresh_token)
        assert (await client.get(ME, headers=other.headers)).status_code == 200


class TestEnded:
    """Every reason for which a session has ended is told."""

    async def test_signed_out(self, client: httpx2.AsyncClient, ada: Person) -> None:
        """After signing out."""
        await client.post(f"{API}/auth/logout", headers=ada.headers)
        assert reason(await refresh(client, ada.refresh_token)) == "signed_out"

    async def test_signed_out_elsewhere(
        self, client: httpx2.AsyncClient, ada: Person
    ) -> None:
        """After signing out of everything on another device."""
        other = await sign_in(client, ada)
        await client.post(f"{API}/auth/logout-all", headers=other.headers)
        ended = await refresh(client, ada.refresh_token)
        assert reason(ended) == "signed_out_elsewhere"

    async def test_password_changed(
        self, client: httpx2.AsyncClient, ada: Person
    ) -> None:
        """After a change of the password on another device."""
        other = await sign_in(client, ada)
        body = {"current_password": PASSWORD, "new_password": "another horse battery"}
        await client.post(f"{ME}/password", json=body, headers=other.headers)
        assert reason(await refresh(client, ada.refresh_token)) == "password_changed"

    async def test_idle(
        self, client: httpx2.AsyncClient, ada: Person, clock: FakeClock
    ) -> None:
        """After thirty days without a refresh, and not a second before."""
        clock.tick(days=30, seconds=-1)
        later = await refreshed(client, ada)
        clock.tick(days=30)
        assert reason(await refresh(client, later.refresh_token)) == "idle_timeout"

    async def test_age(
        self, client: httpx2.AsyncClient, ada: Person, clock: FakeClock
    ) -> None:
        """After ninety days, whatever its use."""
        for _ in range(4):
            clock.tick(days=20)
            ada = await refreshed(client, ada)
        clock.tick(days=10)
        assert reason(await refresh(client, ada.refresh_token)) == "max_age"

    async def test_admin(
        self, client: httpx2.AsyncClient, ada: Person, admin: Person
    ) -> None:
        """After an admin signed the user out."""
        await client.post(f"{API}/users/{ada.id}/logout", headers=admin.headers)
        assert reason(await refresh(client, ada.refresh_token)) == "ended_by_admin"

    async def test_disabled(
        self, client: httpx2.AsyncClient, ada: Person, admin: Person
    ) -> None:
        """After the account was disabled; enabling it brings no session back."""
        path = f"{API}/users/{ada.id}"
        for status in ("disabled", "active"):
            await client.patch(path, json={"status": status}, headers=admin.headers)
            ended = await refresh(client, ada.refresh_token)
            assert reason(ended) == "user_disabled"

    async def test_deleted(
        self, client: httpx2.AsyncClient, ada: Person, admin: Person
    ) -> None:
        """After the account was deleted nothing is left that could say why."""
        await client.delete(f"{API}/users/{ada.id}", headers=admin.headers)
        response = await refresh(client, ada.refresh_token)
        problem(response, 401, "invalid_refresh_token")


class TestLimits:
    """How often a session is refreshed."""

    async def test_session_must_wait(
        self, client: httpx2.AsyncClient, ada: Person, bob: Person
    ) -> None:
        """The 121st refresh of a minute waits and ends nothing; others go on."""
        for _ in range(120):
            assert (await refresh(client, ada.refresh_token)).status_code == 200
        refused = await refresh(client, ada.refresh_token)
        problem(refused, 429, "too_many_requests")
        assert 0 < int(refused.headers["retry-after"]) <= 60
        assert (await client.get(ME, headers=ada.headers)).status_code == 200
        assert (await refresh(client, bob.refresh_token)).status_code == 200

    async def test_no_database(
        self, running: RunningApp, client: httpx2.AsyncClient, ada: Person
    ) -> None:
        """Without a database the token is neither accepted nor refused."""
        lose_database(running)
        refused = await refresh(client, ada.refresh_token)
        problem(refused, 503, "database_unavailable")
        assert int(refused.headers["retry-after"]) >= 1


class TestNoGrace:
    """REFRESH_GRACE_SECONDS=0."""

    @pytest.fixture
    def settings(self, make: MakeSettings) -> Settings:
        """No time to come again once the successor was used."""
        return make(refresh_grace_seconds=0)

    async def test_confirmed_successor_counts_at_once(
        self, client: httpx2.AsyncClient, ada: Person, clock: FakeClock
    ) -> None:
        """A second after the rotation the old token is in two hands."""
        owner = await refreshed(client, ada)
        await client.get(ME, headers=owner.headers)
        clock.tick(seconds=1)
        assert reason(await refresh(client, ada.refresh_token)) == "token_reused"
