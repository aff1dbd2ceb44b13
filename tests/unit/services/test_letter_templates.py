"""Tests of `app.services.letter_templates`: an operator's own."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from jinja2 import TemplateError, UndefinedError

from app.services.letter_templates import OPENING_NOTHING, TEMPLATES, mistake_in
from tests.support.letters import (
    CODE,
    LINK,
    TOKEN,
    WITH_PROOF,
    WITHOUT_PROOF,
    write_letter,
)
from tests.support.processes import ROOT

FOLDER = ROOT / "app" / "templates" / "mail"
PAGE = ROOT / "docs" / "mail.md"
MARK = "{% extends layout %}{% block subject %}Mine{% endblock %}"

UNTIL_A_LETTER = """
import sys
import app.main, app.services.letters
from tests.support.letters import mail_settings, write_letter
app.services.letters.Letters(mail_settings())
print("babel" in sys.modules)
write_letter(language="de")
print("babel" in sys.modules)
"""


class TestOwnTemplates:
    """MAIL_TEMPLATES."""

    def test_one_file(self, tmp_path: Path) -> None:
        """A template of the operator's takes the place of ours; the others stay."""
        content = "{% block content %}{{ code }} for {{ recipient }}{% endblock %}"
        (tmp_path / "reset_password.jinja").write_text(MARK + content)
        mine = write_letter("reset_password", mail_templates=str(tmp_path))
        assert mine.subject == "Mine"
        assert mine.text.startswith(f"{CODE} for ada@example.com\n")
        assert "<h1" in mine.html and f"{CODE} for ada@example.com" in mine.html
        other = write_letter("verify_email", mail_templates=str(tmp_path))
        assert other == write_letter("verify_email")

    def test_layout(self, tmp_path: Path) -> None:
        """So does a layout, for every letter of its form."""
        layout = "<html>{% block subject %}{% endblock %}</html>"
        (tmp_path / "letter.html").write_text(layout)
        for template in TEMPLATES:
            mine = write_letter(template, mail_templates=str(tmp_path))
            assert mine.html == f"<html>{mine.subject}</html>\n"
            assert mine.text == write_letter(template).text

    def test_subject_of_two_lines(self, tmp_path: Path) -> None:
        """A subject is one line, however it is written in the template."""
        (tmp_path / "verify_email.jinja").write_text(
            "{% extends layout %}{% block content %}x{% endblock %}"
            "{% block subject %}\n  Please confirm,\n  {{ service }}\n{% endblock %}"
        )
        mine = write_letter(mail_templates=str(tmp_path))
        assert mine.subject == "Please confirm, Cardea"

    def test_letter_without_code(self, tmp_path: Path) -> None:
        """What the operator leaves out is not in the letter."""
        content = "{% block content %}{{ button('Go', link) }}{% endblock %}"
        (tmp_path / "verify_email.jinja").write_text(MARK + content)
        mine = write_letter(mail_templates=str(tmp_path))
        assert (mine.link, mine.code) == (LINK, None)

    @pytest.mark.parametrize("template", WITH_PROOF)
    def test_own_page(self, tmp_path: Path, template: str) -> None:
        """A link to a page of the operator's, with the same token, is the letter's."""
        page = "https://app.example.com/reset?token="
        content = "{%% block content %%}{{ button('Go', '%s' ~ token) }}" % page
        own = MARK + content + "{% endblock %}"
        (tmp_path / f"{template}.jinja").write_text(own)
        mine = write_letter(template, mail_templates=str(tmp_path))
        assert (mine.link, mine.code) == (page + TOKEN, None)

    def test_other_address(self, tmp_path: Path) -> None:
        """An address that does not carry the token is not the letter's link."""
        content = "{% block content %}https://app.example.com/xxx{% endblock %}"
        (tmp_path / "verify_email.jinja").write_text(MARK + content)
        assert write_letter(mail_templates=str(tmp_path)).link is None

    def test_texts_without_translation(self, tmp_path: Path) -> None:
        """A text that no catalogue has stays as it is, in the number that fits."""
        content = (
            "{% block content %}{{ _('My own words') }}, {{ _('Time') }}"
            "{% for number in (1, 2) %}, {% trans number %}{{ number }} day"
            "{% pluralize %}{{ number }} days{% endtrans %}{% endfor %}{% endblock %}"
        )
        (tmp_path / "verify_email.jinja").write_text(MARK + content)
        mine = write_letter(language="de", mail_templates=str(tmp_path))
        assert mine.text.startswith("My own words, Zeitpunkt, 1 day, 2 days\n")

    def test_escapes_in_html_only(self, tmp_path: Path) -> None:
        """Values are escaped in the HTML of an operator's template too."""
        content = "{% block content %}{{ service }}{% endblock %}"
        (tmp_path / "verify_email.jinja").write_text(MARK + content)
        mine = write_letter(mail_templates=str(tmp_path), service_name="<b>")
        assert mine.text.startswith("<b>\n")
        assert "<b>" not in mine.html and "&lt;b&gt;" in mine.html

    @pytest.mark.parametrize(
        "text",
        [
            "{% block content %}{{ lnik }}{% endblock %}",
            "{% block content %}{% if usr %}{% endif %}{% endblock %}",
        ],
        ids=["shown", "asked for"],
    )
    def test_misspelt_value(self, tmp_path: Path, text: str) -> None:
        """A value that there is not is a mistake, rather than an empty place."""
        (tmp_path / "verify_email.jinja").write_text(MARK + text)
        with pytest.raises(UndefinedError):
            write_letter(mail_templates=str(tmp_path))

    @pytest.mark.parametrize(
        "text",
        [
            "{% extends layout %}{% block content %}x{% endblock %}",
            MARK,
            f"{MARK}{{% block content %}}",
        ],
        ids=["no subject", "no content", "no end"],
    )
    def test_incomplete(self, tmp_path: Path, text: str) -> None:
        """A template without a subject or a content is a mistake."""
        (tmp_path / "verify_email.jinja").write_text(text)
        with pytest.raises(TemplateError):
            write_letter(mail_templates=str(tmp_path))


