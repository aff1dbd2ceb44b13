"""POST /api/v1/auth/login: who must wait, and who must not."""

import httpx2
import pytest

from app.core.config import Settings
from tests.conftest import MakeSettings
from tests.support.apps import RunningApp, browse
from tests.support.people import API, PASSWORD, Person, register
from tests.support.problems import problem
from tests.support.services import full_queue

LOGIN = f"{API}/auth/login"
ADA = {"email": "ada@example.com", "password": PASSWORD}
WRONG = ADA | {"password": "wrong horse battery"}


async def guess(client: httpx2.AsyncClient, times: int, **headers: str) -> None:
    """Try a wrong password so often; each one is looked at."""
    for _ in range(times):
        refused = await client.post(LOGIN, json=WRONG, headers=headers)
        problem(refused, 401, "invalid_credentials")


async def device_of(client: httpx2.AsyncClient, person: Person) -> str:
    """Return what a device keeps after this person has signed in on it."""
    body = {"email": person.email, "password": person.password}
    return str((await client.post(LOGIN, json=body)).headers["cardea-device"])


class TestStrangers:
    """Guesses from devices that never signed in to the account."""

    async def test_account_makes_them_wait(
        self, client: httpx2.AsyncClient, ada: Person
    ) -> None:
        """After ten wrong guesses even the right one waits."""
        await guess(client, 10)
        refused = await client.post(LOGIN, json=ADA)
        problem(refused, 429, "too_many_requests")
        assert 0 < int(refused.headers["retry-after"]) <= 300

    async def test_unknown_account_makes_them_wait_too(
        self, client: httpx2.AsyncClient
    ) -> None:
        """Waiting does not tell which addresses have accounts."""
        await guess(client, 10)
        problem(await client.post(LOGIN, json=WRONG), 429, "too_many_requests")

    async def test_other_spelling_is_the_same_account(
        self, client: httpx2.AsyncClient, ada: Person
    ) -> None:
        """Another spelling of the address gives no more guesses."""
        await guess(client, 10)
        body = WRONG | {"email": "ADA@example.com"}
        problem(await client.post(LOGIN, json=body), 429, "too_many_requests")

    async def test_other_accounts_go_on(
        self, client: httpx2.AsyncClient, ada: Person, bob: Person
    ) -> None:
        """Guesses at one account don't make others wait."""
        await guess(client, 10)
        body = {"email": bob.email, "password": PASSWORD}
        assert (await client.post(LOGIN, json=body)).status_code == 200

    async def test_network_makes_them_wait(
        self, running: RunningApp, client: httpx2.AsyncClient, ada: Person
    ) -> None:
        """After fifty wrong guesses at many accounts the network waits, only it."""
        for number in range(50):
            body = WRONG | {"email": f"user{number}@example.com"}
            problem(await client.post(LOGIN, json=body), 401, "invalid_credentials")
        problem(await client.post(LOGIN, json=ADA), 429, "too_many_requests")
        async with browse(running.app, "198.51.100.1") as elsewhere:
            assert (await elsewhere.post(LOGIN, json=ADA)).status_code == 200

    async def test_right_passwords_do_not_count(
        self, client: httpx2.AsyncClient, ada: Person
    ) -> None:
        """Who signs in well may do so as often as they like."""
        for _ in range(12):
            assert (await client.post(LOGIN, json=ADA)).status_code == 200


