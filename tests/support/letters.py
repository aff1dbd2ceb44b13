"""Letters with values that tests can look for."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from app.core.config import Settings
from app.models import Message, MessageKind
from app.services.letters import Letter, Letters
from tests.support.databases import make_settings

AT = datetime(2026, 11, 24, 13, 5, tzinfo=UTC)
MESSAGE_ID = UUID("0198f3a1-0000-7000-8000-00000000abcd")
TOKEN = "cardea_link_" + "x" * 64
LINK = f"https://auth.example.com/links/verify-email?token={TOKEN}"
CODE = "042137"

FACTS = {
    "inviter": "Grace Hopper",
    "session_ip": "198.51.100.24",
    "session_device": "Safari on macOS",
    "until": "2026-12-24T13:05:00+00:00",
}

WITH_PROOF = ("verify_email", "reset_password", "sign_in", "change_email")
WITH_LINK = (
    "reset_after_undo",
    "reset_after_sign_out",
    "reset_by_admin",
    "email_changed",
    "invitation",
    "new_device",
    "password_changed",
    "token_reused",
    "deletion_planned",
)
FROM_AN_ADMIN = ("reset_by_admin", "invitation")
WITHOUT_PROOF = ("account_exists", "no_account", "address_taken")


def mail_settings(**changes: Any) -> Settings:
    """Return settings of a service that nobody needs a database of."""
    values = {"public_url": "https://auth.example.com", **changes}
    return make_settings("sqlite+aiosqlite:///./nowhere.db", **values)


def write_letter(
    template: str = "verify_email",
    language: str = "en",
    *,
    recipient: str = "ada@example.com",
    locale: str | None = None,
    at: datetime = AT,
    ip: str = "203.0.113.7",
    device: str = "Firefox on Linux",
    **settings: Any,
) -> Letter:
    """Write a letter of a service with these settings."""
    message = Message(
        id=MESSAGE_ID,
        kind=MessageKind.VERIFY_EMAIL,
        recipient=recipient,
        language=language,
        facts={"at": at.isoformat(), "ip": ip, "device": device, **FACTS},
        created_at=AT,
    )
    return Letters(mail_settings(**settings)).write(
        template,
        message,
        recipient=recipient,
        locale=locale,
        link=LINK,
        token=TOKEN,
        code=CODE,
    )
