"""Tests of `app.core.translations`, and of the catalogues."""

import re
from dataclasses import dataclass
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import read_po

from app.core.languages import LANGUAGES
from app.core.translations import CATALOGUES, Translations
from tests.support.processes import ROOT

TRANSLATED = LANGUAGES[1:]
TEMPLATES = ROOT / "app" / "templates"
NOT_SHOWN = r"{#.*?#}|{%-? trans\b.*?endtrans -?%}|{%.*?%}|{{.*?}}|<[^>]*>"


@dataclass(frozen=True)
class Texts:
    """What a kind of catalogue translates.

    Attributes:
        name: The catalogues', and that of the file that says where texts are.
        folder: Where texts are looked for.
        among: Some texts from all kinds of places.
    """

    name: str
    folder: Path
    among: frozenset[str]

    @property
    def wanted(self) -> set[str]:
        """All that is to be translated."""
        with (CATALOGUES / f"{self.name}.cfg").open() as file:
            methods, options = parse_mapping_cfg(file)  # type: ignore[no-untyped-call]
        found = extract_from_dir(self.folder, method_map=methods, options_map=options)
        return {str(message) for _, _, message, _, _ in found}

    def catalogue(self, language: str) -> Catalog:
        """Return a catalogue as it stands in the repository."""
        path = CATALOGUES / language / "LC_MESSAGES" / f"{self.name}.po"
        with path.open("rb") as file:
            return read_po(file, locale=language)


MAIL = Texts(
    "mail",
    TEMPLATES / "mail",
    frozenset(
        {
            "Confirm address",
            "If the button does not work, open this link:",
            "%(browser)s on %(system)s",
        }
    ),
)
PAGES = Texts(
    "pages",
    ROOT / "app",
    frozenset(
        {
            "You are here",
            "Confirm this address",
            "For %(email)s",
            "This is not the password of the account.",
            "This link has expired",
            "Ask whoever has invited you to do it again.",
        }
    ),
)


def placeholders(text: str) -> list[str]:
    """Return the values that a text names."""
    return sorted(re.findall(r"%\(\w+\)s", text))


@pytest.mark.parametrize("texts", [MAIL, PAGES], ids=["mail", "pages"])
class TestCatalogues:
    """app/locale/*/LC_MESSAGES/*.po."""

    def test_extracted(self, texts: Texts) -> None:
        """What is to be translated is found wherever it stands."""
        assert texts.among < texts.wanted

    @pytest.mark.parametrize("language", TRANSLATED)
    def test_complete(self, texts: Texts, language: str) -> None:
        """A catalogue has exactly what there is: else run what docs/mail.md names, and
        translate what is new."""
        catalogue = texts.catalogue(language)
        messages = [message for message in catalogue if message.id]
        assert {str(message.id) for message in messages} == texts.wanted
        assert [message.id for message in messages if not message.string] == []
        assert [message.id for message in messages if message.fuzzy] == []
        assert list(catalogue.obsolete) == []

    @pytest.mark.parametrize("language", TRANSLATED)
    def test_same_values(self, texts: Texts, language: str) -> None:
        """A translation names the values that the text names."""
        for message in texts.catalogue(language):
            wanted = placeholders(str(message.id))
            assert placeholders(str(message.string)) == wanted or not message.id

    @pytest.mark.parametrize("language", TRANSLATED)
    def test_translated(self, texts: Texts, language: str) -> None:
        """People are spoken to in their language throughout."""
        translations = Translations(texts.name)
        for text in texts.wanted:
            assert translations.translated(language, text) != text
            assert translations.translated(LANGUAGES[0], text) == text


def test_every_language_has_one() -> None:
    """There are catalogues of every language but that of the templates."""
    folders = {path.name for path in CATALOGUES.iterdir() if path.is_dir()}
    assert folders == set(TRANSLATED)


@pytest.mark.parametrize(
    "path", [*TEMPLATES.glob("links/*.html")], ids=lambda path: path.name
)
def test_nothing_is_left_out(path: Path) -> None:
    """Pages of links say nothing that no catalogue could translate."""
    shown = re.sub(NOT_SHOWN, "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert not re.search(r"\w", shown)
