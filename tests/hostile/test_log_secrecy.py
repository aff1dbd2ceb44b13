"""No password, token, cookie or whole address is ever in a log, at any level."""

from collections.abc import AsyncIterator, Iterator
from typing import Literal

import httpx2
import pytest

from app.core.config import Settings
from tests.conftest import MakeSettings
from tests.hostile.naughty import TEXTS, has_surrogates
from tests.support.apps import RunningApp, browse
from tests.support.crashes import add_crashes
from tests.support.hostile import JSON, send
from tests.support.logs import Log, written_log
from tests.support.outsiders import execute
from tests.support.people import API, PASSWORD, Person, register, sign_in
from tests.support.servers.range_api import RangeApi, sha1

WRONG = "a wrong guess at it"
BREACHED = "letters from the breach"
NEW = "nine quiet herons"
FORGED = "forged-and-sent-everywhere"
ADDRESSES = ("ada@example.com", "eve@example.com", "root@example.com")
REFRESH = f"{API}/auth/refresh"
LOGIN = f"{API}/auth/login"
ME = f"{API}/users/me"
REFUSE_ON = {
    True: "CREATE TRIGGER never BEFORE UPDATE ON users "
    "BEGIN SELECT RAISE(ABORT, 'never'); END",
    False: "ALTER TABLE users ADD CONSTRAINT never CHECK (false) NOT VALID",
}
"""By whether it is SQLite: has the database refuse every change of an account."""


@pytest.fixture
async def ranges() -> AsyncIterator[RangeApi]:
    """The service that knows which passwords are breached."""
    async with RangeApi(breached=[BREACHED]) as ranges:
        yield ranges


@pytest.fixture(params=["json", "console"])
def log_format(request: pytest.FixtureRequest) -> Literal["json", "console"]:
    """Both ways to write a line."""
    chosen: Literal["json", "console"] = request.param
    return chosen


@pytest.fixture
def settings(make: MakeSettings, ranges: RangeApi, log_format: str) -> Settings:
    """Everything that can be said is said, and breached passwords are asked for."""
    return make(
        log_level="debug", log_format=log_format, breached_passwords_url=ranges.url
    )


@pytest.fixture
def log(settings: Settings) -> Iterator[Log]:
    """What every logger of the process writes where all is said that can be.

    Libraries would tell more at their lowest level, aiosqlite even what is stored:
    LOG_LEVEL must not reach them.
    """
    with written_log(settings) as log:
        yield log


@pytest.fixture
async def client(log: Log, running: RunningApp) -> httpx2.AsyncClient:
    """A client of an app that has been logging from its first line."""
    add_crashes(running.app)
    return running.client


def secrets_of(*people: Person) -> list[str]:
    """Return what nobody but these people may know, in whole and in part."""
    secrets = []
    for person in people:
        for token in (person.tokens["access_token"], person.refresh_token):
            secrets += [token, *(part for part in token.split(".") if len(part) > 20)]
    return secrets


def assert_silent(log: Log, *secrets: str) -> None:
    """Refuse a log that holds any of these, or a password or address of the tests."""
    digest = sha1(BREACHED)
    always = (
        PASSWORD,
        WRONG,
        BREACHED,
        NEW,
        FORGED,
        *ADDRESSES,
        digest[5:],
        digest[:5],
    )
    told = [secret for secret in (*always, *secrets) if secret and secret in log.text]
    assert not told
    assert "request.answered" in log.text, "nothing was logged: the test sees nothing"


