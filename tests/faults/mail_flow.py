"""Whether mail flows: the state of every breaker, and what the mail server takes."""

import asyncio
import time
from collections.abc import Collection, Sequence

import httpx2

from tests.faults.mail_server import RecordingMailServer
from tests.faults.probes import NotYetError, ask_for_mail, breaker_of

BREAKER = "smtp"
CLOSED = frozenset({"closed"})
FLOWS_SECONDS = 75.0
"""An open breaker lets a probe through after thirty seconds, and that may take the
deadline of twenty; the rest is for busy machines."""

PAUSE_SECONDS = 0.25


async def mail_flows(
    urls: Sequence[str], server: RecordingMailServer, seconds: float = FLOWS_SECONDS
) -> bool:
    """Wait until no breaker is open and the mail server takes something."""
    if not await breakers_are(urls, CLOSED, seconds):
        return False
    before, deadline = server.taken, time.monotonic() + seconds
    while server.taken == before:
        if time.monotonic() > deadline:
            return False
        await _ask(urls[0])
        await asyncio.sleep(PAUSE_SECONDS * 4)
    return True


async def breakers_are(
    urls: Sequence[str], states: Collection[str], seconds: float
) -> bool:
    """Wait until the breaker of every server is in one of these states."""
    deadline = time.monotonic() + seconds
    left = list(urls)
    while left := [url for url in left if not await _is_in(url, states)]:
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(PAUSE_SECONDS)
    return True


async def _is_in(url: str, states: Collection[str]) -> bool:
    state = await breaker_of(url, BREAKER)
    if state == "half_open" and state not in states:
        # Another process may have sent all there was: who has nothing to send never
        # learns that the server is back.
        await _ask(url)
    return state in states


async def _ask(url: str) -> None:
    try:
        await ask_for_mail(url)
    except (NotYetError, httpx2.HTTPError):
        return  # It is looked at again.
