"""What the service says about itself: health, keys, name."""

from typing import Literal

from fastapi import Request, Response, status

from app import __version__
from app.api.deps import ServicesDep, SettingsDep
from app.api.html import page, wants_page
from app.api.routes import declare
from app.schemas.system import (
    About,
    BreakerHealth,
    DatabaseHealth,
    JsonWebKey,
    JsonWebKeySet,
    LimitsHealth,
    Live,
    Ready,
)

JWKS_SECONDS = 600
"""How long others may keep the keys; the next one is published a day ahead."""

STOPPING = "stopping"
"""Stands in the state of each request once `cardea serve` has been asked to stop."""

router = declare("", "System")


@router.get("/health/live")
async def live() -> Live:
    """Tell that the process serves."""
    return Live()


@router.get(
    "/health/ready",
    responses={503: {"model": Ready, "description": "Not usable, or not for long."}},
)
async def ready(request: Request, services: ServicesDep, response: Response) -> Ready:
    """Tell whether the service can do its work, and will."""
    database = DatabaseHealth.model_validate(await services.health.check())
    usable = database.reachable and database.migrated
    stopping = hasattr(request.state, STOPPING)
    if stopping or not usable:
        response.status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    breakers = {
        name: BreakerHealth.model_validate(state)
        for name, state in services.breakers.snapshot().items()
    }
    status_now: Literal["ready", "unready"] = "ready" if usable else "unready"
    return Ready(
        status="stopping" if stopping else status_now,
        database=database,
        limits=LimitsHealth(storage=services.limits.storage),
        breakers=breakers,
    )


@router.get("/.well-known/jwks.json")
async def jwks(services: ServicesDep, response: Response) -> JsonWebKeySet:
    """Return the public keys that check access tokens (RFC 7517)."""
    response.headers["Cache-Control"] = f"public, max-age={JWKS_SECONDS}"
    keys = [JsonWebKey.model_validate(key) for key in services.keys.published()]
    return JsonWebKeySet(keys=keys)


@router.get(
    "/",
    response_model=About,
    responses={200: {"content": {"text/html": {}}, "description": "By `Accept`."}},
)
async def about(request: Request, settings: SettingsDep) -> Response | About:
    """Say what this is and where to go from here."""
    facts = About(
        name=settings.service_name,
        version=__version__,
        docs=f"{settings.public_url}/docs",
        openapi=f"{settings.public_url}/openapi.json",
        jwks=f"{settings.public_url}/.well-known/jwks.json",
        errors=f"{settings.public_url}/errors",
    )
    if wants_page(request):
        has_mailbox = settings.mail == "mailbox"
        return page("about.html", settings, about=facts, has_mailbox=has_mailbox)
    return facts
