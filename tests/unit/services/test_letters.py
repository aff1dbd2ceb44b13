"""Tests of `app.services.letters`: what mail says."""

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from app.core.client import UNKNOWN_ADDRESS, Client
from app.core.languages import LANGUAGES
from app.services.letter_templates import TEMPLATES
from app.services.mailing import CODE_LIFE, LINK_LIFE
from tests.support.letters import (
    CODE,
    FROM_AN_ADMIN,
    LINK,
    WITH_LINK,
    WITH_PROOF,
    WITHOUT_PROOF,
    write_letter,
)

each_template = pytest.mark.parametrize("template", TEMPLATES)
each_language = pytest.mark.parametrize("language", LANGUAGES)


def test_every_template() -> None:
    """Each asks for a link or a code, brings a link, or opens nothing."""
    assert {*WITH_PROOF, *WITH_LINK, *WITHOUT_PROOF} == set(TEMPLATES)


class TestText:
    """Letters.write(): the text."""

    @each_language
    @pytest.mark.parametrize("template", WITH_PROOF)
    def test_link_and_code(self, template: str, language: str) -> None:
        """Link and code stand on lines of their own, each once."""
        letter = write_letter(template, language)
        lines = letter.text.splitlines()
        assert lines.count(LINK) == lines.count(CODE) == 1
        assert (letter.link, letter.code) == (LINK, CODE)

    @each_language
    @pytest.mark.parametrize("template", WITH_LINK)
    def test_link_alone(self, template: str, language: str) -> None:
        """A mail that nobody waits for has a link, once, and no code."""
        letter = write_letter(template, language)
        assert letter.text.splitlines().count(LINK) == 1
        assert (letter.link, letter.code) == (LINK, None)
        assert CODE not in letter.text + letter.html

    @each_language
    @pytest.mark.parametrize("template", WITHOUT_PROOF)
    def test_neither(self, template: str, language: str) -> None:
        """A mail that asks for no proof opens nothing."""
        letter = write_letter(template, language)
        assert (letter.link, letter.code) == (None, None)
        for form in (letter.text, letter.html):
            assert LINK not in form and CODE not in form

    @each_language
    @each_template
    def test_no_code_in_the_subject(self, template: str, language: str) -> None:
        """The subject, which a locked screen shows, names the service and no code."""
        letter = write_letter(template, language, service_name="Otter")
        assert "Otter" in letter.subject and len(letter.subject) < 60
        assert CODE not in letter.subject
        assert CODE not in letter.html.partition("<table")[0]

    @each_language
    @each_template
    def test_72_columns(self, template: str, language: str) -> None:
        """No line is longer than 72 characters, but for the link; none ends blank."""
        lines = write_letter(template, language, service_name="A" * 60).text.split("\n")
        assert [line for line in lines if len(line) > 72] in ([], [LINK])
        assert lines == [line.rstrip() for line in lines]

    def test_long_address(self) -> None:
        """An address longer than a line is not broken, as it would be another one."""
        recipient = f"{'a' * 64}@{'b' * 60}.example.com"
        assert f"\n{recipient}\n" in write_letter(recipient=recipient).text

    @each_language
    @pytest.mark.parametrize("template", WITH_PROOF)
    def test_lives(self, template: str, language: str) -> None:
        """How long link and code live is said as the rules have it."""
        text = write_letter(template, language).text
        for life in (LINK_LIFE, CODE_LIFE):
            minutes = {"en": "minutes", "de": "Minuten"}[language]
            # Which no line break takes apart.
            assert f"{life // timedelta(minutes=1)}\N{NO-BREAK SPACE}{minutes}" in text

    @pytest.mark.parametrize("template", WITH_LINK)
    def test_lasting(self, template: str) -> None:
        """So do those of a link that nobody waits for, unless its end is a date."""
        text = write_letter(template).text
        lives = ["7\N{NO-BREAK SPACE}days", "15\N{NO-BREAK SPACE}minutes"]
        assert any(one in text for one in lives) or template == "deletion_planned"

    @each_language
    @each_template
    def test_email_in_one_piece(self, template: str, language: str) -> None:
        """No line break takes an "e-mail" apart."""
        letter = write_letter(template, language)
        for form in (letter.subject, letter.text, letter.html):
            assert "e-mail" not in form.lower()

    @each_language
    @each_template
    def test_button_says_it_once(self, template: str, language: str) -> None:
        """What leads to a button is a sentence: two lines with colons would be one too
        many."""
        paragraphs = write_letter(template, language).text.split("\n\n")
        before = [
            paragraphs[index - 2] for index, one in enumerate(paragraphs) if one == LINK
        ]
        assert not [one for one in before if one.endswith(":")]

    def test_plain(self) -> None:
        """In text nothing is escaped."""
        assert "Ölöf & <Söhne>" in write_letter(service_name="Ölöf & <Söhne>").text


