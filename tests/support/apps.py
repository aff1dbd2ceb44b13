"""A running service inside the test's own process."""

from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

import httpx2
from fastapi import FastAPI

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


@asynccontextmanager
async def run_app(settings: Settings, clock: Clock) -> AsyncIterator[RunningApp]:
    """Start the app, and stop it at the end."""
    with _app(settings) as app:
        async with running(settings, clock) as services, browse(app) as client:
            app.state.services = services
            yield RunningApp(app, client)


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
    transport = httpx2.ASGITransport(app, client=(address, 50_000))
    return httpx2.AsyncClient(transport=transport, base_url="http://localhost:8000")
