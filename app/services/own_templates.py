"""What is wrong with an operator's own templates, told before mail is waited for."""

import logging
from itertools import product
from pathlib import Path

from jinja2 import TemplateError

from app.core.config import Settings
from app.core.languages import LANGUAGES
from app.services.letter_templates import (
    OPENING_NOTHING,
    OURS,
    TEMPLATES,
    mistake_in,
)
from app.services.samples import Samples

logger = logging.getLogger(__name__)


def check_own_templates(settings: Settings) -> None:
    """Log what is wrong with them, if there are any.

    The service starts all the same: mail that can't be written is tried again for a
    day, and not all of it is.
    """
    if not settings.mail_templates:
        return
    for file in _misnamed(Path(settings.mail_templates)):
        logger.warning("mail.template_unknown", extra={"file": file})
    mistakes, useless = _tried(Samples(settings))
    for mistake in mistakes:
        logger.error("mail.template_wrong", extra={"mistake": mistake})
    for template in useless:
        logger.warning("mail.template_opens_nothing", extra={"template": template})


def _misnamed(folder: Path) -> list[str]:
    """Return the files that take the place of none of ours; folders are left alone."""
    known = {file.name for file in OURS.iterdir()}
    files = {file for file in folder.iterdir() if file.is_file()}
    return sorted(str(file) for file in files if file.name not in known)


def _tried(samples: Samples) -> tuple[list[str], list[str]]:
    """Return the mistakes, and the templates that show neither their link nor code."""
    mistakes, useless = [], []
    for template, language in product(TEMPLATES, LANGUAGES):
        try:
            letter = samples.letter(template, language)
        except TemplateError as error:
            mistakes.append(mistake_in(error))
            continue
        if template not in OPENING_NOTHING and not (letter.link or letter.code):
            useless.append(template)
    # Each once: most are in all languages, and those of a layout in all letters.
    return list(dict.fromkeys(mistakes)), list(dict.fromkeys(useless))
