"""What templates say, in the languages of their readers."""

from pathlib import Path

from jinja2 import Environment, pass_context
from jinja2.runtime import Context

from app.core.languages import LANGUAGES

CATALOGUES = Path(__file__).parents[1] / "locale"


def N_(text: str) -> str:
    """Mark a text for catalogues, under the name that gettext's tools look for.

    A template translates it with `_()`.
    """
    return text


class Translations:
    """The texts of some templates, in every language.

    Args:
        name: That of the catalogues, `app/locale/*/LC_MESSAGES/{name}.po`.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._catalogues: dict[str, dict[str, str]] = {LANGUAGES[0]: {}}

    def translated(self, language: str, text: str) -> str:
        """Return a text in another language, or as it is without a translation."""
        if language not in self._catalogues:
            self._catalogues[language] = self._read(language)
        return self._catalogues[language].get(text, text)

    def install(self, environment: Environment) -> None:
        """Have templates speak the `language` that they are filled in with."""
        environment.add_extension("jinja2.ext.i18n")
        environment.policies["ext.i18n.trimmed"] = True
        environment.install_gettext_callables(  # type: ignore[attr-defined]
            self._gettext, self._ngettext, newstyle=True
        )

    def _read(self, language: str) -> dict[str, str]:
        # Only here: Babel takes time and memory, and many need no translation.
        from babel.messages.pofile import read_po

        path = CATALOGUES / language / "LC_MESSAGES" / f"{self._name}.po"
        with path.open("rb") as file:
            catalogue = read_po(file, locale=language)
        return {str(message.id): str(message.string) for message in catalogue}

    @pass_context
    def _gettext(self, context: Context, text: str) -> str:
        return self.translated(context["language"], text)

    @pass_context
    def _ngettext(self, context: Context, one: str, many: str, number: int) -> str:
        return self.translated(context["language"], one if number == 1 else many)
