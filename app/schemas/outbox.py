"""The outbox in responses."""

from datetime import datetime
from typing import Self
from uuid import UUID

from app.models import Message as MessageRow
from app.models import MessageKind, MessageStatus
from app.schemas.base import ResponseBody


class Message(ResponseBody):
    """A mail, and what became of it; never what it says."""

    id: UUID
    kind: MessageKind
    recipient: str
    status: MessageStatus
    """`waiting` to be sent or tried again, `sent`, or `failed`: given up."""

    attempts: int
    """How often it was tried to send it."""

    error: str | None
    """What the mail server said at the last attempt that failed."""

    created_at: datetime
    due_at: datetime | None
    """When it is tried next."""

    sent_at: datetime | None
    failed_at: datetime | None

    @classmethod
    def of(cls, row: MessageRow) -> Self:
        """Return the message as it is shown."""
        return cls.model_validate(row)
