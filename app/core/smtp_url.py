"""Where mail is handed in, and how the way there is secured."""

from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import unquote, urlsplit

Security = Literal["tls", "starttls", "none"]

SCHEMES: dict[str, tuple[Security, int]] = {
    "smtps": ("tls", 465),
    "smtp+starttls": ("starttls", 587),
    "smtp": ("none", 25),
}
"""What each kind of URL stands for, and its port if it names none (RFC 8314)."""


@dataclass(frozen=True)
class SmtpServer:
    """A parsed SMTP_URL."""

    host: str
    port: int
    security: Security
    username: str | None = None
    password: str | None = field(default=None, repr=False)

    @classmethod
    def parse(cls, url: str) -> "SmtpServer":
        """Return what a URL says.

        Raises:
            ValueError: If it says anything that we can't keep to.
        """
        parts = urlsplit(url)
        if parts.scheme not in SCHEMES or not parts.hostname or parts.port == 0:
            raise ValueError("not the URL of an SMTP server")
        if parts.path.strip("/") or parts.query or parts.fragment:
            raise ValueError("more than a server")
        if "@" in parts.netloc and not (parts.username and parts.password):
            raise ValueError("half of a user name and password")
        parts.hostname.encode("idna")  # What fails here can't be looked up either.
        security, port = SCHEMES[parts.scheme]
        return cls(
            parts.hostname,
            parts.port or port,
            security,
            parts.username and unquote(parts.username, errors="strict"),
            parts.password and unquote(parts.password, errors="strict"),
        )
