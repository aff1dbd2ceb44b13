"""What the service says about itself."""

from typing import Literal

from app.schemas.base import ResponseBody


class Live(ResponseBody):
    """The process serves."""

    status: Literal["live"] = "live"


class DatabaseHealth(ResponseBody):
    """Whether the database answers and fits this code."""

    kind: Literal["sqlite", "postgresql"]
    version: str | None
    """The server's or library's version; null if it does not answer."""

    reachable: bool
    migrated: bool
    """Whether the schema is the one this code works with."""


class BreakerCounters(ResponseBody):
    """What a breaker has seen since the start."""

    calls: int
    """Calls let through."""

    failures: int
    refused: int
    """Calls refused because the breaker was open."""

    state_changes: int


class BreakerHealth(ResponseBody):
    """The circuit breaker around one dependency."""

    state: Literal["closed", "open", "half_open"]
    failures: int
    """Since the last success."""

    retry_in_seconds: int
    """Until an open breaker lets a probe through."""

    since_start: BreakerCounters


class LimitsHealth(ResponseBody):
    """How limits are counted."""

    storage: Literal["redis", "memory", "off"]
    """Where attempts are counted now. `memory`: each process counts for itself, because
    there is no Redis or it does not answer."""


class Ready(ResponseBody):
    """Whether the service can do its work; a breaker that is open does not stop it."""

    status: Literal["ready", "unready", "stopping"]
    """`stopping`: everything is still served, but send nothing more."""

    database: DatabaseHealth
    limits: LimitsHealth
    breakers: dict[str, BreakerHealth]


class JsonWebKey(ResponseBody):
    """The public part of a signing key (RFC 7517)."""

    kty: Literal["EC"]
    crv: Literal["P-256"]
    x: str
    y: str
    kid: str
    use: Literal["sig"]
    alg: Literal["ES256"]


class JsonWebKeySet(ResponseBody):
    """All keys that access tokens may be signed with now."""

    keys: list[JsonWebKey]


class About(ResponseBody):
    """What this is, and where to go from here."""

    name: str
    version: str
    docs: str
    openapi: str
    jwks: str
    errors: str
