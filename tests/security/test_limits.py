"""Limits that are passed by, or turned against those whom they protect."""

import asyncio
import time

import httpx2
import pytest

from app.core.config import Settings
from app.database import Database
from app.services.passwords import Passwords
from tests.conftest import MakeSettings
from tests.security.guessing import ADA, LOGIN, PER_ACCOUNT, TOKEN, guess
from tests.support.apps import RunningApp
from tests.support.people import API, PASSWORD, Person, register, sign_in
from tests.support.problems import problem
from tests.support.refreshing import refreshed
from tests.support.services import CountingPool, no_breaches, put_passwords
from tests.support.stored import number_of_sessions

ME = f"{API}/users/me"


async def use_up(running: RunningApp, times: int = PER_ACCOUNT) -> None:
    """Guess at Ada's password until strangers have to wait."""
    for _ in range(times):
        assert (await guess(running)).status_code == 401


class TestLetterCase:
    """CVE-2026-47203: failures were counted under the name as typed, so that every
    spelling of it had guesses of its own."""

    @pytest.mark.parametrize("path", [LOGIN, TOKEN])
    async def test_spellings_share_their_guesses(
        self, running: RunningApp, ada: Person, path: str
    ) -> None:
        """Ten spellings have ten guesses together, at every door."""
        for n in range(PER_ACCOUNT):
            spelling = ADA[:n] + ADA[n:].upper()
            assert (await guess(running, spelling, path=path)).status_code in (400, 401)
        for spelling in (ADA, "ａｄａ@example.com", "Ada@Example.com"):
            for door in (LOGIN, TOKEN):
                answer = await guess(running, spelling, PASSWORD, path=door)
                assert answer.status_code == 429


class TestSlashes:
    """GHSA-x732-6j76-qmhm: the router took `//path` for `/path`, while the limits,
    keyed by path, did not."""

    @pytest.mark.parametrize(
        "path",
        [
            f"/{LOGIN}",
            f"//{LOGIN}",
            f"{API}//auth/login",
            f"{LOGIN}/",
            f"{LOGIN}//",
            f"{API}/./auth/login",
            f"{API}/x/../auth/login",
            f"{API}/%2fauth/login",
            f"{API}/Auth/Login",
            f"{LOGIN};x",
        ],
    )
    async def test_no_other_path_signs_in(
        self, running: RunningApp, ada: Person, database: Database, path: str
    ) -> None:
        """Nothing but the path itself looks at a password, right or wrong."""
        assert (await guess(running, ADA, PASSWORD, path=path)).status_code == 404
        await use_up(running)
        assert (await guess(running, ADA, PASSWORD, path=path)).status_code == 404
        assert (await guess(running, ADA, PASSWORD)).status_code == 429
        assert await number_of_sessions(database, ada.id) == 1


class TestParallelGuesses:
    """CVE-2023-47111: failures were counted after the password was checked, so that
    guesses sent at once were all checked."""

    async def test_no_more_are_looked_at(
        self, running: RunningApp, ada: Person
    ) -> None:
        """Of forty at once, at both doors, ten cost a hash and thirty wait."""
        pool = CountingPool(queue_size=100)
        settings = running.services.settings
        put_passwords(running, Passwords(settings, pool, no_breaches()))
        doors = [LOGIN, TOKEN] * 20
        answers = await asyncio.gather(*[guess(running, path=d) for d in doors])
        assert pool.runs == PER_ACCOUNT
        statuses = [answer.status_code for answer in answers]
        assert statuses.count(429) == len(doors) - PER_ACCOUNT
        assert (await guess(running, ADA, PASSWORD)).status_code == 429
        assert pool.runs == PER_ACCOUNT


class TestLockoutOfTheOwner:
    """GHSA-cq42-vhv7-xr7p: whoever knew a name could have its owner locked out, by
    failing in it."""

    @pytest.fixture
    def settings(self, make: MakeSettings) -> Settings:
        """Limits go by the time of the test here, so they are not Redis's."""
        return make(redis_url="")

    async def test_known_device_has_its_own_lane(
        self, running: RunningApp, client: httpx2.AsyncClient, ada: Person
    ) -> None:
        """Strangers wait; a device that has signed in before does not."""
        body = {"email": ADA, "password": PASSWORD}
        device = (await client.post(LOGIN, json=body)).headers["cardea-device"]
        await use_up(running)
        assert (await guess(running, ADA, PASSWORD)).status_code == 429
        lane = ("cardea-device", device)
        assert (await guess(running, ADA, PASSWORD, lane)).status_code == 200

    async def test_sessions_go_on(
        self, running: RunningApp, client: httpx2.AsyncClient, ada: Person
    ) -> None:
        """Whoever is signed in stays so, and is refreshed."""
        await use_up(running)
        later = await refreshed(client, ada)
        assert (await client.get(ME, headers=later.headers)).status_code == 200

    async def test_wait_ends_when_it_said(
        self,
        running: RunningApp,
        client: httpx2.AsyncClient,
        ada: Person,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """No lock is permanent: after `Retry-After` the owner signs in anywhere."""
        await use_up(running)
        answer = await guess(running, ADA, PASSWORD)
        problem(answer, 429, "too_many_requests")
        later = time.time() + int(answer.headers["retry-after"])
        assert later <= time.time() + 300
        monkeypatch.setattr(time, "time", lambda: later)
        await sign_in(client, ada)

    async def test_name_is_nobodys_address(
        self, client: httpx2.AsyncClient, ada: Person
    ) -> None:
        """Who calls themselves by another's address does not stand in their way."""
        eve = await sign_in(client, await register(client, "eve@example.com"))
        body = {"display_name": ADA}
        assert (await client.patch(ME, json=body, headers=eve.headers)).is_success
        assert (await sign_in(client, ada)).id == ada.id
