"""Whatever happens to the database: 503 in time, nothing lost, and all well again."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
import pytest_asyncio

from app.services.invalidation import LEASE_SECONDS
from tests.support.outsiders import execute
from tests.support.people import Person
from tests.support.server import browse
from tests.troubles import of_postgresql, of_sqlite
from tests.troubles.calls import (
    RECOVERY_SECONDS,
    UNAVAILABLE,
    Answer,
    Household,
    all_calls,
    me,
    seconds_until_well,
    slowest,
)
from tests.troubles.conftest import DEADLINE
from tests.troubles.troubles import Stage, Trouble

pytestmark = pytest.mark.asyncio(loop_scope="package")

SLACK = 0.7
"""Seconds that a busy machine may add."""

CONNECTIONS = 12
OF = {"sqlite": of_sqlite.TROUBLES, "postgresql": of_postgresql.TROUBLES}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Bring every trouble that the chosen database may have."""
    if "trouble" in metafunc.fixturenames:
        troubles = OF[metafunc.config.getoption("--database")]
        metafunc.parametrize("trouble", troubles.values(), ids=list(troubles))


@pytest_asyncio.fixture(loop_scope="package")
async def client(stage: Stage) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of the server."""
    async with browse(stage.server, CONNECTIONS) as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="package")
async def household(client: httpx2.AsyncClient) -> Household:
    """Somebody known to the server."""
    return await Household.settle(client)


class TestTrouble:
    """Every trouble, with every kind of call in the midst of it."""

    async def test_is_survived(
        self,
        stage: Stage,
        client: httpx2.AsyncClient,
        household: Household,
        trouble: Trouble,
    ) -> None:
        """What needs the database is refused in time, what does not is answered; what
        was refused was not done, and all is well again soon, without a restart."""
        before = await stored(stage, household)
        async with trouble.bring(stage):
            answers, trusted = await asyncio.gather(
                all_calls(client, household), seconds_trusted(client, household.known)
            )
        recovered = await seconds_until_well(client)
        times = f"{slowest(answers.values()):.2f}, {trusted:.2f}, {recovered:.2f}"
        print(f"seconds until all was answered, memory refused, all well: {times}")

        assert slowest(answers.values()) < DEADLINE + SLACK
        assert_refused(answers, trouble)
        if trouble.is_total:
            assert trusted < LEASE_SECONDS + SLACK
        else:
            assert trusted > 2 * LEASE_SECONDS
        assert recovered < RECOVERY_SECONDS
        after = await stored(stage, household)
        changed = [id for id in before | after if before.get(id) != after.get(id)]
        assert len(changed) <= (1 if trouble.lasting else 0)
        assert_nothing_crashed(stage)


async def seconds_trusted(client: httpx2.AsyncClient, person: Person) -> float:
    """Call until refused, for a while; return when the last good answer was asked."""
    began, trusted = time.monotonic(), 0.0
    while trusted < 2 * LEASE_SECONDS:
        called = time.monotonic() - began
        answer = await me(client, person)
        assert answer.seconds < DEADLINE + SLACK
        if answer.status != 200:
            assert (answer.status, answer.code) == (503, UNAVAILABLE)
            break
        trusted = called
        await asyncio.sleep(0.02)
    return trusted


def assert_refused(answers: dict[str, Answer], trouble: Trouble) -> None:
    """Expect 503 where the database is needed, and the usual answer elsewhere."""
    refused = {name for name, answer in answers.items() if answer.status == 503}
    # A check is answered from memory at first, with good reason.
    assert refused | {"check"} == {*trouble.refused, "check"}
    codes = {answers[name].code for name in refused - {"ready"}}
    assert codes == {UNAVAILABLE}
    others = {answers[name].status for name in answers if name not in refused}
    assert others == {200}


async def stored(stage: Stage, household: Household) -> dict[Any, Any]:
    """Return what the database holds of a household, row by row."""
    emails = f"('{household.known.email}', '{household.newcomer}')"
    users = f"SELECT id, display_name FROM users WHERE email IN {emails}"
    sessions = (
        "SELECT sessions.id, generation, confirmed, ended_at FROM sessions"
        f" JOIN users ON users.id = user_id WHERE email IN {emails}"
    )
    rows = [*await execute(stage.settings, users)]
    rows += await execute(stage.settings, sessions)
    return {row[0]: row[1:] for row in rows}


def assert_nothing_crashed(stage: Stage) -> None:
    """Expect a log without a traceback, or a word of what nobody waited for."""
    log = stage.server.log.read_text()
    assert "Traceback" not in log and "never retrieved" not in log, log[-5000:]
