"""The mail that development sends to nobody: a page for people, JSON for their tests.

There only without SMTP_URL and outside production, as anybody may read it.
"""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from jinja2 import TemplateError

from app.api.deps import ServicesDep, SettingsDep
from app.api.html import PERSONAL, PageRoute, page, wants_page
from app.core.emails import MAXIMUM_LENGTH, email_key
from app.models import Message, MessageKind, MessageStatus
from app.repositories.pages import MAXIMUM_LIMIT, PageRequest
from app.schemas.base import ResponseBody
from app.services.container import Services
from app.services.letter_templates import mistake_in
from app.services.letters import Letter

SHOWN = 50
LOOKED_THROUGH = MAXIMUM_LIMIT
"""Among how many of the newest messages those to one address are looked for."""

router = APIRouter(prefix="/dev", include_in_schema=False, route_class=PageRoute)


class Mail(ResponseBody):
    """A mail as its reader would get it now.

    `link` and `code` are null where it has none, as with an address that has no account
    to sign in to. `error` says why it can't be written, if an operator's own template
    is wrong; nothing is said by the others then.
    """

    id: UUID
    challenge_id: UUID
    kind: MessageKind
    recipient: str
    subject: str | None = None
    text: str | None = None
    html: str | None = None
    link: str | None = None
    code: str | None = None
    error: str | None = None
    created_at: datetime

    @classmethod
    def of(cls, message: Message, written: Letter | str) -> Self:
        """Return the message as it is read, or with what is wrong."""
        mail = cls(
            id=message.id,
            challenge_id=message.challenge_id,
            kind=message.kind,
            recipient=message.recipient,
            created_at=message.created_at,
        )
        if isinstance(written, str):
            return mail.model_copy(update={"error": written})
        said = {name: getattr(written, name) for name in _SAID}
        return mail.model_copy(update=said)


_SAID = ("subject", "text", "html", "link", "code")


async def write(services: Services, message: Message) -> Letter | str:
    """Return the letter of a message, or what is wrong with its template."""
    try:
        return await services.mail.composer.compose(message)
    except TemplateError as error:
        return mistake_in(error)


async def newest_mail(
    services: ServicesDep,
    recipient: Annotated[str | None, Query(max_length=MAXIMUM_LENGTH)] = None,
) -> list[Mail]:
    """Return the newest mail, or that to one address, newest first."""
    latest = await services.mail.outbox.page(
        PageRequest(LOOKED_THROUGH), MessageStatus.SENT
    )
    chosen = [
        message
        for message in latest.items
        if recipient is None or email_key(message.recipient) == email_key(recipient)
    ]
    return [
        Mail.of(message, await write(services, message)) for message in chosen[:SHOWN]
    ]


NewestMailDep = Annotated[list[Mail], Depends(newest_mail)]


@router.get("/mail", response_model=list[Mail])
async def list_mail(
    request: Request, settings: SettingsDep, mail: NewestMailDep
) -> Response | list[Mail]:
    """List the newest mail."""
    if not wants_page(request):
        return mail
    return page("mailbox.html", settings, headers=PERSONAL, mails=mail)


@router.get("/mail.json")
async def list_mail_as_json(mail: NewestMailDep) -> list[Mail]:
    """List the newest mail for programs, whatever they accept."""
    return mail


@router.get("/mail/{message_id}", response_model=Mail)
async def show_mail(
    request: Request, settings: SettingsDep, services: ServicesDep, message_id: UUID
) -> Response | Mail:
    """Show one mail with all that stands in it."""
    message = await services.mail.outbox.get(message_id)
    written = await write(services, message)
    mail = Mail.of(message, written)
    if not wants_page(request):
        return mail
    return page("mail.html", settings, headers=PERSONAL, mail=mail, written=written)
