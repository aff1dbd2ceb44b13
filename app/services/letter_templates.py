"""The templates of letters: each gives a text and an HTML page, in every language.

A template says what a letter says, with `paragraph`, `button` and the like. What these
are is up to the layout that it extends: `letter.txt`, `letter.html`, or `subject.txt`,
which leaves all but the subject out.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from jinja2 import (
    BaseLoader,
    ChoiceLoader,
    Environment,
    FileSystemLoader,
    PackageLoader,
    StrictUndefined,
)

from app.core.translations import Translations

TEMPLATES = (
    "verify_email",
    "account_exists",
    "reset_password",
    "sign_in",
    "no_account",
    "reset_by_admin",
    "change_email",
    "address_taken",
    "email_changed",
    "invitation",
    "new_device",
    "password_changed",
    "token_reused",
    "deletion_planned",
)

TRANSLATIONS = Translations("mail")

_HTML = "letter.html"
_LAYOUTS = ("subject.txt", "letter.txt", _HTML)
_BLANK_LINES = re.compile(r"\s*\n\s*\n")


@dataclass(frozen=True)
class Written:
    """What a template gave."""

    subject: str
    text: str
    html: str


class LetterTemplates:
    """Fills templates in.

    Args:
        own: The operator's folder, if any; what is there is used in place of ours.
        shared: Values that all templates know.
    """

    def __init__(self, own: str, shared: Mapping[str, str]) -> None:
        ours = PackageLoader("app", "templates/mail")
        loader = ChoiceLoader([FileSystemLoader(own), ours]) if own else ours
        self._environments = [_environment(loader, one, shared) for one in _LAYOUTS]

    def write(self, template: str, language: str, **values: object) -> Written:
        """Fill a template in.

        Raises:
            TemplateError: If the template is wrong, as an operator's own may be.
        """
        subject, text, html = (
            environment.get_template(f"{template}.jinja").render(
                values, language=language
            )
            for environment in self._environments
        )
        return Written(" ".join(subject.split()), _tidy(text), _tidy(html))


def _environment(
    loader: BaseLoader, layout: str, shared: Mapping[str, str]
) -> Environment:
    environment = Environment(
        loader=loader,
        autoescape=layout == _HTML,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    TRANSLATIONS.install(environment)
    environment.globals.update(shared, layout=layout)
    return environment


def spoken_time(at: datetime, language: str) -> str:
    """Return a time as people who speak this language write it, in UTC."""
    # Only here: Babel takes time and memory, and many send no mail.
    from babel.dates import format_date

    at = at.astimezone(UTC)
    return f"{format_date(at, 'long', locale=language)}, {at:%H:%M} UTC"


def _tidy(text: str) -> str:
    """Leave one blank line at most between two others, and none at the ends."""
    return _BLANK_LINES.sub("\n\n", text).strip() + "\n"
