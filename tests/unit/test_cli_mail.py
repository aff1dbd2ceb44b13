"""The command line: `cardea mail ...`."""

import re
from pathlib import Path

import pytest

from app.core.languages import LANGUAGES
from app.services.composing import LINK_PATHS
from app.services.letter_templates import TEMPLATES
from app.services.mailing import PLANS
from tests.support.command_line import CommandLine, in_one_line
from tests.support.letters import mail_settings

NAMES = [f"{template}.{language}" for template in TEMPLATES for language in LANGUAGES]


@pytest.fixture
def cardea() -> CommandLine:
    """The command with a database that can't be reached."""
    unreachable = "sqlite+aiosqlite:////nowhere/at/all/cardea.db"
    return CommandLine(mail_settings().model_copy(update={"database_url": unreachable}))


class TestPreview:
    """`cardea mail preview FOLDER`."""

    def test_writes_every_letter(self, cardea: CommandLine, tmp_path: Path) -> None:
        """Every letter is there in every language and form, and a page shows all."""
        folder = tmp_path / "new" / "folder"
        result = cardea.run("mail", "preview", str(folder))
        assert result.exit_code == 0, result.output
        files = {f"{name}.{form}" for name in NAMES for form in ("html", "txt")}
        assert {path.name for path in folder.iterdir()} == files | {"index.html"}
        index = (folder / "index.html").read_text(encoding="utf-8")
        assert set(re.findall(r'href="([^"]*)"', index)) == files
        assert set(re.findall(r'src="([^"]*)"', index)) == {
            f"{name}.html" for name in NAMES
        }

    def test_says_where(self, cardea: CommandLine, tmp_path: Path) -> None:
        """What it prints can be clicked on, whatever the folder is called."""
        result = cardea.run("mail", "preview", str(tmp_path / "my mail"))
        address = f"file://{tmp_path}/my%20mail/index.html"
        assert result.stdout == f"Open {address} to see every mail.\n"

    def test_settings_count(self, cardea: CommandLine, tmp_path: Path) -> None:
        """It shows what the service would send: its name, colour and address."""
        cardea.run(
            "mail",
            "preview",
            str(tmp_path),
            SERVICE_NAME="Öl & <Söhne>",
            MAIL_COLOR="#123456",
            PUBLIC_URL="https://login.example.com",
        )
        text = (tmp_path / "verify_email.de.txt").read_text(encoding="utf-8")
        assert text.startswith(
            "E\N{NON-BREAKING HYPHEN}Mail-Adresse für Öl & <Söhne> bestätigen\n\n"
        )
        assert "\nhttps://login.example.com/links/verify-email?token=" in text
        html = (tmp_path / "verify_email.de.html").read_text(encoding="utf-8")
        assert "#123456" in html and "&lt;Söhne&gt;" in html
        index = (tmp_path / "index.html").read_text(encoding="utf-8")
        assert "<Söhne>" not in index and "Mail of Öl &amp; &lt;Söhne&gt;" in index

    def test_links(self, cardea: CommandLine, tmp_path: Path) -> None:
        """Links lead where those of real mail do."""
        cardea.run("mail", "preview", str(tmp_path))
        for kind, plan in PLANS.items():
            text = (tmp_path / f"{kind}.en.txt").read_text()
            path = LINK_PATHS[plan.purpose]
            assert f"\nhttp://localhost:8000{path}?token=" in text

    def test_again(self, cardea: CommandLine, tmp_path: Path) -> None:
        """The next preview takes the place of the one before."""
        cardea.run("mail", "preview", str(tmp_path))
        cardea.run("mail", "preview", str(tmp_path), SERVICE_NAME="Otter")
        assert "Otter" in (tmp_path / "no_account.en.txt").read_text()

    def test_wrong_template(self, cardea: CommandLine, tmp_path: Path) -> None:
        """A mistake in an operator's template is one line that names file and line,
        and nothing is written."""
        own = tmp_path / "own"
        own.mkdir()
        template = own / "no_account.jinja"
        template.write_text(
            "{% extends layout %}\n{% block subject %}x{% endblock %}\n"
            "{% block content %}\n{{ lnik }}{% endblock %}"
        )
        folder = tmp_path / "preview"
        result = cardea.run("mail", "preview", str(folder), MAIL_TEMPLATES=str(own))
        line = in_one_line(result)
        assert f"{template}, line 4: UndefinedError: 'lnik' is undefined" in line
        assert not folder.exists()

    def test_missing_block(self, cardea: CommandLine, tmp_path: Path) -> None:
        """A block that is missing is a mistake of the template that lacks it."""
        template = tmp_path / "no_account.jinja"
        template.write_text("{% extends layout %}{% block subject %}x{% endblock %}")
        result = cardea.run(
            "mail", "preview", str(tmp_path), MAIL_TEMPLATES=str(tmp_path)
        )
        said = f"{template}, line 1: TemplateRuntimeError: Required block 'content'"
        assert said in in_one_line(result)

    def test_wrong_encoding(self, cardea: CommandLine, tmp_path: Path) -> None:
        """So is a template in another encoding than UTF-8."""
        template = tmp_path / "no_account.jinja"
        template.write_bytes("\nfür".encode("latin-1"))
        result = cardea.run(
            "mail", "preview", str(tmp_path), MAIL_TEMPLATES=str(tmp_path)
        )
        said = f"{template}, line 2: TemplateSyntaxError: must be UTF-8 text"
        assert said in in_one_line(result)

    def test_odd_templates(self, cardea: CommandLine, tmp_path: Path) -> None:
        """What is odd about templates that can be written is said on the way."""
        own = tmp_path / "own"
        own.mkdir()
        (own / "reset_pasword.jinja").touch()
        result = cardea.run("mail", "preview", str(tmp_path), MAIL_TEMPLATES=str(own))
        assert result.exit_code == 0
        assert "mail.template_unknown" in result.stderr
        assert f"{own}/reset_pasword.jinja" in result.stderr

    def test_no_folder(self, cardea: CommandLine, tmp_path: Path) -> None:
        """A folder that can't be made is refused in one line."""
        (tmp_path / "file").touch()
        result = cardea.run("mail", "preview", str(tmp_path / "file" / "below"))
        assert "Not a directory" in in_one_line(result)
