"""Callers who go on asking while the database is hurt."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import httpx2

from tests.support.people import Person
from tests.support.revoking import ME
from tests.support.server import tally

PAUSE_SECONDS = 0.02

Answers = list[list[httpx2.Response]]


@asynccontextmanager
async def asking(
    clients: Sequence[httpx2.AsyncClient], person: Person
) -> AsyncIterator[Answers]:
    """Have somebody call every process again and again while the block runs.

    Nobody is thrown out and nothing crashes: each call is served, or refused with
    `database_unavailable`.

    Returns:
        The answers so far, by client.
    """
    answers: Answers = [[] for _ in clients]
    pairs = zip(clients, answers, strict=True)
    tasks = [asyncio.create_task(_ask(*pair, person)) for pair in pairs]
    try:
        yield answers
    finally:
        for task in tasks:
            task.cancel()
        ends = await asyncio.gather(*tasks, return_exceptions=True)
    assert not [end for end in ends if not isinstance(end, asyncio.CancelledError)]
    for each in answers:
        assert set(tally(each)) <= {"200", "database_unavailable"}


async def until_all_say(answers: Answers, status: int, seconds: float) -> float:
    """Return the seconds until every process answers in this way."""
    began = time.monotonic()
    seen = [len(each) for each in answers]
    while not all(
        any(answer.status_code == status for answer in each[since:])
        for each, since in zip(answers, seen, strict=True)
    ):
        assert time.monotonic() - began < seconds, [tally(each) for each in answers]
        await asyncio.sleep(PAUSE_SECONDS)
    return time.monotonic() - began


async def _ask(
    client: httpx2.AsyncClient, into: list[httpx2.Response], person: Person
) -> None:
    while True:
        into.append(await client.get(ME, headers=person.headers))
        await asyncio.sleep(PAUSE_SECONDS)