class TestDeviceLane:
    """Devices that have signed in to the account before."""

    async def test_owner_is_not_locked_out(
        self, client: httpx2.AsyncClient, ada: Person
    ) -> None:
        """A known device signs in while strangers must wait."""
        device = await device_of(client, ada)
        await guess(client, 10)
        problem(await client.post(LOGIN, json=ADA), 429, "too_many_requests")
        owner = await client.post(LOGIN, json=ADA, headers={"Cardea-Device": device})
        assert owner.status_code == 200
        assert owner.headers["cardea-device"] == device

    async def test_browser_is_not_locked_out(
        self, running: RunningApp, client: httpx2.AsyncClient, ada: Person
    ) -> None:
        """A browser keeps its device token as a cookie, even after signing out."""
        await client.post(LOGIN, json=ADA | {"transport": "cookie"})
        await client.post(f"{API}/auth/logout")
        async with browse(running.app) as strangers:
            await guess(strangers, 10)
        again = await client.post(LOGIN, json=ADA | {"transport": "cookie"})
        assert again.status_code == 200

    async def test_lane_is_limited_too(
        self, client: httpx2.AsyncClient, ada: Person
    ) -> None:
        """A known device has ten guesses of its own, and leaves strangers theirs."""
        device = {"Cardea-Device": await device_of(client, ada)}
        await guess(client, 10, **device)
        refused = await client.post(LOGIN, json=ADA, headers=device)
        problem(refused, 429, "too_many_requests")
        assert (await client.post(LOGIN, json=ADA)).status_code == 200

    async def test_lane_is_for_one_account(
        self, client: httpx2.AsyncClient, ada: Person, bob: Person
    ) -> None:
        """A device of somebody else is a stranger."""
        device = await device_of(client, bob)
        await guess(client, 10)
        refused = await client.post(LOGIN, json=ADA, headers={"Cardea-Device": device})
        problem(refused, 429, "too_many_requests")

    @pytest.mark.parametrize(
        "change",
        [
            lambda token: token[:-1] + ("A" if token[-1] != "A" else "B"),
            lambda token: token[:-4],
            lambda token: token.removeprefix("cardea_dev_"),
            lambda token: "cardea_dev_" + "é",
            lambda token: "cardea_dev_",
        ],
        ids=["changed", "cut", "no prefix", "not base64", "empty"],
    )
    async def test_forged_token_is_a_stranger(
        self, client: httpx2.AsyncClient, ada: Person, change: object
    ) -> None:
        """A device token that we did not issue opens no lane and does no harm."""
        assert callable(change)
        forged = str(change(await device_of(client, ada))).encode("latin-1")
        await guess(client, 10)
        refused = await client.post(
            LOGIN, json=ADA, headers=[(b"Cardea-Device", forged)]
        )
        problem(refused, 429, "too_many_requests")

    async def test_forged_token_is_replaced(
        self, client: httpx2.AsyncClient, ada: Person
    ) -> None:
        """Who signs in with a bad device token gets a good one."""
        response = await client.post(LOGIN, json=ADA, headers={"Cardea-Device": "bad"})
        assert response.headers["cardea-device"].startswith("cardea_dev_")


class TestBehindAProxy:
    """TRUSTED_PROXIES."""

    @pytest.fixture
    def settings(self, make: MakeSettings) -> Settings:
        """A proxy at the address that test requests come from."""
        return make(trusted_proxies="192.0.2.1")

    async def test_client_is_named_by_the_proxy(
        self, client: httpx2.AsyncClient
    ) -> None:
        """The session's address is the one that the proxy saw."""
        ada = await register(client, "ada@example.com")
        forwarded = {"X-Forwarded-For": "203.0.113.66, 198.51.100.7"}
        signed_in = await client.post(LOGIN, json=ADA, headers=forwarded)
        ada.tokens = signed_in.json()
        listed = await client.get(f"{API}/users/me/sessions", headers=ada.headers)
        assert listed.json()["items"][0]["ip"] == "198.51.100.7"


class TestLimitsOff:
    """RATE_LIMITS=off."""

    @pytest.fixture
    def settings(self, make: MakeSettings) -> Settings:
        """No limits."""
        return make(rate_limits=False)

    async def test_nobody_waits(self, client: httpx2.AsyncClient, ada: Person) -> None:
        """Wrong guesses make nobody wait, and right ones work."""
        await guess(client, 12)
        assert (await client.post(LOGIN, json=ADA)).status_code == 200


class TestBusy:
    """More sign-ins at once than the service can check."""

    async def test_overflow_is_refused_at_once(
        self, running: RunningApp, client: httpx2.AsyncClient, ada: Person
    ) -> None:
        """With a full queue sign-in answers 503; all else, and later ones, go on."""
        async with full_queue(running):
            refused = await client.post(LOGIN, json=ADA)
            problem(refused, 503, "busy")
            assert int(refused.headers["retry-after"]) >= 1
            me = await client.get(f"{API}/users/me", headers=ada.headers)
            assert me.status_code == 200
        assert (await client.post(LOGIN, json=ADA)).status_code == 200

    async def test_overflow_is_no_wrong_guess(
        self, running: RunningApp, client: httpx2.AsyncClient, ada: Person
    ) -> None:
        """Being refused for the load does not count against anybody."""
        async with full_queue(running):
            for _ in range(12):
                problem(await client.post(LOGIN, json=ADA), 503, "busy")
        assert (await client.post(LOGIN, json=ADA)).status_code == 200
