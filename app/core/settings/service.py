"""What the service is, and who may talk to it."""

from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Annotated, Literal, TypeAlias
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import NoDecode

from app.core.setting_rules import HOST, origin, web_address
from app.core.settings.base import SettingGroup

MINIMUM_SECRET_BYTES = 32

CommaSeparated: TypeAlias = Annotated[tuple[str, ...], NoDecode]
Network: TypeAlias = IPv4Network | IPv6Network


class ServiceSettings(SettingGroup):
    """What the service is, and who may talk to it."""

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

    app_url: str = ""
    """Where your own program is, such as `https://app.example.com/`: pages lead there
    once people have done what a mail asked for, and so does the foot of each mail.
    Empty: they lead nowhere."""

    allowed_hosts: CommaSeparated = ()
    """Names, without ports, accepted in the Host header beside PUBLIC_URL's. In
    development also localhost, 127.0.0.1, [::1] and testserver."""

    trusted_proxies: CommaSeparated = ()
    """Addresses and networks of the reverse proxies in front of the service, whose
    X-Forwarded-For is believed; everybody else's is ignored."""

    cors_origins: CommaSeparated = ()
    """Exact origins, such as `https://app.example.com`, whose pages may call the
    service with the user's cookies."""

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

    @field_validator("service_name")
    @classmethod
    def _one_line(cls, value: str) -> str:
        if not value.isprintable():
            raise ValueError("must be one line without control characters")
        return value

    @field_validator("public_url")
    @classmethod
    def _origin_only(cls, value: str) -> str:
        return origin(value)

    @field_validator("app_url")
    @classmethod
    def _web_address_or_empty(cls, value: str) -> str:
        return web_address(value) if value else value

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
