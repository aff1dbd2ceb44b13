"""Rows for tests that need some, made without the rules of the services."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.emails import email_key
from app.models import (
    Account,
    Challenge,
    Message,
    MessageKind,
    Role,
    Session,
    User,
    UserStatus,
    new_id,
)
from app.services.mailing import PLANS, Lives, lives

NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)


def new_role(name: str, permissions: Sequence[str] = ()) -> Role:
    """Return a role that is not saved yet."""
    return Role(
        name=name,
        description="",
        permissions=list(permissions),
        builtin=False,
        created_at=NOW,
    )


def new_user(email: str, **fields: object) -> User:
    """Return an account that nobody can sign in to, not saved yet."""
    values = {"password_hash": "!", "created_at": NOW, "updated_at": NOW, **fields}
    return User(email=email, email_key=email_key(email), **values)


def make_account(**fields: Any) -> Account:
    """Return an account as it is read, which no database knows."""
    values: dict[str, Any] = {
        "id": new_id(),
        "email": "ada@example.com",
        "email_verified": False,
        "display_name": None,
        "password_hash": "!",
        "status": UserStatus.ACTIVE,
        "created_at": NOW,
        "updated_at": NOW,
        "last_sign_in_at": None,
        "locale": None,
        "invited_at": None,
        "delete_at": None,
        "roles": (),
        "permissions": frozenset(),
    }
    return Account(**values | fields)


def new_challenge(
    kind: MessageKind, email: str = "ada@example.com", user_id: UUID | None = None
) -> Challenge:
    """Return the challenge of a mail, not saved yet."""
    return Challenge(
        id=new_id(),
        purpose=PLANS[kind].purpose,
        user_id=user_id,
        email=email,
        email_key=email_key(email),
        created_at=NOW,
        **vars(lives(kind, NOW) or Lives(NOW + timedelta(days=1), None)),
    )


def new_message(kind: MessageKind, challenge: Challenge, **fields: object) -> Message:
    """Return the mail with a challenge, not saved yet."""
    return Message(
        **fields,
        kind=kind,
        recipient=challenge.email,
        language="en",
        facts={"at": NOW.isoformat(), "ip": "192.0.2.1", "device": "curl"},
        challenge_id=challenge.id,
        created_at=NOW,
    )


def new_session(user: User, **fields: object) -> Session:
    """Return a session of this user, not saved yet."""
    return Session(
        **fields,
        user_id=user.id,
        generation=0,
        rotated_at=NOW,
        confirmed=False,
        created_at=NOW,
        last_used_at=NOW,
        expires_at=NOW + timedelta(days=30),
        max_expires_at=NOW + timedelta(days=90),
        ip="192.0.2.1",
        user_agent="",
        device="",
    )


async def names_of_roles(session: AsyncSession) -> set[str]:
    """Return the names of all roles, asked anew."""
    return set(await session.scalars(select(Role.name)))
