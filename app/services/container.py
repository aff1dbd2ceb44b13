"""Everything that lives as long as the server, built once and typed."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from app.core.clock import Clock, system_clock
from app.core.config import Settings
from app.core.security import (
    AccessTokens,
    DerivedKeys,
    DeviceTokens,
    HashingPool,
    RefreshTokens,
)
from app.database import Database
from app.services.auth import AuthService
from app.services.background import Background
from app.services.breached_passwords import BreachedPasswords
from app.services.circuit_breaker import BreakerRegistry
from app.services.health import Health
from app.services.invalidation import Lease, PostgresqlWatch, SqliteWatch
from app.services.issuing import TokenIssuer, TokenKit
from app.services.keys import Keys
from app.services.limits import Limits
from app.services.mail import Mail, build_mail
from app.services.mail_sign_in import MailSignIn
from app.services.metrics import Metrics
from app.services.passwords import Passwords
from app.services.principals import PrincipalCache, Principals
from app.services.recovery import Recovery
from app.services.roles import RoleService
from app.services.sessions import Sessions
from app.services.setup import Setup
from app.services.sign_up import SignUp
from app.services.users import UserService


@dataclass(frozen=True)
class Services:
    """What endpoints and commands work with."""

    settings: Settings
    clock: Clock
    database: Database
    lease: Lease
    breakers: BreakerRegistry
    limits: Limits
    keys: Keys
    principals: Principals
    auth: AuthService
    sign_up: SignUp
    recovery: Recovery
    mail_sign_in: MailSignIn
    mail: Mail
    sessions: Sessions
    users: UserService
    roles: RoleService
    setup: Setup
    health: Health
    metrics: Metrics
    background: Background


@asynccontextmanager
async def open_services(
    settings: Settings,
    revision: str,
    clock: Clock | None = None,
    *,
    is_owner: bool = True,
) -> AsyncIterator[Services]:
    """Build the services on a migrated database, and close what they hold.

    Args:
        settings: What the operator chose.
        revision: The schema that this code works with.
        clock: What tells the time; without, the system's clock as settings move it.
        is_owner: False for a command beside the server; see `Database`.
    """
    clock = clock or system_clock(settings.clock_offset_seconds)
    async with AsyncExitStack() as stack:
        database = Database(settings, is_owner=is_owner)
        stack.push_async_callback(database.close)
        pool = HashingPool(settings.password_queue_size)
        stack.callback(pool.close)
        breakers = BreakerRegistry()
        breached = BreachedPasswords(settings.breached_passwords_url, breakers)
        stack.push_async_callback(breached.aclose)
        derived = DerivedKeys(
            settings.secret_key.get_secret_value(),
            [secret.get_secret_value() for secret in settings.previous_secret_keys],
        )
        lease = Lease()
        keys = Keys(database, derived, clock, lease)
        database.on_change(keys.hear)
        access = AccessTokens(
            settings.public_url, settings.token_audience, clock, lambda: keys.ring
        )
        tokens = TokenKit(access, RefreshTokens(derived), DeviceTokens(derived))
        cache = PrincipalCache(settings.principal_cache, lease)
        database.on_change(cache.drop)
        limits = _limits(stack, settings, derived, breakers)
        passwords = Passwords(settings, pool, breached)
        mail = build_mail(settings, database, clock, derived, limits, breakers)
        sign_up = SignUp(settings, database, clock, limits, passwords, mail)
        sessions = Sessions(settings, database, clock)
        issuer = TokenIssuer(settings, clock, tokens)
        watch = SqliteWatch if settings.is_sqlite else PostgresqlWatch
        principals = Principals(database, keys, access, cache, clock)
        yield Services(
            settings=settings,
            clock=clock,
            database=database,
            lease=lease,
            breakers=breakers,
            limits=limits,
            keys=keys,
            principals=principals,
            auth=AuthService(
                settings,
                database,
                clock,
                limits,
                passwords,
                sessions,
                sign_up,
                keys,
                tokens,
                issuer,
            ),
            sign_up=sign_up,
            recovery=Recovery(database, clock, passwords, mail),
            mail_sign_in=MailSignIn(
                settings,
                database,
                clock,
                mail,
                sessions,
                sign_up,
                keys,
                tokens.device,
                issuer,
            ),
            mail=mail,
            sessions=sessions,
            users=UserService(database, clock, limits, passwords, principals),
            roles=RoleService(database, clock, principals),
            setup=Setup(settings, database, clock, passwords),
            health=Health(database, revision),
            metrics=Metrics(breakers, limits),
            background=Background(watch(database, lease), keys, sessions, mail),
        )


def _limits(
    stack: AsyncExitStack,
    settings: Settings,
    derived: DerivedKeys,
    breakers: BreakerRegistry,
) -> Limits:
    if not (settings.redis_url and settings.rate_limits):
        return Limits(settings.rate_limits)
    # Only here: the client takes 7 MiB, and most have no Redis.
    from app.services.redis_counters import RedisCounters

    shared = RedisCounters(settings.redis_url, derived, breakers)
    stack.push_async_callback(shared.aclose)
    return Limits(settings.rate_limits, shared)
