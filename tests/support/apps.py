"""A running service inside the test's own process."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx2
from fastapi import FastAPI

from app.core.clock import Clock
from app.core.config import Settings
from app.main import create_app
from app.services.container import Services


@dataclass
class RunningApp:
    """An app whose lifespan has begun."""

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
    app = create_app(settings, clock)
    async with app.router.lifespan_context(app), browse(app) as client:
        yield RunningApp(app, client)


def browse(app: FastAPI, address: str = "192.0.2.1") -> httpx2.AsyncClient:
    """Return a client of the app, with cookies of its own, at this address."""
    transport = httpx2.ASGITransport(app, client=(address, 50_000))
    return httpx2.AsyncClient(transport=transport, base_url="http://localhost:8000")
