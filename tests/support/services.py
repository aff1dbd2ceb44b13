"""Parts of a running app that tests put in place of its own."""

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from app.core.security import (
    AccessTokens,
    DerivedKeys,
    DeviceTokens,
    HashingPool,
    RefreshTokens,
)
from app.database import Database
from app.migrations import head_revision
from app.services.auth import AuthService
from app.services.breached_passwords import BreachedPasswords
from app.services.circuit_breaker import BreakerRegistry
from app.services.container import Services
from app.services.health import Health
from app.services.invalidation import Lease
from app.services.issuing import TokenIssuer, TokenKit
from app.services.limits import Limits
from app.services.mail import build_mail
from app.services.mail_sign_in import MailSignIn
from app.services.passwords import Passwords
from app.services.principals import PrincipalCache, Principals
from app.services.recovery import Recovery
from app.services.roles import RoleService
from app.services.sessions import Sessions
from app.services.sign_up import SignUp
from app.services.users import UserService
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


def put_passwords(running: RunningApp, passwords: Passwords) -> None:
    """Have the app check and hash passwords with these."""
    services = running.services
    settings, database, clock = services.settings, services.database, services.clock
    limits = Limits(settings.rate_limits)
    users = UserService(database, clock, limits, passwords, services.principals)
    mail = services.mail
    put(
        running,
        users=users,
        sign_up=SignUp(settings, database, clock, limits, passwords, mail),
        recovery=Recovery(database, clock, passwords, mail),
    )
    put(running, auth=_auth(running.services, database, limits, passwords))


def lose_database(running: RunningApp) -> None:
    """Have the app work on a database that refuses every connection."""
    services = running.services
    settings, clock = services.settings, services.clock
    database = Database(make_settings("postgresql+asyncpg://no@127.0.0.1:1/none"))
    limits = Limits(settings.rate_limits)
    passwords = Passwords(settings, HashingPool(10), no_breaches())
    access = _token_kit(services).access
    cache = PrincipalCache(False, Lease())
    principals = Principals(database, services.keys, access, cache, clock)
    derived = DerivedKeys(settings.secret_key.get_secret_value(), [])
    mail = build_mail(settings, database, clock, derived, limits, BreakerRegistry())
    put(
        running,
        sessions=Sessions(settings, database, clock),
        mail=mail,
        sign_up=SignUp(settings, database, clock, limits, passwords, mail),
        recovery=Recovery(database, clock, passwords, mail),
    )
    tokens = _token_kit(services)
    put(
        running,
        mail_sign_in=MailSignIn(
            settings,
            database,
            clock,
            mail,
            running.services.sessions,
            running.services.sign_up,
            services.keys,
            tokens.device,
            TokenIssuer(settings, clock, tokens),
        ),
        auth=_auth(running.services, database, limits, passwords),
        users=UserService(database, clock, limits, passwords, principals),
        roles=RoleService(database, clock, principals),
        health=Health(database, head_revision()),
    )


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


def _auth(
    services: Services, database: Database, limits: Limits, passwords: Passwords
) -> AuthService:
    tokens = _token_kit(services)
    return AuthService(
        services.settings,
        database,
        services.clock,
        limits,
        passwords,
        services.sessions,
        services.sign_up,
        services.keys,
        tokens,
        TokenIssuer(services.settings, services.clock, tokens),
    )


def _token_kit(services: Services) -> TokenKit:
    settings = services.settings
    derived = DerivedKeys(settings.secret_key.get_secret_value(), [])
    access = AccessTokens(
        settings.public_url,
        settings.token_audience,
        services.clock,
        lambda: services.keys.ring,
    )
    return TokenKit(access, RefreshTokens(derived), DeviceTokens(derived))
