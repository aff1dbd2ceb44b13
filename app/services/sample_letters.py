"""Sample letters as files: every template in every language, to look at."""

from collections.abc import Iterator
from html import escape
from pathlib import Path

from app.core.config import Settings
from app.core.languages import LANGUAGES
from app.services.letter_templates import TEMPLATES
from app.services.letters import Letter
from app.services.own_templates import check_own_templates
from app.services.samples import Samples

_INDEX = """\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Mail of {service}</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ margin: 2rem; font: 1rem/1.5 system-ui, sans-serif; }}
main {{ display: grid; gap: 2rem; }}
main {{ grid-template-columns: repeat(auto-fill, minmax(min(28rem, 100%), 1fr)); }}
h2 {{ margin: 0; font-size: 1rem; }}
p {{ margin: 0 0 .5rem; }}
iframe {{ width: 100%; height: 40rem; border: 1px solid #8888; border-radius: 6px; }}
</style>
<h1>Mail of {service}</h1>
<main>
{letters}
</main>
</html>
"""

_ENTRY = """\
<section>
<h2>{subject}</h2>
<p>{name}: <a href="{name}.html">HTML</a>, <a href="{name}.txt">text</a></p>
<iframe src="{name}.html" title="{name}" sandbox></iframe>
</section>"""


def as_files(letter: Letter) -> dict[str, str]:
    """Return what is to be seen of a letter, by the ending of a file's name."""
    return {"html": letter.html, "txt": f"{letter.subject}\n\n{letter.text}"}


def write_samples(settings: Settings, folder: Path) -> Path:
    """Write all samples into a folder; return the page that shows them.

    What is odd about an operator's own templates, though they can be written, is
    logged.

    Raises:
        TemplateError: If a template is wrong.
        OSError: If they can't be written.
    """
    letters = dict(_samples(settings))
    check_own_templates(settings)
    folder.mkdir(parents=True, exist_ok=True)
    for name, letter in letters.items():
        for ending, text in as_files(letter).items():
            _write(folder / f"{name}.{ending}", text)
    index = folder / "index.html"
    entries = [
        _ENTRY.format(name=name, subject=escape(letter.subject))
        for name, letter in letters.items()
    ]
    service = escape(settings.service_name)
    _write(index, _INDEX.format(service=service, letters="\n".join(entries)))
    return index


def _samples(settings: Settings) -> Iterator[tuple[str, Letter]]:
    samples = Samples(settings)
    for template in TEMPLATES:
        for language in LANGUAGES:
            yield f"{template}.{language}", samples.letter(template, language)


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")
