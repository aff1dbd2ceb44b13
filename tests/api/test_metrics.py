"""GET /metrics."""

import asyncio
import os
import re
import sqlite3
from contextlib import AsyncExitStack, closing
from datetime import timedelta
from pathlib import Path

import httpx2
import pytest
from sqlalchemy import update

from app.core.config import Settings
from app.engines import SQLITE_READERS, sqlite_path
from app.models import Message
from tests.conftest import MakeSettings
from tests.support.apps import RunningApp, browse, run_app
from tests.support.clock import FakeClock
from tests.support.databases import make_settings
from tests.support.people import API, PASSWORD, Person, register, sign_in
from tests.support.problems import problem
from tests.support.processes import ROOT
from tests.support.services import full_queue, lose_database
from tests.support.statements import statements
from tests.unit.core.test_config_refusals import SAFE, lines_of, settings_of

TOKEN = "a-token-for-prometheus"
LOGIN = f"{API}/auth/login"
ME = f"{API}/users/me"
ADA = {"email": "ada@example.com", "password": PASSWORD}

_SAMPLE = re.compile(r"^(\w+)\{(.*)\} (\S+)$")


@pytest.fixture
def settings(make: MakeSettings) -> Settings:
    """A service whose metrics may be read."""
    return make(metrics_token=TOKEN, breached_passwords_url="http://127.0.0.1:9")


async def read(client: httpx2.AsyncClient) -> str:
    """Return what is said to whoever knows the token."""
    answer = await client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    assert answer.status_code == 200
    return answer.text


async def value(client: httpx2.AsyncClient, name: str, **labels: str) -> float:
    """Return the value of one series; 0 if there is none yet."""
    wanted = {f'{k}="{v}"' for k, v in {"process": os.getpid(), **labels}.items()}
    for line in (await read(client)).splitlines():
        sample = _SAMPLE.match(line)
        if sample and sample[1] == name and set(sample[2].split(",")) == wanted:
            return float(sample[3])
    return 0


class TestWhoMayRead:
    """The token."""

    def test_short_token(self) -> None:
        """A token that could be guessed stops the start, and is not repeated."""
        (line,) = lines_of(**SAFE, metrics_token="fifteen-letters")
        assert line == "METRICS_TOKEN: must have at least 16 characters"
        assert settings_of(**SAFE, metrics_token="sixteen-letters-").metrics_token

    async def test_not_there(self, make: MakeSettings) -> None:
        """Without METRICS_TOKEN the path is like any that does not exist."""
        async with run_app(make(), FakeClock()) as running:
            for headers in ({}, {"Authorization": f"Bearer {TOKEN}"}):
                for path in ("/metrics", "/nothing"):
                    for method in ("GET", "POST"):
                        answer = await running.client.request(
                            method, path, headers=headers
                        )
                        problem(answer, 404, "not_found")

    async def test_no_token(self, client: httpx2.AsyncClient) -> None:
        """Without a token it is refused, and says which kind it wants."""
        answer = await client.get("/metrics")
        problem(answer, 401, "not_authenticated")
        assert answer.headers["www-authenticate"] == "Bearer"

    @pytest.mark.parametrize(
        "sent",
        [
            "Bearer no",
            f"Bearer {TOKEN}x",
            f"Bearer {TOKEN[:-1]}",
            f"Basic {TOKEN}",
            TOKEN,
        ],
    )
    async def test_other_token(self, client: httpx2.AsyncClient, sent: str) -> None:
        """Another token is refused."""
        answer = await client.get("/metrics", headers={"Authorization": sent})
        problem(answer, 401, "invalid_token")

    async def test_odd_bytes(self, client: httpx2.AsyncClient) -> None:
        """So is one that is no text at all."""
        answer = await client.get(
            "/metrics", headers=[(b"Authorization", b"Bearer \xff\xfe")]
        )
        problem(answer, 401, "invalid_token")

    async def test_access_token(
        self, client: httpx2.AsyncClient, admin: Person
    ) -> None:
        """An administrator's access token is another thing."""
        answer = await client.get("/metrics", headers=admin.headers)
        problem(answer, 401, "invalid_token")

    async def test_form(self, client: httpx2.AsyncClient) -> None:
        """It is Prometheus's text format, and not to be kept by anybody."""
        headers = {"Authorization": f"Bearer {TOKEN}"}
        answer = await client.get("/metrics", headers=headers)
        assert answer.headers["content-type"].startswith("text/plain; version=")
        assert answer.headers["cache-control"] == "no-store"
        assert answer.text.startswith("# HELP ")


