"""Letters: mail, written out for one reader."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import default

from app.core.client import UNKNOWN_ADDRESS
from app.core.colors import readable_on
from app.core.config import Settings
from app.core.emails import email_key
from app.core.languages import best_language, preferred_language
from app.models import Message
from app.services.letter_templates import LetterTemplates, spoken_time
from app.services.mailing import CODE_LIFE, LASTING_LIFE, LINK_LIFE

_TIMES = frozenset({"at", "until"})
_ADDRESSES = frozenset({"ip", "session_ip"})


@dataclass(frozen=True)
class Letter:
    """A mail as its reader gets it.

    Attributes:
        message_id: What mail servers know it by: the same when it is sent again.
        sender: Whom it comes from, with the name that people see.
        recipient: The address that it goes to, as its owner writes it.
        written_at: When it was asked for.
        language: The language of its text.
        subject: One line.
        text: For programs that show no HTML.
        html: The same for the others.
        link: The link that it has, if any: ours, or one that an operator's template
            leads to with the same token.
        code: The code that it has, if any.
    """

    message_id: str
    sender: Address
    recipient: str
    written_at: datetime
    language: str
    subject: str
    text: str
    html: str
    link: str | None
    code: str | None

    def as_email(self) -> EmailMessage:
        """Return it as mail servers take it.

        Raises:
            ValueError: If a line break would make two headers of one.
        """
        recipient = _address(self.recipient)
        # What is in front of the @ has no ASCII form: it needs SMTPUTF8 (RFC 6531).
        is_ascii = (self.sender.username + recipient.username).isascii()
        email = EmailMessage(default.clone(utf8=not is_ascii))
        email["From"] = self.sender
        email["To"] = recipient
        email["Subject"] = self.subject
        email["Date"] = self.written_at
        email["Message-ID"] = self.message_id
        # RFC 3834: nobody's holiday notice answers it.
        email["Auto-Submitted"] = "auto-generated"
        # Short ASCII lines, which no server on the way has a reason to change.
        email.set_content(self.text, cte="quoted-printable")
        email.add_alternative(self.html, subtype="html", cte="quoted-printable")
        # Last, as contents take such headers away with them.
        email["Content-Language"] = self.language
        return email


class Letters:
    """Writes letters from templates; the operator's own come first."""

    def __init__(self, settings: Settings) -> None:
        self._host = settings.host
        service = settings.service_name
        sender = settings.mail_from or f"no-reply@{settings.host}"
        self._sender = _address(sender, service)
        shared = {
            "service": service,
            "public_url": settings.public_url,
            "app_url": settings.app_url,
            "color": settings.mail_color,
            "text_on_color": readable_on(settings.mail_color),
            "link_minutes": _minutes(LINK_LIFE),
            "code_minutes": _minutes(CODE_LIFE),
            "lasting_days": str(LASTING_LIFE.days),
            "signs_up_by_mail": settings.email_verification == "required",
            "deletion_days": settings.deletion_days,
        }
        self._templates = LetterTemplates(settings.mail_templates, shared)

    def write(
        self,
        template: str,
        message: Message,
        *,
        recipient: str,
        locale: str | None,
        link: str,
        token: str,
        code: str,
    ) -> Letter:
        """Write the letter of a message.

        Args:
            template: Which of `TEMPLATES`.
            message: What it is about; its facts say when, from which address and on
                which device that was, and what else the template needs.
            recipient: Whom it is for.
            locale: The language that its reader has chosen, if any, as a tag; else it
                is that of the message.
            link: Where its button leads, if it has one.
            token: What that link carries.
            code: Its code, if it shows one.

        Raises:
            TemplateError: If the template is wrong, as an operator's own may be.
        """
        language = preferred_language(locale) or best_language(message.language)
        written = self._templates.write(
            template,
            language,
            **_spoken(message.facts, language),
            recipient=recipient,
            link=link,
            token=token,
            code=code,
        )
        return Letter(
            message_id=f"<{message.id}@{self._host}>",
            sender=self._sender,
            recipient=recipient,
            written_at=message.created_at,
            language=language,
            subject=written.subject,
            text=written.text,
            html=written.html,
            link=_link(written.text, token),
            code=code if code in written.text else None,
        )


def _spoken(facts: Mapping[str, str], language: str) -> dict[str, str]:
    """Return facts as they are told to people."""
    told = dict(facts)
    for name in _TIMES & told.keys():
        told[name] = spoken_time(datetime.fromisoformat(told[name]), language)
    for name in _ADDRESSES & told.keys():
        told[name] = "" if told[name] == UNKNOWN_ADDRESS else told[name]
    return told


def _address(email: str, name: str = "") -> Address:
    """Return an address for a header, with the ASCII form of its domain."""
    domain = email_key(email).rpartition("@")[2]
    return Address(name, email.rpartition("@")[0], domain)


def _link(text: str, token: str) -> str | None:
    found = re.search(rf"https?://\S*{re.escape(token)}", text)
    return found[0] if found else None


def _minutes(life: timedelta) -> str:
    return str(life // timedelta(minutes=1))
