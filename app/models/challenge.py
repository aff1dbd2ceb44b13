"""Challenges: what a mail asks its reader to show, as proof of reading the address."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import JSON, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, Identified, UtcDateTime


class Purpose(StrEnum):
    """What passing a challenge leads to."""

    VERIFY_EMAIL = "verify_email"
    RESET_PASSWORD = "reset_password"
    SIGN_IN = "sign_in"
    CHANGE_EMAIL = "change_email"
    UNDO_EMAIL_CHANGE = "undo_email_change"
    ACCEPT_INVITE = "accept_invite"
    SIGN_OUT_OTHERS = "sign_out_others"
    UNDO_DELETION = "undo_deletion"


PROTECTIVE = (Purpose.UNDO_EMAIL_CHANGE, Purpose.SIGN_OUT_OTHERS)
"""What its owner takes an account back with: whoever has got into it, and changes its
password or address, does not end these."""


class ChallengeEnd(StrEnum):
    """Why a challenge can't be passed any more."""

    USED = "used"
    CANCELLED = "cancelled"


class Challenge(Identified, Base):
    """A link and a code that were sent to an address, either of which works once.

    Neither is stored: both follow from the seed, which nobody is told, while the id is
    told to whoever asks (see `core/challenge_tokens.py`).

    What anybody may ask for is about an address, not an account: whether the address
    has one is looked at when the mail is written and when the challenge is passed, so
    that asking for one takes as long for a stranger's address as for a user's. The
    others are of an account, `user_id`, whatever its address is by then: also the one
    that whoever made an account is sent, whose code shows that it was they.

    Without `code_expires_at` no code passes it: there is none, or it was never sent.

    `pending` is what waits for the challenge to be passed: a sign-up, or which of an
    account's changes of address it undoes.
    """

    __tablename__ = "challenges"
    __table_args__ = (Index("ix_challenges_email_key_purpose", "email_key", "purpose"),)

    seed: Mapped[UUID] = mapped_column(unique=True, default=uuid4)
    purpose: Mapped[Purpose] = mapped_column(String(30))
    user_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), index=True
    )
    email: Mapped[str] = mapped_column(String(254))
    email_key: Mapped[str] = mapped_column(String(320))
    pending: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    link_expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    code_expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    wrong_codes: Mapped[int] = mapped_column(default=0)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    end_reason: Mapped[ChallengeEnd | None] = mapped_column(String(20))