class TestRequests:
    """cardea_requests_total and cardea_request_seconds."""

    async def test_by_route(self, client: httpx2.AsyncClient, admin: Person) -> None:
        """Requests are counted under the route as declared, never the path."""
        route = "/api/v1/users/{user_id}"
        labels = {"method": "GET", "route": route, "status": "200"}
        before = await value(client, "cardea_requests_total", **labels)
        for _ in range(3):
            await client.get(f"{API}/users/{admin.id}", headers=admin.headers)
        assert await value(client, "cardea_requests_total", **labels) == before + 3
        assert admin.id not in await read(client)
        seconds = {"method": "GET", "route": route}
        assert await value(client, "cardea_request_seconds_count", **seconds) >= 3
        assert 0 < await value(client, "cardea_request_seconds_sum", **seconds)

    async def test_anything(self, client: httpx2.AsyncClient) -> None:
        """A thousand made-up methods and paths make one series."""
        before = len((await read(client)).splitlines())
        for number in range(1000):
            await client.request(f"M{number}", f"/nowhere/{number}")
        after = await read(client)
        assert len(after.splitlines()) - before < 30
        assert "nowhere" not in after and "M999" not in after


class TestEvents:
    """Counters of what happens."""

    async def test_sign_ins(self, client: httpx2.AsyncClient) -> None:
        """Good and bad ones are told apart."""
        ada = await register(client, "ada@example.com")
        name = "cardea_sign_ins_total"
        before = [await value(client, name, outcome=o) for o in ("succeeded", "failed")]
        await sign_in(client, ada)
        for _ in range(2):
            await client.post(LOGIN, json=ADA | {"password": "not the one"})
        after = [await value(client, name, outcome=o) for o in ("succeeded", "failed")]
        assert [b - a for a, b in zip(before, after, strict=True)] == [1, 2]

    async def test_limits(self, client: httpx2.AsyncClient) -> None:
        """Refusals are counted by the kind of limit."""
        labels = {"kind": "sign-in-account"}
        before = await value(client, "cardea_limits_refused_total", **labels)
        for _ in range(13):
            await client.post(LOGIN, json=ADA)
        assert (
            await value(client, "cardea_limits_refused_total", **labels) == before + 3
        )

    async def test_sessions_ended(
        self, client: httpx2.AsyncClient, ada: Person
    ) -> None:
        """Every session that ends is counted, one by one or many at once."""
        name = "cardea_sessions_ended_total"
        reasons = ("signed_out", "signed_out_elsewhere")
        before = [await value(client, name, reason=r) for r in reasons]
        for _ in range(3):
            last = await sign_in(client, ada)
        headers = last.headers
        await client.post(
            f"{API}/auth/logout-all", json={"keep_current": True}, headers=headers
        )
        await client.post(f"{API}/auth/logout", headers=headers)
        after = [await value(client, name, reason=r) for r in reasons]
        assert [b - a for a, b in zip(before, after, strict=True)] == [1, 3]

    async def test_expired_sessions(
        self, running: RunningApp, clock: FakeClock, ada: Person
    ) -> None:
        """So are those that nobody used any more."""
        labels = {"reason": "idle_timeout"}
        name = "cardea_sessions_ended_total"
        before = await value(running.client, name, **labels)
        clock.tick(days=31)
        await running.services.sessions.tidy()
        assert await value(running.client, name, **labels) == before + 1

    async def test_principals(self, client: httpx2.AsyncClient, ada: Person) -> None:
        """A caller who comes again is remembered."""
        name = "cardea_principal_lookups_total"
        before = [await value(client, name, result=r) for r in ("hit", "miss")]
        for _ in range(6):
            await client.get(ME, headers=ada.headers)
        after = [await value(client, name, result=r) for r in ("hit", "miss")]
        hits, misses = (b - a for a, b in zip(before, after, strict=True))
        assert hits + misses == 6 and misses >= 1

    async def test_database(self, running: RunningApp) -> None:
        """A database that does not answer is counted each time."""
        name = "cardea_database_unavailable_total"
        before = await value(running.client, name)
        lose_database(running)
        assert (await running.client.post(LOGIN, json=ADA)).status_code == 503
        assert await value(running.client, name) > before

    async def test_hashing(self, running: RunningApp) -> None:
        """The queue's length is shown, and who was turned away."""
        client = running.client
        before = await value(client, "cardea_hashing_refused_total")
        jobs = await value(client, "cardea_hashing_jobs")
        async with full_queue(running):
            assert (await client.post(LOGIN, json=ADA)).status_code == 503
            assert await value(client, "cardea_hashing_jobs") == jobs + 2
        assert await value(client, "cardea_hashing_refused_total") == before + 1
        assert await value(client, "cardea_hashing_jobs") == jobs


