"""Which values of settings are allowed, alone, together and in production."""

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from app.core.config import Settings

SAMPLE_SECRET_KEY = "development-only-secret-key-replace-it-in-production"
LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "[::1]"})

HOST = re.compile(r"\[[\da-f:.]+\]|[\w.-]+", re.ASCII | re.IGNORECASE)
HOST_AND_PORT = re.compile(rf"({HOST.pattern})(:\d{{1,5}})?", HOST.flags)


COLOR = re.compile("#[0-9a-f]{6}", re.IGNORECASE)


def is_sqlite(database_url: str) -> bool:
    """Tell whether a URL names a SQLite file."""
    return database_url.startswith("sqlite")


def origin(value: str) -> str:
    """Return scheme, host and port of a URL that has nothing else."""
    parts = urlsplit(value.rstrip("/"))
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("must be an origin such as https://auth.example.com")
    has_more = parts.path or parts.query or parts.fragment
    if has_more or not HOST_AND_PORT.fullmatch(parts.netloc) or parts.port == 0:
        raise ValueError("must have only scheme, host and port, and no wildcard")
    # Browsers leave the usual port out of Origin, and so must what it is compared with.
    usual = {"https": 443, "http": 80}[parts.scheme]
    port = "" if parts.port in (None, usual) else f":{parts.port}"
    return (
        f"{parts.scheme}://{parts.netloc.lower().removesuffix(f':{parts.port}')}{port}"
    )


def web_address(value: str) -> str:
    """Return the address of a page, which people are led to."""
    parts = urlsplit(value)
    is_plain = value.isascii() and value.isprintable() and " " not in value
    if parts.scheme not in ("http", "https") or not is_plain:
        raise ValueError("must be the address of a page, such as https://example.com/")
    if not HOST_AND_PORT.fullmatch(parts.netloc):
        raise ValueError("must have a host, and neither user name nor password")
    return value


def contradictions(settings: "Settings") -> list[str]:
    """Return which settings do not go together."""
    email, password = settings.first_admin_email, settings.first_admin_password
    checks = {
        "FIRST_ADMIN_EMAIL and FIRST_ADMIN_PASSWORD: set both or neither": (
            bool(email) != bool(password.get_secret_value())
        ),
        "REFRESH_IDLE_SECONDS: must not be more than REFRESH_MAX_SECONDS": (
            settings.refresh_idle_seconds > settings.refresh_max_seconds
        ),
        "DATABASE_REPLICA_URL: must be of PostgreSQL, and so must DATABASE_URL": (
            bool(settings.database_replica_url)
            and (settings.is_sqlite or is_sqlite(settings.database_replica_url))
        ),
        # A client that uses its access token to the end comes back in time.
        "REFRESH_IDLE_SECONDS: must be at least twice ACCESS_TOKEN_SECONDS": (
            settings.refresh_idle_seconds < 2 * settings.access_token_seconds
        ),
        "MAIL_FROM: must be set where SMTP_URL is": (
            settings.mail == "smtp" and not settings.mail_from
        ),
        "EMAIL_VERIFICATION: `required` needs SMTP_URL": (
            settings.mail == "off" and settings.email_verification == "required"
        ),
        "MAIL_SIGN_IN: `on` needs SMTP_URL": (
            settings.mail == "off" and settings.mail_sign_in
        ),
        "DELETION_DAYS: more than 0 needs SMTP_URL": (
            settings.mail == "off" and settings.deletion_days > 0
        ),
    }
    return [line for line, refused in checks.items() if refused]


def production_refusals(settings: "Settings") -> list[str]:
    """Return what production does not start with."""
    server = settings.smtp_server
    previous = [key.get_secret_value() for key in settings.previous_secret_keys]
    checks = {
        "SECRET_KEY: production refuses the sample secret": (
            settings.secret_key.get_secret_value() == SAMPLE_SECRET_KEY
        ),
        "PREVIOUS_SECRET_KEYS: production refuses the sample secret": (
            SAMPLE_SECRET_KEY in previous
        ),
        "BCRYPT_ROUNDS: must be at least 10 in production": settings.bcrypt_rounds < 10,
        "RATE_LIMITS: must be on in production": not settings.rate_limits,
        "CLOCK_OFFSET_SECONDS: must be 0 in production": (
            settings.clock_offset_seconds != 0
        ),
        "PUBLIC_URL: must be https in production, unless it is localhost": (
            not settings.https and settings.host not in LOCAL_HOSTS
        ),
        "SMTP_URL: a password must not be sent unencrypted, unless to localhost": (
            server is not None
            and server.security == "none"
            and server.password is not None
            and server.host not in {*LOCAL_HOSTS, "::1"}
        ),
    }
    return [line for line, refused in checks.items() if refused]
