"""Tests of `app.services.letters`: mail as servers take it."""

from dataclasses import replace
from email import message_from_bytes
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from app.core.languages import LANGUAGES
from app.services.letter_templates import TEMPLATES
from app.services.letters import Letter
from tests.support.letters import AT, MESSAGE_ID, write_letter

each_template = pytest.mark.parametrize("template", TEMPLATES)
each_language = pytest.mark.parametrize("language", LANGUAGES)


def received(letter: Letter) -> EmailMessage:
    """Return what a mail client reads."""
    email = message_from_bytes(bytes(letter.as_email()), policy=default)
    assert isinstance(email, EmailMessage) and not email.defects
    return email


def sender_of(letter: Letter) -> Address:
    """Return whom a mail client names as the sender, and expect only one."""
    (address,) = received(letter)["From"].addresses
    assert isinstance(address, Address)
    return address


class TestHeaders:
    """Letter.as_email(): the headers."""

    def test_from_and_to(self) -> None:
        """People see the service's name; the address is MAIL_FROM."""
        letter = write_letter(service_name="Otter", mail_from="hello@example.com")
        email = received(letter)
        assert email["From"] == "Otter <hello@example.com>"
        assert email["To"] == "ada@example.com"
        assert email["Subject"] == letter.subject

    @pytest.mark.parametrize(
        ("public_url", "sender"),
        [
            ("https://auth.example.com", "no-reply@auth.example.com"),
            ("http://localhost:8000", "no-reply@localhost"),
            ("http://[::1]:8000", "no-reply@[::1]"),
        ],
    )
    def test_without_mail_from(self, public_url: str, sender: str) -> None:
        """Where no mail is sent, it comes from nobody at the service's host."""
        letter = write_letter(public_url=public_url)
        assert sender_of(letter).addr_spec == sender

    def test_same_when_sent_again(self) -> None:
        """A mail that comes twice has one id and one date, so one can be left out."""
        for email in (received(write_letter()), received(write_letter())):
            assert email["Message-ID"] == f"<{MESSAGE_ID}@auth.example.com>"
            assert email["Date"].datetime == AT

    def test_answered_by_no_machine(self) -> None:
        """Holiday notices and the like are told not to answer (RFC 3834)."""
        assert received(write_letter())["Auto-Submitted"] == "auto-generated"

    @each_language
    def test_language(self, language: str) -> None:
        """The header names the language, and so does the HTML for screen readers."""
        email = received(write_letter(language=language))
        assert email["Content-Language"] == language
        assert f'<html lang="{language}"' in write_letter(language=language).html

    def test_long_host(self) -> None:
        """A Message-ID longer than a line arrives as it is."""
        host = ".".join(["a-long-label-of-a-host"] * 8) + ".example.com"
        letter = write_letter(public_url=f"https://{host}")
        raw = bytes(letter.as_email()).replace(b"\n ", b" ")
        assert f"<{MESSAGE_ID}@{host}>".encode() in raw

    @pytest.mark.parametrize(
        "name",
        [
            "Ünïcode & Söhne",
            "Otter, Ltd.",
            "Eve <eve@example.org>",
            '"Otter" <eve@example.org>,',
            "eve@example.org",
            "事業所",
            "a: eve@example.org;",
        ],
    )
    def test_any_service_name(self, name: str) -> None:
        """Whatever the service is called, it is a name and never an address."""
        letter = write_letter(service_name=name, mail_from="hello@example.com")
        sender = sender_of(letter)
        assert (sender.display_name, sender.addr_spec) == (name, "hello@example.com")
        assert name in received(letter)["Subject"]


class TestInjection:
    """Letter.as_email(): no value adds a header."""

    @pytest.mark.parametrize("ending", ["\r\n", "\n", "\r", "\u2028", "\x0b"])
    def test_service_name(self, ending: str) -> None:
        """A service whose name has a line break does not start."""
        with pytest.raises(ValidationError, match="must be one line"):
            write_letter(service_name=f"Otter{ending}Bcc: eve@example.org")

    @pytest.mark.parametrize("ending", ["\r\n", "\n", "\r"])
    @pytest.mark.parametrize("field", ["recipient", "subject", "message_id"])
    def test_line_break(self, field: str, ending: str) -> None:
        """A line break that comes as far as a header makes the letter no mail."""
        letter = write_letter()
        changes: dict[str, Any] = {
            field: f"{getattr(letter, field)}{ending}Bcc: eve@example.org"
        }
        with pytest.raises(ValueError):
            replace(letter, **changes).as_email()

    @pytest.mark.parametrize(
        "recipient",
        ["ada@example.com, eve@example.org", "Ada <eve@example.org>, x@example.com"],
    )
    def test_one_recipient(self, recipient: str) -> None:
        """Text with two addresses is never sent to the second."""
        email = received(replace(write_letter(), recipient=recipient))
        (address,) = email["To"].addresses
        assert address.addr_spec != "eve@example.org"

    def test_device(self) -> None:
        """Where a request came from is text in the letter, and nothing else."""
        device = "Firefox\r\nBcc: eve@example.org\r\n\r\n<b>on</b> Linux"
        letter = write_letter(device=device)
        email = received(letter)
        assert "Bcc" not in email and "<b>" not in letter.html
        assert len(list(email.iter_parts())) == 2


class TestOtherAlphabets:
    """Letter.as_email(): addresses that are not ASCII."""

    def test_domain(self) -> None:
        """A domain has an ASCII form that every server knows; the text shows it as
        its owner writes it."""
        letter = write_letter(recipient="Ada@Bücher.example.com")
        assert received(letter)["To"] == "Ada@xn--bcher-kva.example.com"
        assert bytes(letter.as_email()).isascii()
        assert "Ada@Bücher.example.com" in letter.text

    def test_name(self) -> None:
        """What is in front of the @ stays as it is: only SMTPUTF8 delivers that."""
        letter = write_letter(recipient="ädä@bücher.example.com")
        assert "\nTo: ädä@xn--bcher-kva.example.com\n".encode() in bytes(
            letter.as_email()
        )

    def test_sender(self) -> None:
        """The same holds for MAIL_FROM."""
        letter = write_letter(mail_from="ädä@bücher.example.com")
        assert "ädä@xn--bcher-kva.example.com".encode() in bytes(letter.as_email())


class TestBody:
    """Letter.as_email(): what follows the headers."""

    @each_language
    @each_template
    def test_two_forms(self, template: str, language: str) -> None:
        """A mail is a text, and better than that an HTML page."""
        letter = write_letter(template, language)
        email = received(letter)
        assert email.get_content_type() == "multipart/alternative"
        text, html = email.iter_parts()
        assert text.get_content_type() == "text/plain"
        assert html.get_content_type() == "text/html"
        assert text.get_content() == letter.text
        assert html.get_content() == letter.html

    @each_language
    @each_template
    def test_survives_every_server(self, template: str, language: str) -> None:
        """On its way it is short lines of ASCII, whatever it says."""
        raw = bytes(write_letter(template, language, service_name="Öl").as_email())
        assert raw.isascii()
        assert max(len(line) for line in raw.splitlines()) <= 78

    def test_own_layout(self, tmp_path: Path) -> None:
        """So is one with a layout of the operator's, however short its lines."""
        for layout in ("letter.html", "letter.txt"):
            (tmp_path / layout).write_text("Grüße", encoding="utf-8")
        letter = write_letter(mail_templates=str(tmp_path))
        assert letter.text == letter.html == "Grüße\n"
        assert bytes(letter.as_email()).isascii()
