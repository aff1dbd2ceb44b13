"""Tests of `app.services.own_templates`: what an operator is told at the start."""

import logging
from pathlib import Path

import pytest

from app.services.letter_templates import OURS
from app.services.own_templates import check_own_templates
from tests.support.letters import WITH_PROOF, mail_settings

MARK = "{% extends layout %}{% block subject %}Mine{% endblock %}"


def logged(
    caplog: pytest.LogCaptureFixture, folder: Path
) -> list[tuple[int, str, str]]:
    """Return what the check logs of the templates in a folder: level, event, field."""
    check_own_templates(mail_settings(mail_templates=str(folder)))
    return [
        (
            one.levelno,
            one.getMessage(),
            str(next(vars(one)[name] for name in FIELDS if name in vars(one))),
        )
        for one in caplog.records
    ]


FIELDS = ("file", "mistake", "template")


class TestCheck:
    """check_own_templates()."""

    def test_none(self, caplog: pytest.LogCaptureFixture) -> None:
        """Who has none is told nothing."""
        check_own_templates(mail_settings())
        assert not caplog.records

    def test_good(self, caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
        """Nothing is wrong with copies of ours, and folders hold what one likes."""
        for file in OURS.iterdir():
            (tmp_path / file.name).write_text(file.read_text())
        (tmp_path / "parts").mkdir()
        assert logged(caplog, tmp_path) == []

    def test_misspelt(self, caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
        """A file that takes the place of none of ours is told."""
        file = tmp_path / "reset_pasword.jinja"
        file.touch()
        event = "mail.template_unknown"
        assert logged(caplog, tmp_path) == [(logging.WARNING, event, str(file))]

    def test_wrong(self, caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
        """Each mistake is told once, although it is in many letters and languages."""
        layout, letter = tmp_path / "code.jinja", tmp_path / "invitation.jinja"
        layout.write_text("{{ cdoe }}")
        letter.write_text("{{ invter }}")
        told = logged(caplog, tmp_path)
        assert [one[:2] for one in told] == [(logging.ERROR, "mail.template_wrong")] * 2
        assert told[0][2].startswith(f"{layout}, line 1: UndefinedError: 'cdoe'")
        assert told[1][2].startswith(f"{letter}, line 1: UndefinedError: 'invter'")

    def test_in_one_language(
        self, caplog: pytest.LogCaptureFixture, tmp_path: Path
    ) -> None:
        """A mistake that only some readers would meet is found."""
        text = "{% block content %}{% if language == 'de' %}{{ x }}{% endif %}"
        file = tmp_path / "no_account.jinja"
        file.write_text(f"{MARK}{text}{{% endblock %}}")
        [(_, event, _)] = logged(caplog, tmp_path)
        assert event == "mail.template_wrong"

    @pytest.mark.parametrize("template", [*WITH_PROOF, "invitation"])
    def test_opens_nothing(
        self, caplog: pytest.LogCaptureFixture, tmp_path: Path, template: str
    ) -> None:
        """A letter that forgets link and code leaves its reader helpless."""
        file = tmp_path / f"{template}.jinja"
        file.write_text(f"{MARK}{{% block content %}}Hello{{% endblock %}}")
        event = "mail.template_opens_nothing"
        assert logged(caplog, tmp_path) == [(logging.WARNING, event, template)]

    @pytest.mark.parametrize("shown", ["code", "link", "token"])
    def test_one_is_enough(
        self, caplog: pytest.LogCaptureFixture, tmp_path: Path, shown: str
    ) -> None:
        """The code, the link, or a link to a page of the operator's own."""
        said = {"code": "{{ code }}", "link": "{{ link }}"}
        text = said.get(shown, "https://app.example.com/#{{ token }}")
        content = f"{MARK}{{% block content %}}{text}{{% endblock %}}"
        (tmp_path / "verify_email.jinja").write_text(content)
        assert logged(caplog, tmp_path) == []

    @pytest.mark.parametrize("template", ["no_account", "account_exists"])
    def test_nothing_to_open(
        self, caplog: pytest.LogCaptureFixture, tmp_path: Path, template: str
    ) -> None:
        """One that has neither need not show them."""
        content = f"{MARK}{{% block content %}}Hello{{% endblock %}}"
        (tmp_path / f"{template}.jinja").write_text(content)
        assert logged(caplog, tmp_path) == []
