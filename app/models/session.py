"""Sessions: one signed-in device each, and the family of its refresh tokens."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, Identified, UtcDateTime


class EndReason(StrEnum):
    """Why a session ended; stored, and shown to its owner."""

    SIGNED_OUT = "signed_out"
    SIGNED_OUT_ELSEWHERE = "signed_out_elsewhere"
    PASSWORD_CHANGED = "password_changed"
    PASSWORD_RESET = "password_reset"
    IDLE_TIMEOUT = "idle_timeout"
    MAX_AGE = "max_age"
    TOKEN_REUSED = "token_reused"
    ENDED_BY_ADMIN = "ended_by_admin"
    USER_DISABLED = "user_disabled"
    USER_DELETED = "user_deleted"
    EMAIL_CHANGE_UNDONE = "email_change_undone"


OF_ITSELF = (EndReason.SIGNED_OUT, EndReason.IDLE_TIMEOUT, EndReason.MAX_AGE)
"""Ends with which nobody was thrown out."""


class Method(StrEnum):
    """How somebody showed who they are; the values are those of RFC 8176."""

    PASSWORD = "pwd"
    MAIL = "otp"


def _why_ended(self: "Session | SessionState", now: datetime) -> EndReason | None:
    """Return the reason if it has ended or its time is over, else None."""
    if self.end_reason is not None:
        return EndReason(self.end_reason)
    if now < self.expires_at:
        return None
    by_age = self.expires_at >= self.max_expires_at
    return EndReason.MAX_AGE if by_age else EndReason.IDLE_TIMEOUT


class Session(Identified, Base):
    """A signed-in device.

    `generation` counts the rotations of its refresh token; `confirmed` says whether
    anything issued at this generation has come back. No token is stored.
    """

    __tablename__ = "sessions"
    __table_args__ = (Index("ix_sessions_user_id_id", "user_id", "id"),)

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    generation: Mapped[int] = mapped_column(BigInteger)
    rotated_at: Mapped[datetime] = mapped_column(UtcDateTime)
    confirmed: Mapped[bool]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    last_used_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    max_expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ip: Mapped[str] = mapped_column(String(45))
    user_agent: Mapped[str] = mapped_column(String(300))
    device: Mapped[str] = mapped_column(String(60))
    method: Mapped[Method] = mapped_column(String(10), server_default=Method.PASSWORD)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)
    end_reason: Mapped[EndReason | None] = mapped_column(String(30))

    why_ended = _why_ended


@dataclass(frozen=True, slots=True)
class SessionState:
    """What a request asks about a session, as it was when it was read."""

    id: UUID
    user_id: UUID
    generation: int
    confirmed: bool
    created_at: datetime
    expires_at: datetime
    max_expires_at: datetime
    end_reason: EndReason | None
    method: Method

    why_ended = _why_ended
