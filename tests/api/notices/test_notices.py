"""What people are told about their account without asking."""

import httpx2
import pytest

from app.core.config import Settings
from app.services.container import Services
from tests.conftest import MakeSettings
from tests.support.apps import RunningApp
from tests.support.clock import FakeClock
from tests.support.devices import (
    CHROME,
    ELSEWHERE,
    FIREFOX,
    HOME,
    device,
    sign_in_on,
)
from tests.support.mailbox import kinds_of_mail, last_mail, prove
from tests.support.notices import change_password, refresh, reuse_token, told
from tests.support.people import API, PASSWORD, Person, register, sign_in
from tests.support.problems import problem, reason

LOGIN = f"{API}/auth/login"
ME = f"{API}/users/me"
NEW = "nine quiet herons"


class TestNewDevice:
    """A sign-in as nobody has signed in before."""

    @pytest.mark.parametrize(
        ("agent", "address"),
        [(CHROME, HOME), (FIREFOX, ELSEWHERE), (CHROME, ELSEWHERE)],
        ids=["another device", "another address", "both"],
    )
    async def test_is_told(
        self, running: RunningApp, services: Services, agent: str, address: str
    ) -> None:
        """Its owner learns when, on which device and from where."""
        at_home = device(running, FIREFOX, HOME)
        ada = await prove(services, await register(at_home, "ada@example.com"))
        await sign_in_on(at_home, ada)
        await sign_in_on(device(running, agent, address), ada)
        mail = await last_mail(services, ada.email)
        assert mail.kind == "new_device"
        name = "Chrome on Windows" if agent == CHROME else "Firefox on Linux"
        assert name in mail.text and address in mail.text
        assert "June 1, 2026, 12:00 UTC" in mail.text

    async def test_known_by_being_thrown_out(
        self, running: RunningApp, services: Services
    ) -> None:
        """Whose session was ended by its owner is no device that is known."""
        at_home = device(running, FIREFOX, HOME)
        ada = await prove(services, await register(at_home, "ada@example.com"))
        ada = await sign_in(at_home, ada)
        await sign_in_on(device(running), ada)
        everywhere = f"{API}/auth/logout-all"
        assert (await at_home.post(everywhere, headers=ada.headers)).status_code == 204
        before = await told(services, ada, "new_device")
        await sign_in_on(device(running), ada)
        assert await told(services, ada, "new_device") == before + 1

    async def test_first_sign_in(self, running: RunningApp, services: Services) -> None:
        """Nobody is told of their first sign-in, wherever they have signed up."""
        at_home = device(running, FIREFOX, HOME)
        await prove(services, ada := await register(at_home, "ada@example.com"))
        await sign_in_on(device(running), ada)
        assert await kinds_of_mail(services, ada.email) == ["verify_email"]

    async def test_unproven(self, running: RunningApp, services: Services) -> None:
        """An address that nobody has proven may be a stranger's: it is told nothing."""
        ada = await register(device(running, FIREFOX, HOME), "ada@example.com")
        await sign_in_on(device(running, FIREFOX, HOME), ada)
        await sign_in_on(device(running, CHROME, ELSEWHERE), ada)
        assert await kinds_of_mail(services, ada.email) == ["verify_email"]

    async def test_known_by_its_token(
        self, running: RunningApp, services: Services, ada: Person
    ) -> None:
        """Who shows a device token of the account is known, wherever they are."""
        first = await sign_in_on(running.client, ada)
        token = first.headers["cardea-device"]
        await sign_in_on(device(running), ada, token)
        assert await told(services, ada, "new_device") == 0

    async def test_known_by_its_cookie(
        self, running: RunningApp, services: Services, ada: Person
    ) -> None:
        """So is a browser, which shows it in a cookie."""
        browser = running.client
        body = {"email": ada.email, "password": PASSWORD, "transport": "cookie"}
        await browser.post(LOGIN, json=body)
        browser.headers["User-Agent"] = CHROME
        assert (await browser.post(LOGIN, json=body)).status_code == 200
        assert await told(services, ada, "new_device") == 0
        browser.cookies.clear()
        browser.headers["User-Agent"] = FIREFOX
        await browser.post(LOGIN, json=body)
        assert await told(services, ada, "new_device") == 1

    @pytest.mark.parametrize("whose", ["forged", "of another account"])
    async def test_token_that_is_not_theirs(
        self,
        running: RunningApp,
        services: Services,
        ada: Person,
        bob: Person,
        whose: str,
    ) -> None:
        """A device token that is not of this account makes nobody known."""
        token = "cardea_dev_" + "A" * 64
        if whose != "forged":
            answer = await sign_in_on(running.client, bob)
            token = answer.headers["cardea-device"]
        await sign_in_on(device(running), ada, token)
        assert await told(services, ada, "new_device") == 1

    async def test_seen_before(
        self, running: RunningApp, services: Services, ada: Person
    ) -> None:
        """A program that keeps no token is told of once, signed out meanwhile too."""
        for _ in range(2):
            answer = await sign_in_on(device(running), ada)
            token = answer.json()["access_token"]
            headers = {"Authorization": f"Bearer {token}"}
            await running.client.post(f"{API}/auth/logout", headers=headers)
        assert await told(services, ada, "new_device") == 1

    async def test_seen_at_another_account(
        self, running: RunningApp, services: Services, ada: Person, bob: Person
    ) -> None:
        """What another account's owner signs in with is new to this one."""
        await sign_in_on(device(running), bob)
        await sign_in_on(device(running), ada)
        assert await told(services, ada, "new_device") == 1

    async def test_failed(
        self, running: RunningApp, services: Services, ada: Person
    ) -> None:
        """Wrong passwords are not told of: anybody could have mail sent with them."""
        body = {"email": ada.email, "password": "some other words"}
        refused = await device(running).post(LOGIN, json=body)
        problem(refused, 401, "invalid_credentials")
        assert await told(services, ada, "new_device") == 0

    async def test_disabled(
        self, running: RunningApp, services: Services, ada: Person, admin: Person
    ) -> None:
        """Nor is the right one, where it begins no session."""
        path, off = f"{API}/users/{ada.id}", {"status": "disabled"}
        await running.client.patch(path, json=off, headers=admin.headers)
        body = {"email": ada.email, "password": PASSWORD}
        refused = await device(running).post(LOGIN, json=body)
        problem(refused, 403, "account_disabled")
        assert await told(services, ada, "new_device") == 0


