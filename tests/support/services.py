"""Parts of a running app that tests put in place of its own."""

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import fields, replace
from typing import Any

from app.core.clock import Clock
from app.core.config import Settings
from app.core.security import DerivedKeys, DeviceTokens, HashingPool
from app.database import Database
from app.services.breached_passwords import BreachedPasswords
from app.services.circuit_breaker import BreakerRegistry
from app.services.container import Foundation, Services, build_services
from app.services.devices import Devices
from app.services.invalidation import Lease
from app.services.limits import Limits
from app.services.mail import Mail, build_mail
from app.services.passwords import Passwords
from tests.support.apps import RunningApp, Workers
from tests.support.databases import make_settings

Meanwhile = Callable[[], Awaitable[object]]


class InterruptedPasswords(Passwords):
    """Lets something happen once, after a password was checked or hashed."""

    after_verify: Meanwhile | None = None
    after_hash: Meanwhile | None = None

    async def verify(self, password: str, stored: str | None) -> bool:
        """Check the password, then let it happen."""
        right = await super().verify(password, stored)
        happen, self.after_verify = self.after_verify, None
        if happen is not None:
            await happen()
        return right

    async def hash(self, password: str) -> str:
        """Hash the password, then let it happen."""
        hashed = await super().hash(password)
        happen, self.after_hash = self.after_hash, None
        if happen is not None:
            await happen()
        return hashed


class CountingPool(HashingPool):
    """Counts what it is asked to run."""

    runs = 0

    async def run(self, function: Callable[..., Any], *args: Any) -> Any:
        """Run the function, and count it."""
        self.runs += 1
        return await super().run(function, *args)


def put(running: RunningApp, **parts: Any) -> None:
    """Have the app work with these services instead of its own, and alone."""
    Workers.alone(running.app)
    running.app.state.services = replace(running.services, **parts)


def rebuild(running: RunningApp, **parts: Any) -> None:
    """Have the app work with services that are built on these."""
    services = running.services
    foundation = {
        field.name: getattr(services, field.name) for field in fields(Foundation)
    }
    built = build_services(Foundation(**foundation | parts))
    Workers.alone(running.app)
    # What runs by itself goes on as it is.
    running.app.state.services = replace(built, background=services.background)


def put_passwords(running: RunningApp, passwords: Passwords) -> None:
    """Have the app check and hash passwords with these."""
    limits = Limits(running.services.settings.rate_limits)
    rebuild(running, passwords=passwords, limits=limits)


def lose_database(running: RunningApp) -> None:
    """Have the app work on a database that refuses every connection."""
    settings = running.services.settings
    rebuild(
        running,
        database=Database(make_settings("postgresql+asyncpg://no@127.0.0.1:1/none")),
        lease=Lease(),
        limits=Limits(settings.rate_limits),
        passwords=Passwords(settings, HashingPool(10), no_breaches()),
    )


def mail_of(settings: Settings, database: Database, clock: Clock) -> Mail:
    """Return the mail of a service, without the rest of it."""
    derived = DerivedKeys(settings.secret_key.get_secret_value())
    limits = Limits(settings.rate_limits)
    devices = Devices(database, clock, DeviceTokens(derived))
    breakers = BreakerRegistry()
    return build_mail(settings, database, clock, derived, limits, breakers, devices)


def held_lease() -> Lease:
    """Return a lease that holds for ever."""
    lease = Lease()
    lease.renew(float("inf"))
    return lease


async def nothing_by_itself(services: Services) -> None:
    """Have nothing be asked of the database but what requests ask, whatever the time.

    Keys are known, and what is remembered is vouched for.
    """
    await services.background.stop()
    services.lease.renew(float("inf"))


def interrupted(running: RunningApp) -> InterruptedPasswords:
    """Have the app use passwords during whose check something can happen."""
    passwords = InterruptedPasswords(
        running.services.settings, HashingPool(10), no_breaches()
    )
    put_passwords(running, passwords)
    return passwords


@asynccontextmanager
async def full_queue(running: RunningApp) -> AsyncIterator[None]:
    """Keep the hashing threads busy and their queue full."""
    pool, done = HashingPool(queue_size=1, threads=1), threading.Event()
    passwords = Passwords(running.services.settings, pool, no_breaches())
    put_passwords(running, passwords)
    waiting = [asyncio.create_task(pool.run(done.wait)) for _ in range(2)]
    await asyncio.sleep(0)
    try:
        yield
    finally:
        done.set()
        await asyncio.gather(*waiting)


def no_breaches() -> BreachedPasswords:
    """Return a check for breached passwords that is turned off."""
    return BreachedPasswords("", BreakerRegistry())