class TestPeople:
    """What people do, right and wrong."""

    async def test_signing_up_in_and_out(
        self, client: httpx2.AsyncClient, log: Log, ranges: RangeApi
    ) -> None:
        """A whole life of an account leaves no secret behind."""
        ada = await sign_in(client, await register(client, "ada@example.com"))
        body = {"refresh_token": ada.refresh_token}
        second = Person(
            ada.email, tokens=(await client.post(REFRESH, json=body)).json()
        )
        change = {"current_password": PASSWORD, "new_password": NEW}
        changed = await client.post(
            f"{ME}/password", json=change, headers=second.headers
        )
        assert changed.status_code == 204
        reused = await client.post(REFRESH, json=body)
        out = await client.post(f"{API}/auth/logout", headers=second.headers)
        deleted = await client.request(
            "DELETE", ME, json={"password": NEW}, headers=second.headers
        )
        assert [reused.status_code, out.status_code] == [200, 204]
        assert deleted.status_code == 401
        assert ranges.requests
        assert_silent(log, *secrets_of(ada, second))

    async def test_browser(
        self, client: httpx2.AsyncClient, running: RunningApp, log: Log
    ) -> None:
        """Neither do cookies."""
        await register(client, "ada@example.com")
        async with browse(running.app) as browser:
            body = {"email": "ada@example.com", "password": PASSWORD}
            await browser.post(LOGIN, json={**body, "transport": "cookie"})
            await browser.get(ME)
            await browser.post(REFRESH)
            values = [cookie.value or "" for cookie in browser.cookies.jar]
            await browser.post(REFRESH, headers={"Origin": "https://evil.example"})
            await browser.post(f"{API}/auth/logout")
        assert len(values) == 3
        assert_silent(log, *values)

    async def test_wrong_passwords(self, client: httpx2.AsyncClient, log: Log) -> None:
        """Guesses are logged as such, up to the limit and over it, but not shown."""
        await register(client, "ada@example.com")
        statuses = set()
        for email in ("ada@example.com", "eve@example.com"):
            for _ in range(12):
                body = {"email": email, "password": WRONG}
                statuses.add((await client.post(LOGIN, json=body)).status_code)
                form = {"grant_type": "password", "username": email, "password": WRONG}
                await client.post(f"{API}/auth/token", data=form)
        assert statuses == {401, 429}
        assert "auth.sign_in_failed" in log.text
        assert_silent(log)

    async def test_refused_passwords(
        self, client: httpx2.AsyncClient, log: Log, ranges: RangeApi
    ) -> None:
        """Neither a breached password nor the range it was asked for is logged."""
        body = {"email": "ada@example.com", "password": BREACHED}
        refused = await client.post(f"{API}/auth/register", json=body)
        assert refused.json()["code"] == "password_breached"
        await ranges.refuse()
        skipped = await client.post(f"{API}/auth/register", json=body)
        assert skipped.status_code == 201
        assert "breached_passwords.skipped" in log.text
        assert_silent(log)