class TestSignInByMail:
    """MAIL_SIGN_IN=on."""

    @pytest.fixture
    def settings(self, make: MakeSettings) -> Settings:
        """People sign in by mail."""
        return make(mail_sign_in=True, rate_limits=False)

    async def test_is_not_told(
        self, running: RunningApp, services: Services, ada: Person
    ) -> None:
        """Who signs in by mail reads it: there is nobody to be told."""
        elsewhere = device(running)
        await elsewhere.post(f"{API}/auth/magic", json={"email": ada.email})
        mail = await last_mail(services, ada.email)
        passed = await elsewhere.post(f"{API}/auth/magic/verify", json=mail.by_link)
        assert passed.status_code == 200
        assert await told(services, ada, "new_device") == 0


class TestPasswordChanged:
    """A new password."""

    async def test_changed(
        self, client: httpx2.AsyncClient, services: Services, ada: Person
    ) -> None:
        """Who changes it is told, with a link."""
        client.headers["User-Agent"] = CHROME
        await change_password(client, ada, NEW)
        mail = await last_mail(services, ada.email)
        assert mail.kind == "password_changed"
        assert "Chrome on Windows" in mail.text and HOME in mail.text
        assert "/links/sign-out-others?token=" in mail.text

    async def test_reset(
        self, client: httpx2.AsyncClient, services: Services, ada: Person
    ) -> None:
        """So is who sets a new one by mail."""
        device_token = (await sign_in_on(client, ada)).headers["cardea-device"]
        known = {"Cardea-Device": device_token}
        asked = {"email": ada.email}
        await client.post(f"{API}/auth/password/forgot", json=asked, headers=known)
        proof = (await last_mail(services, ada.email)).by_link
        body = proof | {"new_password": NEW}
        await client.post(f"{API}/auth/password/reset", json=body)
        assert (await last_mail(services, ada.email)).kind == "password_changed"

    @pytest.mark.parametrize(
        ("current", "new"),
        [("some other words", NEW), (PASSWORD, "short")],
        ids=["wrong", "bad"],
    )
    async def test_refused(
        self,
        client: httpx2.AsyncClient,
        services: Services,
        ada: Person,
        current: str,
        new: str,
    ) -> None:
        """What has not happened is not told of."""
        body = {"current_password": current, "new_password": new}
        await client.post(f"{ME}/password", json=body, headers=ada.headers)
        assert await told(services, ada, "password_changed") == 0


class TestTokenReused:
    """A refresh token in two hands."""

    async def test_both_are_told_of(
        self, running: RunningApp, services: Services
    ) -> None:
        """The notice names the device of the session and who came with the copy."""
        at_home, stranger = device(running, FIREFOX, HOME), device(running)
        ada = await sign_in(at_home, await register(at_home, "ada@example.com"))
        await prove(services, ada)
        token = ada.refresh_token
        for _ in range(2):
            token = (await refresh(at_home, token)).json()["refresh_token"]
        ended = await refresh(stranger, ada.refresh_token)
        assert reason(ended) == "token_reused"
        mail = await last_mail(services, ada.email)
        assert mail.kind == "token_reused"
        sessions_own, _, copy = mail.text.partition("once more here:")
        assert "Firefox on Linux" in sessions_own and HOME in sessions_own
        assert "Chrome on Windows" in copy and ELSEWHERE in copy
        assert "Chrome on Windows" not in sessions_own
        assert "/links/sign-out-others?token=" in mail.text

    async def test_once(
        self, client: httpx2.AsyncClient, services: Services, ada: Person
    ) -> None:
        """However often the copies come, the end of the session is told of once."""
        newest = await reuse_token(client, ada)
        for token in (ada.refresh_token, newest):
            assert reason(await refresh(client, token)) == "token_reused"
        assert await told(services, ada, "token_reused") == 1

    async def test_ended_otherwise(
        self,
        client: httpx2.AsyncClient,
        services: Services,
        ada: Person,
        clock: FakeClock,
    ) -> None:
        """A session whose time is over has been in nobody else's hands."""
        clock.tick(days=31)
        ended = await refresh(client, ada.refresh_token)
        assert reason(ended) == "idle_timeout"
        assert await told(services, ada, "token_reused") == 0
