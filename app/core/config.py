"""Settings: every knob, typed, bounded and documented.

Values come from the environment or from a `.env` file in the working directory;
the environment wins. docs/configuration.md is generated from this module.
"""

import sys
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeAlias
from urllib.parse import urlsplit

from pydantic import (
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from app.core.emails import check_email
from app.core.redis_url import TLS_OPTIONS, is_redis_url
from app.core.setting_rules import (
    COLOR,
    HOST,
    contradictions,
    is_sqlite,
    origin,
    production_refusals,
)
from app.core.smtp_url import SmtpServer

MINIMUM_SECRET_BYTES = 32
MINIMUM_METRICS_TOKEN = 16
SUPPORTED_DATABASES = ("sqlite+aiosqlite:///", "postgresql+asyncpg://")

_EMPTY_MEANS_OFF = frozenset({"breached_passwords_url"})

CommaSeparated: TypeAlias = Annotated[tuple[str, ...], NoDecode]
Network: TypeAlias = IPv4Network | IPv6Network


class Settings(BaseSettings):
    """Everything an operator can choose."""

    model_config = SettingsConfigDict(
        env_file=".env",
        env_file_encoding="utf-8",
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
        use_attribute_docstrings=True,
    )

    environment: Literal["development", "test", "production"] = "production"
    """Where this runs. Production refuses every unsafe setting; development adds
    conveniences such as a first admin with a random password."""

    secret_key: SecretStr
    """At least 32 random bytes, from which the keys for refresh tokens, device
    cookies and the sealed signing keys are derived. Make one with
    `python -c "import secrets; print(secrets.token_urlsafe(48))"`."""

    previous_secret_keys: Annotated[tuple[SecretStr, ...], NoDecode] = ()
    """Older values of SECRET_KEY, separated by commas, newest first: what they
    sealed or signed is still accepted, so that a change signs nobody out."""

    service_name: str = Field(default="Cardea", min_length=1, max_length=60)
    """What people call the service: shown on its pages, refused in passwords."""

    public_url: str = "http://localhost:8000"
    """Where people and programs reach the service: the issuer of its tokens and the
    base of every link. Scheme, host and port only. Never taken from a request."""

    allowed_hosts: CommaSeparated = ()
    """Names, without ports, accepted in the Host header beside PUBLIC_URL's. In
    development also localhost, 127.0.0.1, [::1] and testserver."""

    trusted_proxies: CommaSeparated = ()
    """Addresses and networks of the reverse proxies in front of the service, whose
    X-Forwarded-For is believed; everybody else's is ignored."""

    cors_origins: CommaSeparated = ()
    """Exact origins, such as `https://app.example.com`, whose pages may call the
    service with the user's cookies."""

    database_url: str = "sqlite+aiosqlite:///./cardea.db"
    """Where the data lives: `sqlite+aiosqlite:///PATH` or
    `postgresql+asyncpg://USER:PASSWORD@HOST/NAME`."""

    database_timeout_seconds: int = Field(default=5, ge=1, le=60)
    """How long a request waits for a connection or a lock before it answers 503
    `database_unavailable`. All its waits together take twice that and a second at
    most."""

    database_pool_size: int = Field(default=10, ge=1, le=200)
    """How many PostgreSQL connections one process keeps, beside one that listens for
    changes that other processes make."""

    database_replica_url: str = ""
    """A PostgreSQL replica that lists of accounts are read from. It may lag behind;
    what decides who gets in is always asked of DATABASE_URL. Empty: there is none."""

    migrate_on_start: bool = True
    """Bring the PostgreSQL schema up to date at start. SQLite is always migrated."""

    redis_url: str = ""
    """Where limits are counted for all processes together:
    `redis://:PASSWORD@HOST:6379/0`, `rediss://...` (TLS) or `unix:///PATH?db=0`. Empty,
    or while Redis does not answer: each process counts for itself, in memory."""

    token_audience: str = Field(default="cardea", min_length=1, max_length=200)
    """The `aud` claim of access tokens."""

    access_token_seconds: int = Field(default=600, ge=60, le=3600)
    """How long an access token is valid."""

    refresh_idle_seconds: int = Field(default=2_592_000, ge=300, le=31_536_000)
    """How long a session lasts without a refresh."""

    refresh_max_seconds: int = Field(default=7_776_000, ge=300, le=63_072_000)
    """How long a session lasts at most, whatever its use."""

    refresh_grace_seconds: int = Field(default=30, ge=0, le=300)
    """For how long after a rotation the previous refresh token is answered with the
    same successor: two tabs, a retry."""

    principal_cache: bool = True
    """Keep callers' accounts and permissions in memory between requests. They are
    dropped the moment they change."""

    bcrypt_rounds: int = Field(default=12, ge=4, le=16)
    """The cost of a password hash, as a power of two. At least 10 in production."""

    password_min_length: int = Field(default=10, ge=8, le=64)
    """The fewest characters a password may have."""

    password_queue_size: int = Field(default=100, ge=1, le=10_000)
    """How many sign-ins may wait for a free core before the next is answered 503
    `busy` at once."""

    breached_passwords_url: str = "https://api.pwnedpasswords.com"
    """The Have I Been Pwned range API, asked with the first five characters of a
    password's SHA-1. Empty turns the check off."""

    sign_up: Literal["open", "invite", "closed"] = "open"
    """Who may make an account: anybody (`open`), whom an admin invites by mail
    (`invite`), or nobody (`closed`): then only admins make accounts for others, with a
    password that they hand over."""

    email_verification: Literal["optional", "required"] = "optional"
    """Whether an account must prove its e-mail address before it can sign in. With
    `required`, an account is made when its address is proven, not before."""

    deletion_days: int = Field(default=0, ge=0, le=90)
    """For how many days people who delete their account can undo it, by a link in the
    mail that tells of it. With 0 it is gone at once."""

    mail_sign_in: bool = False
    """Whether people may sign in with a link or a code by mail, without a password."""

    smtp_url: SecretStr = SecretStr("")
    """Where mail is handed in: `smtps://USER:PASSWORD@HOST` (TLS, port 465),
    `smtp+starttls://USER:PASSWORD@HOST` (port 587) or `smtp://HOST` (port 25, not
    encrypted). Empty: development shows its mail at `/dev/mail`, production sends none.
    See docs/mail.md."""

    mail_from: str = ""
    """The address that mail comes from; people see SERVICE_NAME beside it. Needed with
    SMTP_URL."""

    mail_color: str = "#7a4b12"
    """The colour of buttons in mail, as `#rrggbb`."""

    mail_templates: str = ""
    """A folder with templates of your own, each in place of ours of the same name. See
    docs/mail.md."""

    rate_limits: bool = True
    """Count attempts and make callers wait. Off only outside production."""

    first_admin_email: str = ""
    """The e-mail address of an admin to make at start when there is none."""

    first_admin_password: SecretStr = SecretStr("")
    """The password of that first admin."""

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

    @model_validator(mode="before")
    @classmethod
    def _empty_is_unset(cls, values: dict[str, object]) -> dict[str, object]:
        """Take an empty variable for none, unless empty means off."""
        return {
            name: value
            for name, value in values.items()
            if value != "" or name in _EMPTY_MEANS_OFF
        }

    @field_validator(
        "previous_secret_keys",
        "allowed_hosts",
        "trusted_proxies",
        "cors_origins",
        mode="before",
    )
    @classmethod
    def _split(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        return tuple(part.strip() for part in value.split(",") if part.strip())

    @field_validator("secret_key", "previous_secret_keys")
    @classmethod
    def _long_enough(
        cls, value: SecretStr | tuple[SecretStr, ...]
    ) -> SecretStr | tuple[SecretStr, ...]:
        for secret in value if isinstance(value, tuple) else (value,):
            if len(secret.get_secret_value().encode()) < MINIMUM_SECRET_BYTES:
                raise ValueError(f"must have at least {MINIMUM_SECRET_BYTES} bytes")
        return value

    @field_validator("metrics_token")
    @classmethod
    def _hard_to_guess(cls, value: SecretStr) -> SecretStr:
        if 0 < len(value.get_secret_value()) < MINIMUM_METRICS_TOKEN:
            raise ValueError(f"must have at least {MINIMUM_METRICS_TOKEN} characters")
        return value

    @field_validator("public_url")
    @classmethod
    def _origin_only(cls, value: str) -> str:
        return origin(value)

    @field_validator("cors_origins")
    @classmethod
    def _exact_origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(origin(one) for one in value)

    @field_validator("allowed_hosts")
    @classmethod
    def _names_without_ports(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for name in value:
            if not HOST.fullmatch(name):
                raise ValueError("must be names without scheme, port or wildcard")
        return tuple(name.lower() for name in value)

    @field_validator("trusted_proxies")
    @classmethod
    def _addresses_or_networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for entry in value:
            ip_network(entry, strict=False)
        return value

    @field_validator("database_url", "database_replica_url")
    @classmethod
    def _supported_database(cls, value: str, info: ValidationInfo) -> str:
        if not value and info.field_name == "database_replica_url":
            return value
        if not value.startswith(SUPPORTED_DATABASES):
            raise ValueError(f"must start with {' or '.join(SUPPORTED_DATABASES)}")
        try:
            name = make_url(value).database or ""
        except (ArgumentError, ValueError):
            # The words of the error may hold a piece of the password.
            name = ""
        if not name or name.startswith(("file:", ":memory:")) or "mode=memory" in value:
            raise ValueError(
                "must name a file or a database; in user name and password, "
                "`@`, `:`, `/` and `%` are written as %40, %3A, %2F and %25"
            )
        return value

    @field_validator("redis_url")
    @classmethod
    def _redis_or_empty(cls, value: str) -> str:
        if value and not is_redis_url(value):
            raise ValueError(
                "must be redis://HOST:PORT/NUMBER, rediss://... or unix:///PATH, with "
                f"no options but db and, for TLS, {', '.join(sorted(TLS_OPTIONS))}; in "
                "user name and password, `@`, `:`, `/`, `?`, `#` and `%` are written "
                "as %40, %3A, %2F, %3F, %23 and %25"
            )
        return value

    @field_validator("smtp_url")
    @classmethod
    def _smtp_or_empty(cls, value: SecretStr) -> SecretStr:
        try:
            if url := value.get_secret_value():
                SmtpServer.parse(url)
        except ValueError:
            raise ValueError(
                "must be smtps://USER:PASSWORD@HOST:PORT, smtp+starttls://... or "
                "smtp://..., with nothing behind the port; in user name and password, "
                "`@`, `:`, `/`, `?`, `#` and `%` are written as %40, %3A, %2F, %3F, "
                "%23 and %25"
            ) from None
        return value

    @field_validator("mail_from")
    @classmethod
    def _address_or_empty(cls, value: str) -> str:
        return check_email(value) if value else value

    @field_validator("service_name")
    @classmethod
    def _one_line(cls, value: str) -> str:
        if not value.isprintable():
            raise ValueError("must be one line without control characters")
        return value

    @field_validator("mail_color")
    @classmethod
    def _six_hexadecimal_digits(cls, value: str) -> str:
        if not COLOR.fullmatch(value):
            raise ValueError("must be a colour as #rrggbb, such as #7a4b12")
        return value.lower()

    @field_validator("mail_templates")
    @classmethod
    def _folder_or_empty(cls, value: str) -> str:
        if value and not Path(value).is_dir():
            raise ValueError("must be a folder")
        return value

    @field_validator("breached_passwords_url")
    @classmethod
    def _http_or_empty(cls, value: str) -> str:
        if value and urlsplit(value).scheme not in ("http", "https"):
            raise ValueError("must be an http(s) URL, or empty")
        return value

    @model_validator(mode="after")
    def _agree_with_each_other(self) -> Self:
        refusals = contradictions(self)
        if self.environment == "production":
            refusals += production_refusals(self)
        if refusals:
            raise ValueError("\n".join(refusals))
        return self

    @property
    def host(self) -> str:
        """The host name of PUBLIC_URL, without its port."""
        name = urlsplit(self.public_url).hostname or ""
        return f"[{name}]" if ":" in name else name

    @property
    def https(self) -> bool:
        """Whether browsers reach the service over TLS, so that cookies are Secure."""
        return self.public_url.startswith("https://")

    @property
    def proxy_networks(self) -> tuple[Network, ...]:
        """TRUSTED_PROXIES, parsed."""
        return tuple(ip_network(entry, strict=False) for entry in self.trusted_proxies)

    @property
    def database_patience_seconds(self) -> int:
        """How long a request waits for the database altogether.

        Enough for a connection and, once it is there, for a statement that is given up
        a second after the database should have answered.
        """
        return 2 * self.database_timeout_seconds + 1

    @property
    def smtp_server(self) -> SmtpServer | None:
        """SMTP_URL, parsed; None if it is empty."""
        url = self.smtp_url.get_secret_value()
        return SmtpServer.parse(url) if url else None

    @property
    def mail(self) -> Literal["smtp", "mailbox", "off"]:
        """What becomes of mail: sent, shown to developers, or never written."""
        if self.smtp_url.get_secret_value():
            return "smtp"
        return "off" if self.environment == "production" else "mailbox"

    @property
    def is_sqlite(self) -> bool:
        """Whether the data lives in a SQLite file."""
        return is_sqlite(self.database_url)


def load_settings(**chosen: object) -> Settings:
    """Read the settings, or say what is wrong with each and exit with status 2.

    Args:
        chosen: What the command line says instead; None is nothing.
    """
    given: dict[str, Any] = {k: v for k, v in chosen.items() if v is not None}
    try:
        return Settings(**given)
    except ValidationError as error:
        for line in explain(error):
            print(line, file=sys.stderr)
        raise SystemExit(2) from None
    except UnicodeDecodeError:
        print(".env: must be UTF-8 text", file=sys.stderr)
        raise SystemExit(2) from None


def explain(error: ValidationError) -> list[str]:
    """Return one line per wrong setting: its name, and what is allowed."""
    lines: list[str] = []
    for problem in error.errors(include_input=False, include_url=False):
        reason = problem["msg"].removeprefix("Value error, ")
        if not problem["loc"]:
            lines.extend(reason.split("\n"))
        elif problem["type"] == "missing":
            lines.append(f"{str(problem['loc'][0]).upper()}: must be set")
        elif problem["type"] == "bool_parsing":
            lines.append(f"{str(problem['loc'][0]).upper()}: must be on or off")
        else:
            lines.append(f"{str(problem['loc'][0]).upper()}: {reason}")
    return lines