class TestFacts:
    """Letters.write(): when and from where a mail was asked for."""

    @pytest.mark.parametrize(
        ("language", "lines"),
        [
            (
                "en",
                [
                    "Time: November 24, 2026, 13:05 UTC",
                    "Device: Firefox on Linux",
                    "IP address: 203.0.113.7",
                ],
            ),
            (
                "de",
                [
                    "Zeitpunkt: 24. November 2026, 13:05 UTC",
                    "Gerät: Firefox unter Linux",
                    "IP-Adresse: 203.0.113.7",
                ],
            ),
        ],
    )
    @pytest.mark.parametrize(
        "template", [one for one in TEMPLATES if one not in FROM_AN_ADMIN]
    )
    def test_told(self, template: str, language: str, lines: list[str]) -> None:
        """Mail says it, in its language."""
        assert "\n".join(lines) in write_letter(template, language).text

    @each_language
    @pytest.mark.parametrize("template", FROM_AN_ADMIN)
    def test_of_an_admin(self, template: str, language: str) -> None:
        """Nobody learns where an administrator sits."""
        letter = write_letter(template, language)
        for told in ("203.0.113.7", "Firefox"):
            assert told not in letter.text + letter.html

    def test_other_session(self) -> None:
        """Of a token that was reused, both devices are told, the session's first."""
        text = write_letter("token_reused").text
        session, _, copy = text.partition("Its sign-in was used once more here:")
        assert "Device: Safari on macOS\nIP address: 198.51.100.24" in session
        assert "Device: Firefox on Linux\nIP address: 203.0.113.7" in copy

    def test_end_of_an_account(self) -> None:
        """When an account will be gone is said in words."""
        assert "December 24, 2026" in write_letter("deletion_planned").text

    def test_other_time_zone(self) -> None:
        """The time is in UTC, whatever zone it is given in."""
        zone = timezone(timedelta(hours=-11))
        at = datetime(2026, 12, 31, 23, 30, tzinfo=zone)
        assert "January 1, 2027, 10:30 UTC" in write_letter(at=at).text

    def test_unknown_address(self) -> None:
        """An address that nobody knows is left out."""
        letter = write_letter(ip=UNKNOWN_ADDRESS)
        assert "IP address" not in letter.text + letter.html

    @pytest.mark.parametrize(
        ("user_agent", "device"),
        [
            ("", "Unbekanntes Gerät"),
            ("curl/8.5.0", "curl"),
            ("Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0", "Firefox unter Linux"),
        ],
        ids=["unknown", "program", "browser"],
    )
    def test_device(self, user_agent: str, device: str) -> None:
        """What a device is called is translated."""
        client = Client("203.0.113.7", user_agent)
        text = write_letter(language="de", device=client.device).text
        assert f"Gerät: {device}\n" in text

    @pytest.mark.parametrize(
        ("locale", "language"),
        [("de-AT", "de"), ("DE", "de"), ("en-GB", "en"), ("fr", "de"), (None, "de")],
    )
    def test_locale(self, locale: str | None, language: str) -> None:
        """What its reader has chosen comes first, where there is a catalogue of it."""
        letter = write_letter(language="de", locale=locale)
        assert letter == write_letter(language=language)

    def test_unknown_language(self) -> None:
        """A language that there is no catalogue of is English."""
        letter = write_letter(language="la")
        assert letter == write_letter(language="en")


class TestNoAccount:
    """Letters.write(): that there is no account to sign in to."""

    @pytest.mark.parametrize(
        ("settings", "said"),
        [
            ({}, []),
            ({"email_verification": "required"}, ["have just signed up"]),
            ({"deletion_days": 30}, ["have just deleted"]),
            (
                {"email_verification": "required", "deletion_days": 30},
                ["have just signed up", "have just deleted"],
            ),
        ],
        ids=["neither", "sign-up waits", "deletion waits", "both"],
    )
    def test_what_may_be(self, settings: dict[str, Any], said: list[str]) -> None:
        """It names what the settings let be the reason, and never which it is."""
        text = write_letter("no_account", **settings).text
        reasons = ["have just signed up", "have just deleted"]
        assert [reason for reason in reasons if reason in text] == said


class TestColor:
    """MAIL_COLOR."""

    @pytest.mark.parametrize(
        ("color", "text"), [("#ffd000", "#000000"), ("#123456", "#ffffff")]
    )
    def test_on_the_button(self, color: str, text: str) -> None:
        """The button has the colour of the settings, and a text that can be read."""
        html = write_letter(mail_color=color).html
        assert f"background-color:{color};color:{text};" in html

    @pytest.mark.parametrize(
        ("color", "lighter", "text"),
        [
            ("#14182b", "#5665b0", "#ffffff"),
            ("#7a4b12", "#975d16", "#ffffff"),
            ("#ffd000", "#ffd000", "#000000"),
        ],
    )
    def test_in_the_dark(self, color: str, lighter: str, text: str) -> None:
        """Button and top line stand out from the dark card; WCAG asks for 3:1."""
        dark = write_letter(mail_color=color).html.partition("scheme: dark)")[2]
        button = f"background-color: {lighter} !important; color: {text} !important;"
        assert f".button {{ {button} }}" in dark
        assert f"border-top-color: {lighter} !important" in dark


class TestFoot:
    """APP_URL."""

    @each_template
    def test_leads_to_the_program(self, template: str) -> None:
        """The foot of a mail leads there, as text and as HTML."""
        letter = write_letter(template, app_url="https://app.example.com/")
        assert letter.text.endswith("\n--\nCardea\nhttps://app.example.com/\n")
        assert 'href="https://app.example.com/"' in letter.html

    def test_without(self) -> None:
        """Without, it leads nowhere: PUBLIC_URL is a page for developers."""
        letter = write_letter("no_account")
        assert letter.text.endswith("\n--\nCardea\n")
        assert "href" not in letter.html