class TestStrangers:
    """What strangers send."""

    async def test_forged_tokens(
        self, client: httpx2.AsyncClient, running: RunningApp, log: Log
    ) -> None:
        """Bad tokens in every place, and good ones in wrong places."""
        ada = await sign_in(client, await register(client, "ada@example.com"))
        good = ada.tokens["access_token"]
        for token in (
            FORGED,
            f"{good}x",
            good[:-3],
            ada.refresh_token,
            f"{good}, {good}",
        ):
            for header in (
                ("authorization", f"Bearer {token}"),
                ("authorization", f"Basic {token}"),
                ("authorization", token),
                ("cookie", f"cardea_access={token}; cardea_refresh={token}"),
                ("cardea-device", token),
                ("x-request-id", f"{token} "),
                ("x-forwarded-for", token),
                ("user-agent", token),
                ("referer", f"http://localhost:8000/?token={token}"),
                ("host", token),
            ):
                for method, path in (
                    ("GET", f"{ME}?access_token={token}"),
                    ("POST", f"{API}/auth/logout"),
                    ("POST", REFRESH),
                    ("GET", f"/{token}"),
                    ("DELETE", f"{ME}/sessions/{token}"),
                ):
                    await send(running.app, method, path, [header])
            await client.post(REFRESH, json={"refresh_token": token})
            form = {"grant_type": "refresh_token", "refresh_token": token}
            await client.post(f"{API}/auth/token", data=form)
        assert_silent(log, *secrets_of(ada))

    async def test_invalid_bodies(
        self, client: httpx2.AsyncClient, running: RunningApp, log: Log
    ) -> None:
        """A body that is refused is not kept in the log instead."""
        for content in (
            f'{{"email": "ada@example.com", "password": "{WRONG}"',
            f'{{"email": ["ada@example.com"], "password": "{WRONG}"}}',
            f'{{"email": "ada@example.com", "password": {{"x": "{WRONG}"}}}}',
            f'{{"email": "ada@example.com", "password": "{WRONG}", "{FORGED}": 1}}',
            f'{{"email": "ada@example.com\\u0000", "password": "{WRONG}\\ud800"}}',
            f'"{WRONG}"' + " " * 70_000,
        ):
            for path in (LOGIN, f"{API}/auth/register", f"{API}/auth/token"):
                for media_type in (JSON, ("content-type", "text/plain")):
                    body = [content.encode()]
                    response = await send(running.app, "POST", path, [media_type], body)
                    assert response.status_code in (400, 413, 415, 422)
        assert_silent(log)

    async def test_naughty_texts(
        self, client: httpx2.AsyncClient, log: Log, log_format: str
    ) -> None:
        """None of them gets into a log, where it could run or forge a line."""
        ada = await sign_in(client, await register(client, "ada@example.com"))
        told = [text for text in TEXTS.values() if len(text) > 10]
        for text in told:
            if not has_surrogates(text):
                body = {"display_name": text}
                await client.patch(ME, json=body, headers=ada.headers)
        assert_silent(log, *(t for t in told if t != TEXTS["nil-uuid"]))
        assert "\x1b" not in log.text


class TestCrash:
    """What the service itself does wrong."""

    @pytest.mark.one_process
    async def test_crash_with_secrets_at_hand(
        self, client: httpx2.AsyncClient, log: Log
    ) -> None:
        """The traceback shows code, not the request that met it."""
        ada = await sign_in(client, await register(client, "ada@example.com"))
        client.cookies.set("cardea_access", ada.tokens["access_token"])
        body = {"email": ada.email, "password": PASSWORD}
        headers = {**ada.headers, "Origin": "http://localhost:8000"}
        crashed = await client.post("/crash/endpoint", json=body, headers=headers)
        assert crashed.status_code == 500
        assert "Traceback (most recent call last)" in log.text
        assert_silent(log, *secrets_of(ada))

    async def test_database_that_refuses(
        self, client: httpx2.AsyncClient, settings: Settings, log: Log
    ) -> None:
        """What was to be stored is not in the error, nor is the password's hash."""
        ada = await sign_in(client, await register(client, "ada@example.com"))
        ((stored,),) = await execute(settings, "SELECT password_hash FROM users")
        await execute(settings, REFUSE_ON[settings.is_sqlite])
        body = {"display_name": "Ada of Secrecy"}
        refused = await client.patch(ME, json=body, headers=ada.headers)
        assert refused.status_code == 500
        change = {"current_password": PASSWORD, "new_password": NEW}
        await client.post(f"{ME}/password", json=change, headers=ada.headers)
        assert "request.crashed" in log.text
        assert_silent(log, "Ada of Secrecy", stored, "$2b$", *secrets_of(ada))

    async def test_first_admin(
        self, client: httpx2.AsyncClient, running: RunningApp, log: Log
    ) -> None:
        """Making an admin tells the log that, not who."""
        await running.services.setup.create_admin("root@example.com", PASSWORD)
        root = await sign_in(client, Person("root@example.com"))
        await client.get(f"{API}/users?q=root@example.com", headers=root.headers)
        made = {"email": "eve@example.com", "password": NEW}
        await client.post(f"{API}/users", json=made, headers=root.headers)
        assert "setup.admin_created" in log.text
        assert_silent(log, *secrets_of(root))
