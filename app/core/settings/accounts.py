"""Accounts: how people get in, and for how long."""

from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator

from app.core.settings.base import SettingGroup


class AccountSettings(SettingGroup):
    """Accounts: how people get in, and for how long."""

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

    rate_limits: bool = True
    """Count attempts and make callers wait. Off only outside production."""

    first_admin_email: str = ""
    """The e-mail address of an admin to make at start when there is none."""

    first_admin_password: SecretStr = SecretStr("")
    """The password of that first admin."""

    @field_validator("breached_passwords_url")
    @classmethod
    def _http_or_empty(cls, value: str) -> str:
        if value and urlsplit(value).scheme not in ("http", "https"):
            raise ValueError("must be an http(s) URL, or empty")
        return value
