"""The outbox: mail that waits, was sent, or was given up."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from app.api.deps import OutboxDep, OutboxReadDep, OutboxWriteDep, PageRequestDep
from app.api.v1.endpoints import endpoints
from app.core.exceptions import (
    MessageNotFailedError,
    MessageNotFoundError,
    PermissionDeniedError,
)
from app.models import MessageStatus
from app.schemas.outbox import Message
from app.schemas.pages import Page
from app.schemas.problems import problems

router = endpoints("/outbox", "Outbox")


@router.get("", responses=problems(PermissionDeniedError))
async def list_messages(
    _: OutboxReadDep,
    outbox: OutboxDep,
    page: PageRequestDep,
    status: Annotated[
        MessageStatus | None, Query(description="Only messages with this status.")
    ] = None,
) -> Page[Message]:
    """List messages, newest first. Sent ones are kept for a week."""
    return Page[Message].of(await outbox.page(page, status), Message.of)


@router.post(
    "/{message_id}/retry",
    responses=problems(
        PermissionDeniedError, MessageNotFoundError, MessageNotFailedError
    ),
)
async def retry_message(
    message_id: UUID, _: OutboxWriteDep, outbox: OutboxDep
) -> Message:
    """Try once more to send a message that was given up."""
    return Message.of(await outbox.send_again(message_id))
