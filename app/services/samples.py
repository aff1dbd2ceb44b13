"""Sample letters, with values that belong to nobody."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from app.core.config import Settings
from app.models import Message, MessageKind
from app.services.composing import LINK_PATHS
from app.services.letters import Letter, Letters
from app.services.mailing import PLANS

_AT = datetime(2026, 3, 5, 9, 7, tzinfo=UTC)
_FACTS = {
    "at": _AT.isoformat(),
    "ip": "203.0.113.7",
    "device": "Firefox on Linux",
    "inviter": "Grace Hopper",
    "session_ip": "198.51.100.24",
    "session_device": "Safari on macOS",
    "until": (_AT + timedelta(days=30)).isoformat(),
}
_TOKEN = "cardea_link_" + "Sample" * 10 + "-123"


class Samples:
    """Writes sample letters as the settings have them."""

    def __init__(self, settings: Settings) -> None:
        self._public_url = settings.public_url
        self._letters = Letters(settings)

    def letter(self, template: str, language: str) -> Letter:
        """Return the letter that a template makes.

        Raises:
            TemplateError: If the template is wrong, as an operator's own may be.
        """
        # Those that are no kinds have a link to set a new password, or none.
        named = template in frozenset(MessageKind)
        kind = MessageKind(template) if named else MessageKind.RESET_PASSWORD
        message = Message(
            id=UUID(int=1),
            kind=kind,
            recipient="ada@example.com",
            language=language,
            facts=_FACTS,
            created_at=_AT,
        )
        path = LINK_PATHS[PLANS[kind].purpose]
        return self._letters.write(
            template,
            message,
            recipient=message.recipient,
            locale=None,
            link=f"{self._public_url}{path}?token={_TOKEN}",
            token=_TOKEN,
            code="042137",
        )
