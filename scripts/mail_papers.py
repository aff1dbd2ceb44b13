"""What our mail looks like: a sample of each template, in each language and form."""

from collections.abc import Callable
from functools import partial

from app.core.languages import LANGUAGES
from app.services.letter_templates import TEMPLATES
from app.services.sample_letters import as_files
from app.services.samples import Samples
from scripts.settings_papers import default_settings


def letters() -> dict[str, Callable[[], str]]:
    """Return what writes each sample, by its file."""
    return {
        f"tests/snapshots/mail/{template}.{language}.{ending}": partial(
            _letter, template, language, ending
        )
        for template in TEMPLATES
        for language in LANGUAGES
        for ending in ("txt", "html")
    }


def _letter(template: str, language: str, ending: str) -> str:
    return as_files(Samples(default_settings()).letter(template, language))[ending]
