"""The templates of letters: each gives a text and an HTML page, in every language.

A template says what a letter says, with `paragraph`, `button` and the like. What these
are is up to the layout that it extends: `letter.txt`, `letter.html`, or `subject.txt`,
which leaves all but the subject out.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from traceback import extract_tb

from jinja2 import (
    BaseLoader,
    ChoiceLoader,
    Environment,
    FileSystemLoader,
    PackageLoader,
    StrictUndefined,
    TemplateError,
    TemplateNotFound,
    TemplateRuntimeError,
    TemplateSyntaxError,
)

from app.core.colors import readable_on, readable_variant
from app.core.translations import Translations

TEMPLATES = (
    "verify_email",
    "account_exists",
    "reset_password",
    "reset_after_undo",
    "reset_after_sign_out",
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

OPENING_NOTHING = frozenset({"account_exists", "no_account", "address_taken"})
"""The templates of letters that have neither a link nor a code."""

OURS = Path(__file__).parents[1] / "templates" / "mail"
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

    def __init__(self, own: str, shared: Mapping[str, object]) -> None:
        ours = PackageLoader("app", "templates/mail")
        loader = ChoiceLoader([_OwnFolder(own), ours]) if own else ours
        self._environments = [_environment(loader, one, shared) for one in _LAYOUTS]

    def write(self, template: str, language: str, **values: object) -> Written:
        """Fill a template in.

        Raises:
            TemplateError: If the template is wrong, as an operator's own may be.
        """
        try:
            subject, text, html = (
                environment.get_template(f"{template}.jinja").render(
                    values, language=language
                )
                for environment in self._environments
            )
        except TemplateError:
            raise
        except Exception as error:
            # Such as that of a button without a label: Python's own, from inside.
            wrong = TemplateRuntimeError(f"{type(error).__name__}: {error}")
            raise wrong.with_traceback(error.__traceback__) from error
        return Written(" ".join(subject.split()), _tidy(text), _tidy(html))


def mistake_in(error: TemplateError) -> str:
    """Return in one line what is wrong with a template, with its file and line.

    Jinja shows both as places in code. A mistake that comes to light in a file of ours
    is that of the operator's file which uses it.
    """
    frames = extract_tb(error.__traceback__)
    places = [one for one in frames if not one.filename.endswith(".py")]
    own = [one for one in places if Path(one.filename).parent != OURS]
    at = (own or places)[-1]
    return f"{at.filename}, line {at.lineno}: {type(error).__name__}: {error.message}"


class _OwnFolder(FileSystemLoader):
    """The operator's templates."""

    def get_source(
        self, environment: Environment, template: str
    ) -> tuple[str, str, Callable[[], bool]]:
        """Return a template; if it can't be read, that is a mistake with a place."""
        try:
            return super().get_source(environment, template)
        except TemplateNotFound:
            raise
        except UnicodeDecodeError as error:
            said = "must be UTF-8 text"
            line = error.object[: error.start].count(b"\n") + 1
        except OSError as error:
            said, line = f"can't be read: {error.strerror}", 1
        path = str(Path(self.searchpath[0], template))
        try:
            raise TemplateSyntaxError(said, line, template, path)
        except TemplateSyntaxError:
            # Has the file and the line in the traceback, as with any other mistake.
            environment.handle_exception()


def _environment(
    loader: BaseLoader, layout: str, shared: Mapping[str, object]
) -> Environment:
    environment = Environment(
        loader=loader,
        autoescape=layout == _HTML,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    TRANSLATIONS.install(environment)
    environment.filters.update(
        readable_variant=readable_variant, readable_on=readable_on
    )
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
