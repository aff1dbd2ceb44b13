"""The process: what it listens to, and what it tells."""

from typing import Literal

from pydantic import Field, SecretStr, field_validator

from app.core.settings.base import SettingGroup

MINIMUM_METRICS_TOKEN = 16


class ServingSettings(SettingGroup):
    """The process: what it listens to, and what it tells."""

    serve_host: str = "127.0.0.1"
    """The address that `cardea serve` listens on; 0.0.0.0 or :: for all. This and the
    other SERVE_ settings are for `cardea serve` alone."""

    serve_port: int = Field(default=8000, ge=0, le=65_535)
    """The port that it listens on; 0 takes a free one, which the log names."""

    serve_workers: int = Field(default=1, ge=1, le=64)
    """How many processes answer. More than one needs PostgreSQL."""

    serve_max_connections: int = Field(default=4096, ge=1, le=1_000_000)
    """How many connections one process keeps open, if its limit of open files allows.
    One more takes the place of that which has kept us waiting longest; it is refused
    with 503 `busy` only while every single one has a request being answered."""

    serve_head_seconds: float = Field(default=10, ge=0.1, le=300)
    """How long a client may take for the first line and the headers of a request."""

    serve_body_seconds: float = Field(default=20, ge=0.1, le=300)
    """How long it may take for the body after that."""

    serve_write_seconds: float = Field(default=20, ge=0.1, le=300)
    """How long a client may leave an answer unread that no longer fits on its way."""

    serve_keep_alive_seconds: float = Field(default=30, ge=0.1, le=3600)
    """How long a connection may wait for its next request. It should be longer than the
    reverse proxy keeps one, or some requests meet a connection that is just closing."""

    serve_drain_seconds: float = Field(default=2, ge=0, le=300)
    """How long, asked to stop by SIGTERM, the service goes on as usual but for
    `/health/ready`, so that load balancers notice and send nothing more."""

    serve_graceful_seconds: float = Field(default=10, ge=0, le=300)
    """How long after that requests under way may take before they are cut off."""

    serve_worker_hang_seconds: float = Field(default=30, ge=0.5, le=600)
    """How long one of several processes may not answer the supervisor before it is
    replaced."""

    metrics_token: SecretStr = SecretStr("")
    """What Prometheus sends as `Authorization: Bearer ...` to read `/metrics`, at least
    16 characters. Empty: there is no such address. See docs/metrics.md."""

    clock_offset_seconds: int = Field(default=0, ge=-31_536_000, le=31_536_000)
    """Moves the time as the service sees it, so that expiry can be tried: with 900,
    links that were sent just now are over. Only outside production."""

    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """The least important events that are logged."""

    log_format: Literal["json", "console"] = "json"
    """One JSON object per line, or text for people."""

    @field_validator("metrics_token")
    @classmethod
    def _hard_to_guess(cls, value: SecretStr) -> SecretStr:
        if 0 < len(value.get_secret_value()) < MINIMUM_METRICS_TOKEN:
            raise ValueError(f"must have at least {MINIMUM_METRICS_TOKEN} characters")
        return value
