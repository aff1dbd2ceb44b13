"""The whole service at a glance: `uvicorn app.main:app`."""

import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from fastapi import FastAPI
from fastapi.middleware.asyncexitstack import AsyncExitStackMiddleware
from starlette.middleware import Middleware
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.routing import BaseRoute
from starlette.types import ASGIApp

from app import __version__
from app.api import links, mailbox, metrics, openapi, pages, system, v1
from app.core.clock import Clock, system_clock
from app.core.config import Settings, load_settings
from app.core.exceptions import DatabaseUnavailableError, StartupError
from app.core.guards import BodyLimit, CrossSiteGuard, HostCheck
from app.core.logging import configure_logging
from app.core.middleware import (
    Cors,
    CrashGuard,
    RequestLog,
    SecurityHeaders,
    StartupGuard,
)
from app.core.patience import RequestPatience
from app.core.problems import Problems
from app.core.security import Cookies
from app.engines import OwnerLock
from app.migrations import head_revision, prepare_schema
from app.services.container import Services, open_services
from app.services.own_templates import check_own_templates
from app.services.setup import NewAdmin

DEVELOPMENT_HOSTS = ("localhost", "127.0.0.1", "[::1]", "testserver")


class Application(FastAPI):
    """FastAPI without the layers around it whose work ours do already."""

    def build_middleware_stack(self) -> ASGIApp:
        """Put our middleware around FastAPI's handlers of errors and open files."""
        app: ASGIApp = AsyncExitStackMiddleware(self.router)
        app = ExceptionMiddleware(app, handlers=self.exception_handlers)
        for make, args, kwargs in reversed(self.user_middleware):
            app = make(app, *args, **kwargs)
        return app


def create_app(settings: Settings, clock: Clock | None = None) -> FastAPI:
    """Build the service; nothing is opened or started before its lifespan begins."""
    clock = clock or system_clock(settings.clock_offset_seconds)
    problems = Problems(settings.public_url)
    cookies = Cookies(settings.https)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with running(settings, clock) as services:
            app.state.services = services
            yield

    app = Application(
        title=f"{settings.service_name} API",
        version=__version__,
        description=openapi.DESCRIPTION,
        lifespan=lifespan,
        routes=_routes(settings),
        middleware=_middleware(settings, problems, cookies),
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        openapi_tags=openapi.TAGS,
        separate_input_output_schemas=False,
        # It would hand whole bodies, passwords among them, to whatever listens.
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    app.state.cookies = cookies
    problems.install(app)
    pages.mount_assets(app)
    openapi.complete(app)
    return app


@asynccontextmanager
async def running(settings: Settings, clock: Clock) -> AsyncIterator[Services]:
    """Start everything in order, and stop it in the opposite one.

    Raises:
        StartupError: If the service must not start; the message says why.
    """
    async with AsyncExitStack() as stack:
        if settings.is_sqlite:
            lock = OwnerLock(settings)
            lock.acquire()
            stack.callback(lock.release)
        await prepare_schema(settings)
        services = await stack.enter_async_context(
            open_services(settings, head_revision(), clock)
        )
        await services.limits.look_for_redis()
        check_own_templates(settings)
        try:
            await _make_ready(services)
        except DatabaseUnavailableError as error:
            raise StartupError(
                f"The database can't be used ({type(error.__cause__).__name__}): it "
                "does not answer, lets nobody write, or is damaged."
            ) from None
        services.background.start()
        stack.push_async_callback(services.background.stop)
        yield services


async def _make_ready(services: Services) -> None:
    await services.setup.ensure_roles()
    if services.settings.previous_secret_keys:
        await services.keys.reseal()
    await services.keys.load()
    if new_admin := await services.setup.ensure_admin():
        _show_once(new_admin)


def _routes(settings: Settings) -> list[BaseRoute]:
    """Return all routes, flat; they are tried in this order."""
    has_metrics = bool(settings.metrics_token.get_secret_value())
    return [
        *v1.router.routes,
        *system.router.routes,
        *(metrics.router.routes if has_metrics else ()),
        *links.router.routes,
        *(mailbox.router.routes if settings.mail == "mailbox" else ()),
        *pages.router.routes,
    ]


def _middleware(
    settings: Settings, problems: Problems, cookies: Cookies
) -> list[Middleware]:
    """Return what every request passes, outermost first."""
    return [
        Middleware(StartupGuard),
        Middleware(RequestLog, proxies=settings.proxy_networks),
        Middleware(SecurityHeaders, https=settings.https),
        Middleware(Cors, problems=problems, origins=settings.cors_origins),
        Middleware(CrashGuard, problems=problems),
        Middleware(HostCheck, hosts=_hosts(settings)),
        Middleware(
            CrossSiteGuard,
            cookies=cookies,
            origins={settings.public_url, *settings.cors_origins},
        ),
        Middleware(BodyLimit),
        Middleware(RequestPatience, seconds=settings.database_patience_seconds),
    ]


def _hosts(settings: Settings) -> set[str]:
    hosts = {settings.host, *settings.allowed_hosts}
    if settings.environment != "production":
        hosts.update(DEVELOPMENT_HOSTS)
    return hosts


def _show_once(admin: NewAdmin) -> None:
    # Past the log on purpose: secrets are never logged.
    print(
        f"\n  A first admin was made for development:\n"
        f"    e-mail    {admin.email}\n    password  {admin.password}\n"
        "  The password is shown this once.\n",
        file=sys.stderr,
        flush=True,
    )


def __getattr__(name: str) -> FastAPI:
    """Build `app` when a server asks for it, so that importing reads no settings."""
    if name != "app":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    settings = load_settings()
    configure_logging(settings)
    app = globals()["app"] = create_app(settings)
    return app
