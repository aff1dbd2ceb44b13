"""The outbox: mail that waits to be delivered, and what became of it."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import JSON, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, Identified, UtcDateTime


class MessageKind(StrEnum):
    """What a message is about."""

    VERIFY_EMAIL = "verify_email"
    RESET_PASSWORD = "reset_password"
    RESET_BY_ADMIN = "reset_by_admin"
    SIGN_IN = "sign_in"
    CHANGE_EMAIL = "change_email"
    EMAIL_CHANGED = "email_changed"
    INVITATION = "invitation"
    NEW_DEVICE = "new_device"
    PASSWORD_CHANGED = "password_changed"
    TOKEN_REUSED = "token_reused"
    DELETION_PLANNED = "deletion_planned"


class MessageStatus(StrEnum):
    """What became of a message."""

    WAITING = "waiting"
    SENT = "sent"
    FAILED = "failed"
    WITHHELD = "withheld"


class Message(Identified, Base):
    """A mail, written in the transaction of the change it tells of.

    Its text is written when it is sent, from its template and `facts`; so no link and
    no code stands here.

    `due_at` is when it is to be tried next. Who takes it sets that to the end of the
    time they have, and `attempts` one higher: a process that dies while it sends leaves
    the message to the next one, and who comes too late is known by the number.

    What was never due, sent or given up is withheld: its address has had enough.
    """

    __tablename__ = "outbox"

    kind: Mapped[MessageKind] = mapped_column(String(40))
    recipient: Mapped[str] = mapped_column(String(254))
    language: Mapped[str] = mapped_column(String(20))
    facts: Mapped[dict[str, str]] = mapped_column(JSON)
    challenge_id: Mapped[UUID] = mapped_column(
        ForeignKey("challenges.id", ondelete="CASCADE"), index=True
    )
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    due_at: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)
    attempts: Mapped[int] = mapped_column(default=0)
    sent_at: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)
    failed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    error: Mapped[str | None] = mapped_column(String(200))

    @property
    def status(self) -> MessageStatus:
        """What became of it so far."""
        if self.sent_at is not None:
            return MessageStatus.SENT
        if self.failed_at is not None:
            return MessageStatus.FAILED
        return MessageStatus.WAITING if self.due_at else MessageStatus.WITHHELD