class TestMistakes:
    """mistake_in()."""

    @pytest.mark.parametrize(
        ("template", "said"),
        [
            (
                "{% extends layout %}\n{% block subject %}x{% endblock %}",
                "line 1: TemplateRuntimeError: Required block 'content' not found",
            ),
            (
                "{% extends layout %}\n{% block content %}x{% endblock %}",
                "line 1: TemplateRuntimeError: Required block 'subject' not found",
            ),
            (
                f"{MARK}\n{{% block content %}}{{{{ button('Go') }}}}{{% endblock %}}",
                "line 2: UndefinedError: parameter 'url' was not provided",
            ),
            (
                f"{MARK}\n{{% block content %}}{{{{ code_box(1, 2) }}}}"
                "{% endblock %}",
                "line 2: TemplateRuntimeError: TypeError: macro 'code_box' takes",
            ),
            (f"{MARK}\n\n{{% block content %}}", "line 3: TemplateSyntaxError: "),
            (
                f"{MARK}\n{{% block content %}}{{% include 'x' %}}{{% endblock %}}",
                "line 2: TemplateNotFound: x",
            ),
        ],
        ids=["no content", "no subject", "no url", "two codes", "no end", "no part"],
    )
    def test_names_the_operators_file(
        self, tmp_path: Path, template: str, said: str
    ) -> None:
        """It names the file and the line that the operator has to mend."""
        file = tmp_path / "verify_email.jinja"
        file.write_text(template)
        with pytest.raises(TemplateError) as error:
            write_letter(mail_templates=str(tmp_path))
        assert mistake_in(error.value).startswith(f"{file}, {said}")

    def test_in_a_layout(self, tmp_path: Path) -> None:
        """That of a layout names the layout, not our letter that is written with it."""
        file = tmp_path / "letter.txt"
        file.write_text("\n{{ lnik }}")
        with pytest.raises(TemplateError) as error:
            write_letter(mail_templates=str(tmp_path))
        assert mistake_in(error.value).startswith(f"{file}, line 2: ")

    def test_not_utf8(self, tmp_path: Path) -> None:
        """A file in another encoding is named, and so is the line."""
        file = tmp_path / "code.jinja"
        file.write_bytes("Ihr Code\nfür Sie".encode("latin-1"))
        with pytest.raises(TemplateError) as error:
            write_letter(mail_templates=str(tmp_path))
        said = f"{file}, line 2: TemplateSyntaxError: must be UTF-8 text"
        assert mistake_in(error.value) == said

    @pytest.mark.skipif(sys.platform != "linux", reason="a file nobody can read")
    def test_unreadable(self, tmp_path: Path) -> None:
        """So is one that can't be read."""
        file = tmp_path / "code.jinja"
        file.symlink_to("/proc/self/mem")
        with pytest.raises(TemplateError) as error:
            write_letter(mail_templates=str(tmp_path))
        said = f"{file}, line 1: TemplateSyntaxError: can't be read: "
        assert mistake_in(error.value).startswith(said)


class TestPage:
    """docs/mail.md."""

    def test_example(self, tmp_path: Path) -> None:
        """The example is a template that works, and has all that it should."""
        (example,) = re.findall(r"```jinja\n(.*?)```", PAGE.read_text(), re.DOTALL)
        (tmp_path / "reset_password.jinja").write_text(example)
        mine = write_letter(
            "reset_password", mail_templates=str(tmp_path), service_name="Otter"
        )
        assert mine.subject == "Your way back into Otter"
        assert (mine.link, mine.code) == (LINK, CODE)

    def test_values(self, tmp_path: Path) -> None:
        """The values that it lists are there."""
        (listed,) = re.findall(r"The values are (.*?)\.", PAGE.read_text(), re.DOTALL)
        names = re.findall(r"`(\w+)`", listed)
        assert {"service", "recipient", "link", "code", "at"} <= set(names)
        values = ", ".join("{{ %s }}" % name for name in names)
        content = f"{{% block content %}}{values}{{% endblock %}}"
        (tmp_path / "verify_email.jinja").write_text(MARK + content)
        text = write_letter(mail_templates=str(tmp_path)).text
        assert text.count(", ") >= len(names) - 1


def test_templates_are_known() -> None:
    """Every letter in the folder is one that previews and tests know."""
    letters = {
        path.stem
        for path in FOLDER.glob("*.jinja")
        if "{% extends layout %}" in path.read_text()
    }
    assert letters == set(TEMPLATES)


def test_which_open_nothing() -> None:
    """The templates without link and code are known."""
    assert OPENING_NOTHING == set(WITHOUT_PROOF)


def test_babel_is_loaded_late(tmp_path: Path) -> None:
    """Babel takes nobody's time or memory before the first letter is written."""
    done = subprocess.run(
        [sys.executable, "-c", UNTIL_A_LETTER],
        check=True,
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={"PYTHONPATH": ":".join([str(ROOT), *sys.path]), "SECRET_KEY": "x" * 40},
    )
    assert done.stdout.split() == ["False", "True"]
