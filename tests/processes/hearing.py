"""How soon processes hear of what one of them has taken away, and how we know."""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

import httpx2

from tests.support.people import API, Person, register, sign_in
from tests.support.revoking import ME, USERS, Act
from tests.support.roles import give_roles
from tests.support.server import Server, browse

HEARD_SECONDS = 1.0
"""How soon every other process refuses what one has taken away."""

PATIENCE = 5.0
STILL = 5
"""How often it is looked whether a refusal stays one."""

METRICS_TOKEN = "a-token-for-prometheus"
READER = "reader"
"""The role that `revoking` changes."""

_HITS = re.compile(r'^cardea_principal_lookups_total\{.*result="hit".*\} (\S+)$', re.M)


@asynccontextmanager
async def browse_all(
    servers: Sequence[Server],
) -> AsyncIterator[list[httpx2.AsyncClient]]:
    """Give a client for each server."""
    async with AsyncExitStack() as stack:
        opened = [stack.enter_async_context(browse(server, 2)) for server in servers]
        yield [await client for client in opened]


async def make_reader(client: httpx2.AsyncClient, admin: Person, email: str) -> Person:
    """Return somebody new who has signed in and may list users."""
    body = {"permissions": ["users:read"]}
    path = f"{API}/roles"
    made = await client.post(path, json={"name": READER} | body, headers=admin.headers)
    if made.status_code == 409:
        path = f"{path}/{READER}"
        made = await client.put(path, json=body, headers=admin.headers)
    assert made.is_success, made.text
    reader = await register(client, email)
    await give_roles(client, admin, reader, READER)
    return await sign_in(client, reader)


async def trusted_for(
    act: Act,
    through: httpx2.AsyncClient,
    others: Sequence[httpx2.AsyncClient],
    reader: Person,
    admin: Person,
) -> float:
    """Take something away through one process, after all others have remembered it.

    Returns:
        The seconds from the answer to the last question that any of the others has
        answered as if nothing had happened.
    """
    await asyncio.gather(*[until_remembered(client, reader) for client in others])
    done = await act(through, reader, admin)
    assert done.is_success, done.text
    return max(await asyncio.gather(*[good_for(client, reader) for client in others]))


async def good_for(client: httpx2.AsyncClient, reader: Person) -> float:
    """Return for how many seconds from now the list of users was still given."""
    began = time.monotonic()
    good, refusals = 0.0, 0
    while refusals < STILL:
        asked = time.monotonic() - began
        assert asked < PATIENCE, "never refused"
        answer = await client.get(USERS, headers=reader.headers)
        refusals += 1
        if answer.status_code == 200:
            good, refusals = asked, 0
        else:
            assert answer.status_code in (401, 403), answer.text
    return good


async def until_remembered(
    client: httpx2.AsyncClient, person: Person, seconds: float = PATIENCE
) -> None:
    """Call until a call is answered without asking the database who it is.

    A process does so only while it hears what others change.
    """
    began = time.monotonic()
    hits = await _hits(client)
    while await _hits(client) == hits:
        assert time.monotonic() - began < seconds, "not remembered"
        await client.get(ME, headers=person.headers)


async def _hits(client: httpx2.AsyncClient) -> float:
    headers = {"Authorization": f"Bearer {METRICS_TOKEN}"}
    answer = await client.get("/metrics", headers=headers)
    assert answer.status_code == 200, answer.text
    found = _HITS.search(answer.text)
    return float(found[1]) if found else 0
