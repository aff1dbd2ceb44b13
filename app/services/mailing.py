"""Mail with a link: what each kind asks for, and for how long."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from app.core.client import Client
from app.models import MessageKind, Purpose

LINK_LIFE = timedelta(minutes=15)
CODE_LIFE = timedelta(minutes=10)
LASTING_LIFE = timedelta(days=7)
"""Of a link that nobody has asked for: its reader may look at mail once a week."""


@dataclass(frozen=True)
class Lives:
    """When the link and the code of a challenge are over."""

    link_expires_at: datetime
    code_expires_at: datetime | None


@dataclass(frozen=True)
class Plan:
    """What a kind of mail asks for, and for how long.

    Attributes:
        purpose: What its challenge leads to.
        link: How long its link lives; None if that is said with each.
        code: How long its code does; None if it has none.
    """

    purpose: Purpose
    link: timedelta | None = LASTING_LIFE
    code: timedelta | None = None

    @classmethod
    def asked_for(cls, purpose: Purpose) -> "Plan":
        """Return the plan of a mail that somebody waits for."""
        return cls(purpose, LINK_LIFE, CODE_LIFE)


PLANS = {
    MessageKind.VERIFY_EMAIL: Plan.asked_for(Purpose.VERIFY_EMAIL),
    MessageKind.RESET_PASSWORD: Plan.asked_for(Purpose.RESET_PASSWORD),
    MessageKind.SIGN_IN: Plan.asked_for(Purpose.SIGN_IN),
    MessageKind.CHANGE_EMAIL: Plan.asked_for(Purpose.CHANGE_EMAIL),
    # Who gets one of these has not asked for it: there is nobody to enter a code.
    MessageKind.RESET_BY_ADMIN: Plan(Purpose.RESET_PASSWORD),
    MessageKind.INVITATION: Plan(Purpose.ACCEPT_INVITE),
    MessageKind.EMAIL_CHANGED: Plan(Purpose.UNDO_EMAIL_CHANGE),
    MessageKind.NEW_DEVICE: Plan(Purpose.SIGN_OUT_OTHERS),
    MessageKind.PASSWORD_CHANGED: Plan(Purpose.SIGN_OUT_OTHERS),
    MessageKind.TOKEN_REUSED: Plan(Purpose.SIGN_OUT_OTHERS),
    MessageKind.DELETION_PLANNED: Plan(Purpose.UNDO_DELETION, link=None),
}


def lives(kind: MessageKind, now: datetime) -> Lives | None:
    """Return how long a challenge lives whose mail is sent now, None if that is set."""
    plan = PLANS[kind]
    if plan.link is None:
        return None
    return Lives(now + plan.link, now + plan.code if plan.code else None)


@dataclass(frozen=True, kw_only=True)
class Mailing:
    """A mail with a challenge, to be put into the outbox.

    Attributes:
        kind: What it is about.
        email: Whom it is for.
        client: Whose request it follows from.
        user_id: The account that it is of, where that does not go by the address.
        pending: What waits for the challenge to be passed.
        facts: What else the mail says.
        expires_at: When its link is over, where the kind's plan does not say it.
    """

    kind: MessageKind
    email: str
    client: Client
    user_id: UUID | None = None
    pending: dict[str, Any] | None = None
    facts: Mapping[str, str] = field(default_factory=dict)
    expires_at: datetime | None = None

    @classmethod
    def reset_after(
        cls, what: Literal["undo", "sign_out"], email: str, client: Client
    ) -> "Mailing":
        """Return the mail to set a password that is sent along; it says after what."""
        facts = {"after": what}
        return cls(
            kind=MessageKind.RESET_PASSWORD, email=email, client=client, facts=facts
        )
