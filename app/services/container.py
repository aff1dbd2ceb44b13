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
from app.services.deletion import Deletion
from app.services.devices import Devices
from app.services.email_change import EmailChange
from app.services.health import Health
from app.services.invalidation import Lease, PostgresqlWatch, SqliteWatch
from app.services.invitations import Invitations
from app.services.issuing import TokenIssuer, TokenKit
from app.services.keys import Keys
from app.services.limits import Limits
from app.services.links import Links
from app.services.mail import Mail, build_mail
from app.services.mail_sign_in import MailSignIn
from app.services.metrics import Metrics
from app.services.own_account import OwnAccount
from app.services.own_password import OwnPassword
from app.services.passwords import Passwords
from app.services.principals import PrincipalCache, Principals
from app.services.recovery import Recovery
from app.services.roles import RoleService
from app.services.sessions import Sessions
from app.services.setup import Setup
from app.services.sign_up import SignUp
from app.services.users import UserService


@dataclass(frozen=True)
class Foundation:
    """What services are built on: what holds connections, threads and keys.

    Attributes:
        revision: The schema that this code works with.
    """

    settings: Settings
    revision: str
    clock: Clock
    database: Database
    breakers: BreakerRegistry
    derived: DerivedKeys
    lease: Lease
    keys: Keys
    limits: Limits
    passwords: Passwords

    @property
    def tokens(self) -> TokenKit:
        """What writes and reads tokens."""
        access = AccessTokens(
            self.settings.public_url,
            self.settings.token_audience,
            self.clock,
            lambda: self.keys.ring,
        )
        return TokenKit(access, RefreshTokens(self.derived))


@dataclass(frozen=True)
class Services(Foundation):
    """What endpoints and commands work with."""

    principals: Principals
    auth: AuthService
    sign_up: SignUp
    recovery: Recovery
    mail_sign_in: MailSignIn
    mail: Mail
    links: Links
    sessions: Sessions
    users: UserService
    invitations: Invitations
    own_account: OwnAccount
    email_change: EmailChange
    deletion: Deletion
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
        yield build_services(
            Foundation(
                settings=settings,
                revision=revision,
                clock=clock,
                database=database,
                breakers=breakers,
                derived=derived,
                lease=lease,
                keys=keys,
                limits=_limits(stack, settings, derived, breakers),
                passwords=Passwords(settings, pool, breached),
            )
        )


def build_services(on: Foundation) -> Services:
    """Build the services on what they need; nothing is connected or started yet."""
    settings, database, clock = on.settings, on.database, on.clock
    limits, passwords, tokens = on.limits, on.passwords, on.tokens
    cache = PrincipalCache(settings.principal_cache, on.lease)
    database.on_change(cache.drop)
    principals = Principals(database, on.keys, tokens.access, cache, clock)
    devices = Devices(database, clock, DeviceTokens(on.derived))
    mail = build_mail(
        settings, database, clock, on.derived, limits, on.breakers, devices
    )
    own_password = OwnPassword(limits, passwords)
    sign_up = SignUp(settings, database, clock, limits, passwords, own_password, mail)
    sessions = Sessions(settings, database, clock, mail.notices)
    issuer = TokenIssuer(settings, clock, tokens)
    deletion = Deletion(
        settings, database, clock, principals, own_password, mail.challenges
    )
    users = UserService(database, clock, passwords, principals)
    watch = SqliteWatch if settings.is_sqlite else PostgresqlWatch
    return Services(
        **vars(on),
        principals=principals,
        auth=AuthService(
            settings,
            database,
            clock,
            limits,
            passwords,
            sessions,
            sign_up,
            on.keys,
            tokens,
            devices,
            issuer,
            mail.notices,
        ),
        sign_up=sign_up,
        recovery=Recovery(
            settings, database, clock, limits, passwords, principals, users, mail
        ),
        mail_sign_in=MailSignIn(
            settings,
            database,
            clock,
            mail,
            sessions,
            sign_up,
            on.keys,
            devices,
            issuer,
        ),
        mail=mail,
        links=Links(database, mail.challenges, sign_up),
        sessions=sessions,
        users=users,
        invitations=Invitations(
            settings,
            database,
            clock,
            limits,
            passwords,
            principals,
            mail.challenges,
            users,
        ),
        own_account=OwnAccount(
            clock, passwords, principals, own_password, mail.notices
        ),
        email_change=EmailChange(
            settings,
            database,
            clock,
            principals,
            own_password,
            mail,
        ),
        deletion=deletion,
        roles=RoleService(database, clock, principals),
        setup=Setup(settings, database, clock, passwords),
        health=Health(database, on.revision),
        metrics=Metrics(on.breakers, limits, mail.outbox),
        background=Background(
            watch(database, on.lease), on.keys, sessions, mail, deletion
        ),
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
