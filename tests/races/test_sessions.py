"""Fifty callers at once, who use one session."""

import asyncio
from contextlib import AsyncExitStack
from uuid import UUID

import httpx2

from app.database import Database
from tests.support.people import API, PASSWORD, Person, register, sign_in
from tests.support.server import CALLERS, Server, at_once, browse, tally
from tests.support.stored_sessions import stored


async def refresh(client: httpx2.AsyncClient, token: object) -> httpx2.Response:
    """Present a refresh token."""
    return await client.post(f"{API}/auth/refresh", json={"refresh_token": token})


class TestRefresh:
    """POST /auth/refresh."""

    async def test_one_token(
        self, client: httpx2.AsyncClient, database: Database
    ) -> None:
        """Fifty good answers, one rotation, one successor, which goes on."""
        eve = await sign_in(client, await register(client, "refresh@example.com"))
        answers = await at_once(
            refresh(client, eve.refresh_token) for _ in range(CALLERS)
        )
        assert tally(answers) == {"200": CALLERS}
        (successor,) = {answer.json()["refresh_token"] for answer in answers}
        row = await stored(database, UUID(eve.session_id))
        assert (row.generation, row.ended_at) == (1, None)
        assert tally([await refresh(client, successor)]) == {"200": 1}

    async def test_tokens_are_used_at_once(
        self, client: httpx2.AsyncClient, database: Database
    ) -> None:
        """Tabs that use their answers before others have theirs harm nobody."""
        eve = await sign_in(client, await register(client, "tabs@example.com"))

        async def tab() -> httpx2.Response:
            answer = await refresh(client, eve.refresh_token)
            me = Person("", tokens=answer.json())
            return await client.get(f"{API}/users/me", headers=me.headers)

        assert tally(await at_once(tab() for _ in range(CALLERS))) == {"200": CALLERS}
        row = await stored(database, UUID(eve.session_id))
        assert (row.generation, row.confirmed, row.ended_at) == (1, True, None)


class TestSignOut:
    """POST /auth/logout."""

    async def test_while_refreshing(
        self, client: httpx2.AsyncClient, database: Database
    ) -> None:
        """The session stays ended, and no token of it opens anything."""
        eve = await sign_in(client, await register(client, "out@example.com"))
        answers = await at_once(
            (
                client.post(f"{API}/auth/logout", headers=eve.headers)
                if n % 10 == 5
                else refresh(client, eve.refresh_token)
            )
            for n in range(CALLERS)
        )
        counts = tally(answers)
        assert counts["204"] == CALLERS // 10
        assert set(counts) <= {"200", "204", "session_ended"}
        for tokens in [a.json() for a in answers if a.status_code == 200]:
            await check_ended(client, tokens)
        row = await stored(database, UUID(eve.session_id))
        assert row.end_reason == "signed_out"


class TestProcesses:
    """As many processes as the database allows."""

    async def test_they_share_accounts_and_sessions(
        self, processes: list[Server]
    ) -> None:
        """One account, one rotation, one successor; an end here is an end there."""
        async with AsyncExitStack() as stack:
            each = CALLERS // len(processes)
            clients = [
                await stack.enter_async_context(browse(server, each))
                for server in processes
            ]
            everyone = [client for client in clients for _ in range(each)]
            body = {"email": "shared@example.com", "password": PASSWORD}
            made = await at_once(
                client.post(f"{API}/auth/register", json=body) for client in everyone
            )
            assert tally(made) == {"201": 1, "email_taken": CALLERS - 1}

            eve = await sign_in(clients[0], Person("shared@example.com"))
            answers = await at_once(
                refresh(client, eve.refresh_token) for client in everyone
            )
            assert tally(answers) == {"200": CALLERS}
            assert len({answer.json()["refresh_token"] for answer in answers}) == 1

            tokens = answers[-1].json()
            headers = Person("", tokens=tokens).headers
            seen = await at_once(
                client.get(f"{API}/users/me", headers=headers) for client in everyone
            )
            assert tally(seen) == {"200": CALLERS}
            await clients[0].post(f"{API}/auth/logout", headers=headers)
            await asyncio.gather(*[check_ended(client, tokens) for client in clients])


async def check_ended(client: httpx2.AsyncClient, tokens: dict[str, object]) -> None:
    """Fail if either token opens anything."""
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    answers = [
        await client.get(f"{API}/users/me", headers=headers),
        await refresh(client, tokens["refresh_token"]),
    ]
    assert tally(answers) == {"session_ended": 2}
    assert {answer.json()["reason"] for answer in answers} == {"signed_out"}
