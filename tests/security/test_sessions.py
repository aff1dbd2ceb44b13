"""Sessions that should have ended, or are only said to have."""

from collections.abc import Awaitable, Callable

import httpx2
import pytest

from app.core.config import Settings
from tests.support.apps import RunningApp, browse
from tests.support.outages import commits_fail
from tests.support.people import API, PASSWORD, Person, sign_in
from tests.support.problems import problem, reason
from tests.support.refreshing import refresh
from tests.support.services import interrupted

ME, USERS = f"{API}/users/me", f"{API}/users"
LOGOUT = f"{API}/auth/logout"
CREDENTIALS = {"email": "ada@example.com", "password": PASSWORD}
CHANGE = {"current_password": PASSWORD, "new_password": "nine quiet herons"}
GRANT = {"grant_type": "password", "username": "ada@example.com", "password": PASSWORD}


async def disable(
    client: httpx2.AsyncClient, ada: Person, admin: Person, status: str = "disabled"
) -> httpx2.Response:
    """An admin disables Ada."""
    path, body = f"{USERS}/{ada.id}", {"status": status}
    return await client.patch(path, json=body, headers=admin.headers)


class TestPasswordChange:
    """CVE-2026-22706: a new password ended no session unless the caller named a
    device, so that whoever held a refresh token stayed in."""

    async def test_ends_what_began_with_the_old_one(
        self, running: RunningApp, client: httpx2.AsyncClient, ada: Person
    ) -> None:
        """However it began; only the session that changed it goes on."""
        other = await sign_in(client, ada)
        granted = (await client.post(f"{API}/auth/token", data=GRANT)).json()
        async with browse(running.app) as browser:
            body = {**CREDENTIALS, "transport": "cookie"}
            assert (await browser.post(f"{API}/auth/login", json=body)).is_success
            changed = await client.post(
                f"{ME}/password", json=CHANGE, headers=ada.headers
            )
            assert changed.status_code == 204
            assert reason(await browser.get(ME)) == "password_changed"
            by_cookie = await browser.post(f"{API}/auth/refresh")
            assert reason(by_cookie) == "password_changed"
        for token in (other.refresh_token, granted["refresh_token"]):
            assert reason(await refresh(client, token)) == "password_changed"
        for token in (other.tokens["access_token"], granted["access_token"]):
            me = await client.get(ME, headers={"Authorization": f"Bearer {token}"})
            assert reason(me) == "password_changed"
        assert (await refresh(client, ada.refresh_token)).status_code == 200


class TestDeactivation:
    """CVE-2025-64521: a deactivated account could still authenticate, by a way that
    did not look at its state."""

    async def test_ends_sessions_and_every_way_in(
        self, client: httpx2.AsyncClient, ada: Person, admin: Person
    ) -> None:
        """Tokens die at once, and the right password opens no door."""
        assert (await disable(client, ada, admin)).status_code == 200
        assert reason(await client.get(ME, headers=ada.headers)) == "user_disabled"
        assert reason(await refresh(client, ada.refresh_token)) == "user_disabled"
        login = await client.post(f"{API}/auth/login", json=CREDENTIALS)
        problem(login, 403, "account_disabled")
        grant = await client.post(f"{API}/auth/token", data=GRANT)
        assert (grant.status_code, grant.json()["error"]) == (400, "invalid_grant")

    async def test_sign_in_that_is_under_way(
        self,
        running: RunningApp,
        client: httpx2.AsyncClient,
        ada: Person,
        admin: Person,
    ) -> None:
        """A password that was right a moment before begins no session."""
        interrupted(running).after_verify = lambda: disable(client, ada, admin)
        login = await client.post(f"{API}/auth/login", json=CREDENTIALS)
        problem(login, 403, "account_disabled")

    async def test_enabling_revives_nothing(
        self, client: httpx2.AsyncClient, ada: Person, admin: Person
    ) -> None:
        """The account may sign in again; its old tokens stay dead."""
        await disable(client, ada, admin)
        assert (await disable(client, ada, admin, "active")).status_code == 200
        assert reason(await client.get(ME, headers=ada.headers)) == "user_disabled"
        assert reason(await refresh(client, ada.refresh_token)) == "user_disabled"
        await sign_in(client, ada)


Act = Callable[[httpx2.AsyncClient, Person, Person], Awaitable[httpx2.Response]]
REVOCATIONS: dict[str, Act] = {
    "sign-out": lambda client, ada, _: client.post(LOGOUT, headers=ada.headers),
    "sign-out-everywhere": lambda client, ada, _: client.post(
        f"{LOGOUT}-all", headers=ada.headers
    ),
    "one-session": lambda client, ada, _: client.delete(
        f"{ME}/sessions/{ada.session_id}", headers=ada.headers
    ),
    "by-an-admin": lambda client, ada, admin: client.post(
        f"{USERS}/{ada.id}/logout", headers=admin.headers
    ),
    "deactivation": disable,
}


class TestRevocationThatFails:
    """CVE-2020-15223: a revocation answered 200 although the storage had failed, and
    the token was still good."""

    @pytest.mark.parametrize("revoke", REVOCATIONS.values(), ids=REVOCATIONS)
    async def test_is_not_acknowledged(
        self,
        client: httpx2.AsyncClient,
        settings: Settings,
        ada: Person,
        admin: Person,
        revoke: Act,
    ) -> None:
        """What was not saved is a 503 to be tried again, and then it holds."""
        for person in (ada, admin):
            assert (await client.get(ME, headers=person.headers)).status_code == 200
        async with commits_fail(settings, "sessions"):
            problem(await revoke(client, ada, admin), 503, "database_unavailable")
        assert (await client.get(ME, headers=ada.headers)).status_code == 200
        assert (await revoke(client, ada, admin)).is_success
        me = await client.get(ME, headers=ada.headers)
        problem(me, 401, "session_ended")

    async def test_leaves_the_browser_its_cookies(
        self, running: RunningApp, settings: Settings, ada: Person
    ) -> None:
        """Whoever has not been signed out does not look as if."""
        async with browse(running.app) as browser:
            body = {**CREDENTIALS, "transport": "cookie"}
            await browser.post(f"{API}/auth/login", json=body)
            assert (await browser.get(ME)).status_code == 200
            async with commits_fail(settings, "sessions"):
                failed = await browser.post(LOGOUT)
            problem(failed, 503, "database_unavailable")
            assert "set-cookie" not in failed.headers
            assert (await browser.get(ME)).status_code == 200
