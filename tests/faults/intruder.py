"""The intruder: a program that tries, all the while, what must fail.

    python -m tests.faults.intruder SEED URL...

It reads JSON lines from its input: requests and the moment from which they must be
refused, or a genuine token to forge from. Once a second it writes how its attempts
ended, and at once what let it in. It ends with its input.
"""

import asyncio
import json
import random
import sys
import time
from collections import Counter, defaultdict
from typing import Any

import uvloop

from tests.faults.forbidden import Attempt, as_line
from tests.faults.pace import Pace
from tests.faults.quiver import Quiver
from tests.faults.wire import NoAnswerError, NotConnectedError, Request, Sender, Wire

ATTEMPTS_A_SECOND = 100
CATCH_UP = 2.0
AT_ONCE = 10
DEADLINE_SECONDS = 5.0
BACKING_OFF_SECONDS = 0.2


class Intruder:
    """Makes attempts at all servers and counts how they end."""

    def __init__(
        self, urls: list[str], seed: int, sender: Sender | None = None
    ) -> None:
        self._urls = urls
        self._rng = random.Random(seed)
        self._sender = sender or Wire()
        self._quiver = Quiver(self._rng)
        self._pace = Pace(ATTEMPTS_A_SECOND, CATCH_UP)
        self._counts: defaultdict[str, Counter[str]] = defaultdict(Counter)

    async def run(self, messages: asyncio.StreamReader) -> None:
        """Work until the messages end."""
        workers = [asyncio.create_task(self._work()) for _ in range(AT_ONCE)]
        telling = asyncio.create_task(self._tell_all_the_while())
        while line := await messages.readline():
            self._quiver.take(json.loads(line))
        for task in (*workers, telling):
            task.cancel()
        failed = await asyncio.gather(*workers, telling, return_exceptions=True)
        self._tell()
        for error in failed:
            if isinstance(error, Exception):
                raise error

    async def _work(self) -> None:
        while True:
            await self._pace.turn()
            attempt = self._quiver.draw()
            if attempt is None:
                await asyncio.sleep(BACKING_OFF_SECONDS)
                continue
            url = self._rng.choice(self._urls)
            outcome = await self._try(attempt, url)
            self._counts[attempt.kind][outcome] += 1
            if outcome == "unanswered":
                await asyncio.sleep(BACKING_OFF_SECONDS)

    async def _try(self, attempt: Attempt, url: str) -> str:
        headers = {**attempt.headers, "X-Forwarded-For": self._address()}
        request = Request(attempt.method, attempt.path, headers, attempt.body.encode())
        began = time.monotonic()
        try:
            answer = await self._sender.ask(url, request, DEADLINE_SECONDS)
        except (NotConnectedError, NoAnswerError):
            return "unanswered"
        outcome = outcome_of(answer.status)
        if outcome == "let_in":
            self._say_breach(attempt, url, began, answer.body)
        return outcome

    def _address(self) -> str:
        """Return an address that no limit knows yet."""
        a, b, c = (self._rng.randrange(256) for _ in range(3))
        return f"11.{a}.{b}.{c}"

    def _say_breach(
        self, attempt: Attempt, url: str, began: float, body: bytes
    ) -> None:
        breach = {
            "kind": attempt.kind,
            "method": attempt.method,
            "path": attempt.path,
            "about": attempt.about,
            "server": url,
            "forbidden_since": attempt.after,
            "began": began,
            "ended": time.monotonic(),
            "answer": body[:300].decode("utf-8", "replace"),
        }
        _write({"breach": breach})

    async def _tell_all_the_while(self) -> None:
        while True:
            await asyncio.sleep(1)
            self._tell()

    def _tell(self) -> None:
        if self._counts:
            counts = {kind: dict(counts) for kind, counts in self._counts.items()}
            _write({"counts": counts})
            self._counts.clear()


def outcome_of(status: int) -> str:
    """Return what an answer's status means for somebody who must not be let in."""
    if 200 <= status < 300:
        return "let_in"
    if status == 429:
        return "limited"
    return "refused" if 300 <= status < 500 else "unanswered"


def _write(message: dict[str, Any]) -> None:
    sys.stdout.buffer.write(as_line(message))
    sys.stdout.buffer.flush()


async def main(urls: list[str], seed: int) -> None:
    """Run until the input ends."""
    loop = asyncio.get_running_loop()
    messages = asyncio.StreamReader(limit=2**24)
    await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(messages), sys.stdin.buffer
    )
    await Intruder(urls, seed).run(messages)


if __name__ == "__main__":
    uvloop.run(main(sys.argv[2:], int(sys.argv[1])))
