"""What each operation asks of the database: no statement comes in unnoticed."""

import re
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from typing import Any, TypeAlias
from uuid import uuid4

import httpx2
import pytest

from app.core.config import Settings
from app.engines import sqlite_path
from app.services.container import Services
from tests.support import refreshing
from tests.support.clock import FakeClock
from tests.support.operations import BY_SOMEBODY_NEW, STATEMENTS
from tests.support.people import API, PASSWORD, Person
from tests.support.services import nothing_by_itself
from tests.support.statements import statements

pytestmark = pytest.mark.one_process

Ask: TypeAlias = Callable[[httpx2.AsyncClient, Person], Awaitable[httpx2.Response]]

_TABLE = re.compile(r"(?:FROM|INTO|UPDATE)\s+(\w+)")
_IS_SLOW = re.compile(r"SCAN (?!.* USING )|MATERIALIZE|.* AUTOMATIC ")
_VERBS = ("SELECT", "INSERT", "UPDATE", "DELETE")


async def check_token(client: httpx2.AsyncClient, person: Person) -> httpx2.Response:
    """Ask who the caller is."""
    return await client.get(f"{API}/users/me", headers=person.headers)


async def refresh(client: httpx2.AsyncClient, person: Person) -> httpx2.Response:
    """Exchange the refresh token."""
    return await refreshing.refresh(client, person.refresh_token)


async def sign_in(client: httpx2.AsyncClient, person: Person) -> httpx2.Response:
    """Sign in once more."""
    body = {"email": person.email, "password": person.password}
    return await client.post(f"{API}/auth/login", json=body)


async def sign_in_wrongly(client: httpx2.AsyncClient, _: Person) -> httpx2.Response:
    """Sign in to an account that there is not."""
    body = {"email": "nobody@example.com", "password": PASSWORD}
    return await client.post(f"{API}/auth/login", json=body)


async def sign_up(client: httpx2.AsyncClient, _: Person) -> httpx2.Response:
    """Make an account."""
    body = {"email": "grace@example.com", "password": PASSWORD}
    return await client.post(f"{API}/auth/register", json=body)


async def forget_password(client: httpx2.AsyncClient, _: Person) -> httpx2.Response:
    """Ask for a mail, for an address without an account."""
    body = {"email": f"{uuid4()}@example.com"}
    return await client.post(f"{API}/auth/password/forgot", json=body)


async def sign_out(client: httpx2.AsyncClient, person: Person) -> httpx2.Response:
    """End the session."""
    return await client.post(f"{API}/auth/logout", headers=person.headers)


async def list_users(client: httpx2.AsyncClient, person: Person) -> httpx2.Response:
    """List accounts."""
    return await client.get(f"{API}/users", headers=person.headers)


async def list_sessions(client: httpx2.AsyncClient, person: Person) -> httpx2.Response:
    """List one's own sessions."""
    return await client.get(f"{API}/users/me/sessions", headers=person.headers)


ASKS: dict[str, Ask] = {
    "token check": check_token,
    "refresh": refresh,
    "sign-in": sign_in,
    "sign-in to an account that there is not": sign_in_wrongly,
    "sign-up": sign_up,
    "forgotten password, whoever's": forget_password,
    "sign-out": sign_out,
    "list of accounts": list_users,
    "list of one's sessions": list_sessions,
}


def asked(seen: list[str]) -> list[str]:
    """Return verb and table of each statement; transactions are begun besides."""
    return [
        f"{verb} {found[1]}"
        for statement in seen
        if (verb := statement.split()[0]) in _VERBS
        and (found := _TABLE.search(statement))
    ]


@pytest.fixture(autouse=True)
async def only_requests_ask(services: Services) -> None:
    """Have nothing else ask the database."""
    await nothing_by_itself(services)


class TestStatements:
    """The statements of one request."""

    def test_all_are_asked(self) -> None:
        """No statements are listed that no test looks at."""
        assert {*ASKS, BY_SOMEBODY_NEW} == set(STATEMENTS)

    @pytest.mark.parametrize("operation", ASKS)
    async def test_by_whom_the_process_remembers(
        self,
        client: httpx2.AsyncClient,
        admin: Person,
        clock: FakeClock,
        operation: str,
    ) -> None:
        """They are these, and no others."""
        for _ in range(2):
            await check_token(client, admin)
        clock.tick(seconds=1)
        with statements() as seen:
            answer = await ASKS[operation](client, admin)
        assert answer.status_code < 500
        assert asked(seen) == STATEMENTS[operation]

    async def test_token_check_by_somebody_new(
        self, client: httpx2.AsyncClient, admin: Person, services: Services
    ) -> None:
        """It reads the user, with the session and the roles, in one statement."""
        await check_token(client, admin)
        services.database.tell(frozenset({admin.id}))
        with statements() as seen:
            await check_token(client, admin)
        assert asked(seen) == STATEMENTS[BY_SOMEBODY_NEW]


@pytest.mark.sqlite
class TestPlans:
    """How SQLite goes about each statement.

    PostgreSQL's plans are no test: they depend on how much there is.
    """

    @pytest.mark.parametrize("operation", [*ASKS, BY_SOMEBODY_NEW])
    async def test_no_table_is_read_from_end_to_end(
        self,
        client: httpx2.AsyncClient,
        admin: Person,
        settings: Settings,
        services: Services,
        operation: str,
    ) -> None:
        """Whatever an operation asks takes as long with a million users as with one."""
        if operation == BY_SOMEBODY_NEW:
            services.database.tell(frozenset({admin.id}))
        parameters = list[Any]()
        with statements(parameters) as seen:
            await ASKS.get(operation, check_token)(client, admin)
        planned = [
            (statement, step)
            for statement, given in zip(seen, parameters, strict=True)
            if statement.split()[0] in _VERBS
            for step in plan(settings, statement, given)
        ]
        assert [one for one in planned if _IS_SLOW.match(one[1])] == []


def plan(settings: Settings, statement: str, parameters: Any) -> list[str]:
    """Return the steps that SQLite would take."""
    with closing(sqlite3.connect(sqlite_path(settings.database_url))) as outsider:
        rows = outsider.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
        return [row[-1] for row in rows]
