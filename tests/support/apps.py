"""A running service inside the test's own process.

`pytest --workers=3` runs as many of them on each database and sends every request to
another: what one of them keeps to itself, the next does not know.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from itertools import cycle

import httpx2
from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from app.core.clock import Clock
from app.core.config import Settings
from app.main import create_app, running
from app.services.container import Services

_idle = defaultdict[str, list[FastAPI]](list)
"""Apps that no test uses now, by what they were built from."""


@dataclass
class RunningApp:
    """An app, and what its lifespan would have started."""

    app: FastAPI
    client: httpx2.AsyncClient

    @property
    def services(self) -> Services:
        """What the app works with."""
        services: Services = self.app.state.services
        return services


class Workers:
    """How many apps share a database, and which."""

    count = 1
    _beside: dict[FastAPI, list[FastAPI]] = {}

    @classmethod
    def together(cls, apps: list[FastAPI]) -> None:
        """Have these answer in turns whoever talks to the first of them."""
        cls._beside[apps[0]] = apps

    @classmethod
    def alone(cls, app: FastAPI) -> None:
        """Have this app answer by itself from now on."""
        cls._beside.pop(app, None)

    @classmethod
    def in_turns(cls, app: FastAPI) -> ASGIApp:
        """Return what asks the app and those beside it in turns."""
        turns = cycle(range(cls.count))

        async def ask_the_next(scope: Scope, receive: Receive, send: Send) -> None:
            apps = cls._beside.get(app, [app])
            chosen = apps[next(turns) % len(apps)]
            if len(apps) > 1:
                await caught_up(chosen.state.services)
            await chosen(scope, receive, send)

        return ask_the_next if cls.count > 1 else app


@asynccontextmanager
async def run_app(settings: Settings, clock: Clock) -> AsyncIterator[RunningApp]:
    """Start the app, and stop it at the end."""
    async with AsyncExitStack() as stack:
        apps = [stack.enter_context(_app(settings)) for _ in range(Workers.count)]
        for app in apps:
            app.state.services = await stack.enter_async_context(
                running(settings, clock)
            )
        Workers.together(apps)
        stack.callback(Workers.alone, apps[0])
        client = await stack.enter_async_context(browse(apps[0]))
        yield RunningApp(apps[0], client)


async def caught_up(services: Services) -> None:
    """Wait until an app has heard of every change that has been saved by now."""
    began = time.monotonic()
    async with asyncio.timeout(10):
        while services.lease.seen_at < began:
            await asyncio.sleep(0.002)


@contextmanager
def _app(settings: Settings) -> Iterator[FastAPI]:
    """Lend an app, as building its routes takes longer than most tests.

    It opens nothing itself, so the next test may have another database.
    """
    built_from = settings.model_dump_json(exclude={"database_url"})
    idle = _idle[built_from]
    app = idle.pop() if idle else create_app(settings)
    routes = list(app.routes)
    yield app
    if app.routes == routes:
        idle.append(app)


def browse(app: FastAPI, address: str = "192.0.2.1") -> httpx2.AsyncClient:
    """Return a client of the app, with cookies of its own, at this address."""
    transport = httpx2.ASGITransport(Workers.in_turns(app), client=(address, 50_000))
    return httpx2.AsyncClient(transport=transport, base_url="http://localhost:8000")