class TestState:
    """What is asked of the app at the moment."""

    @pytest.mark.one_process
    async def test_breakers(self, running: RunningApp) -> None:
        """Each breaker has the state it has, and its counters."""
        client = running.client
        breaker = {"breaker": "breached_passwords"}
        assert (
            await value(client, "cardea_breaker_state", state="closed", **breaker) == 1
        )
        assert await value(client, "cardea_breaker_state", state="open", **breaker) == 0
        for number in range(6):
            await register(client, f"u{number}@example.com")
        assert await value(client, "cardea_breaker_state", state="open", **breaker) == 1
        assert await value(client, "cardea_breaker_failures_total", **breaker) == 5
        assert await value(client, "cardea_breaker_refused_total", **breaker) == 1

    async def test_storage_of_limits(self, make: MakeSettings) -> None:
        """Where limits are counted is told."""
        settings = make(metrics_token=TOKEN, redis_url="")
        async with run_app(settings, FakeClock()) as running:
            for storage, is_used in (("memory", 1), ("redis", 0), ("off", 0)):
                labels = {"storage": storage}
                shown = await value(running.client, "cardea_limits_storage", **labels)
                assert shown == is_used

    async def test_process(self, client: httpx2.AsyncClient) -> None:
        """Memory and open files are those of the process."""
        assert await value(client, "process_resident_memory_bytes") > 10_000_000

    async def test_every_sample_names_its_process(
        self, client: httpx2.AsyncClient
    ) -> None:
        """Workers behind one port can be told apart."""
        samples = [
            x for x in (await read(client)).splitlines() if not x.startswith("#")
        ]
        assert len(samples) > 20
        assert all(f'process="{os.getpid()}"' in sample for sample in samples)


@pytest.mark.one_process
class TestOutbox:
    """cardea_outbox_waiting and cardea_outbox_oldest_seconds."""

    async def test_nothing_waits(self, client: httpx2.AsyncClient) -> None:
        """Where all is sent both are there, and 0."""
        await register(client, "ada@example.com")
        text = await read(client)
        for name in ("cardea_outbox_waiting", "cardea_outbox_oldest_seconds"):
            assert f'{name}{{process="{os.getpid()}"}} 0.0' in text

    async def test_what_waits(self, running: RunningApp, clock: FakeClock) -> None:
        """They tell how many are neither sent nor given up, and since when."""
        client = running.client
        for name in ("sent", "given_up", "first", "second"):
            await register(client, f"{name}@example.com")
            clock.tick(minutes=1)
        now = clock()
        changes: list[tuple[str, dict[str, object]]] = [
            ("given_up", {"sent_at": None, "failed_at": now}),
            ("first", {"sent_at": None, "due_at": now}),
            # Being sent at the moment.
            ("second", {"sent_at": None, "due_at": now + timedelta(minutes=2)}),
        ]
        async with running.services.database.writing() as session:
            for name, values in changes:
                this = update(Message).where(Message.recipient == f"{name}@example.com")
                await session.execute(this.values(**values))
        assert await value(client, "cardea_outbox_waiting") == 2
        assert await value(client, "cardea_outbox_oldest_seconds") == 120

    async def test_without_database(self, running: RunningApp) -> None:
        """While the database is gone there is no number, and the others are there."""
        lose_database(running)
        text = await read(running.client)
        assert "\n# TYPE cardea_outbox_waiting gauge\n" in text
        assert "\ncardea_outbox_" not in text and "\ncardea_hashing_jobs{" in text

    async def test_hanging_database(self, tmp_path: Path) -> None:
        """One that hangs keeps nobody waiting who asks for the others."""
        url = f"sqlite+aiosqlite:///{tmp_path}/here.db"
        settings = make_settings(
            url, metrics_token=TOKEN, database_timeout_seconds=30, principal_cache=False
        )
        async with run_app(settings, FakeClock()) as running, AsyncExitStack() as held:
            for _ in range(SQLITE_READERS):
                reading = running.services.database.reading()
                session = await held.enter_async_context(reading)
                await session.connection()
            async with asyncio.timeout(10):
                assert "\ncardea_outbox_" not in await read(running.client)

    async def test_reads_no_whole_table(
        self, running: RunningApp, settings: Settings
    ) -> None:
        """However much was sent before, only what waits is looked at."""
        with statements() as seen:
            await read(running.client)
        [statement] = [one for one in seen if "FROM outbox" in one]
        if settings.is_sqlite:
            with closing(sqlite3.connect(sqlite_path(settings.database_url))) as file:
                plan = file.execute(f"EXPLAIN QUERY PLAN {statement}", [""]).fetchall()
            assert "USING INDEX ix_outbox_due_at" in str(plan)


class TestPaper:
    """docs/metrics.md."""

    async def test_is_complete(self, running: RunningApp) -> None:
        """It lists every metric there is with its labels, and no other."""
        async with browse(running.app) as client:
            await client.get("/health/live")
            text = await read(client)
        told = set(re.findall(r"^# TYPE (\S+) ", text, re.MULTILINE))
        paper = Path(ROOT, "docs", "metrics.md").read_text()
        listed = set(re.findall(r"^\| `(\w+)` \|", paper, re.MULTILINE))
        assert listed == told
