"""Sessions in responses."""

from datetime import datetime
from uuid import UUID

from app.models import EndReason
from app.models import Session as SessionRow
from app.schemas.base import ResponseBody


class Session(ResponseBody):
    """A signed-in device."""

    id: UUID
    created_at: datetime
    last_used_at: datetime
    """When it was last refreshed."""

    expires_at: datetime
    ip: str
    user_agent: str
    device: str
    """A name for people, such as `Firefox on Linux`."""

    current: bool
    """Whether it is the one that asks."""

    ended_at: datetime | None
    end_reason: EndReason | None

    @classmethod
    def of(cls, row: SessionRow, current: UUID, now: datetime) -> "Session":
        """Return the session as it is shown; its time may just be over."""
        reason = row.why_ended(now)
        names = cls.model_fields.keys() - {"current", "ended_at", "end_reason"}
        return cls(
            **{name: getattr(row, name) for name in names},
            current=row.id == current,
            ended_at=(row.ended_at or row.expires_at) if reason else None,
            end_reason=reason,
        )
