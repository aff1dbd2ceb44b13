"""Tests of `app.services.smtp_causes`: what is told of it is safe to be logged."""

from base64 import b64encode

import pytest

from app.core.smtp_url import SmtpServer
from app.services.circuit_breaker import DependencyUnavailableError
from app.services.smtp_causes import cause_of, loggable

SERVER = SmtpServer.parse("smtp://mailer:p%40ss@mail.example.com")
OPEN_RELAY = SmtpServer.parse("smtp://mail.example.com")


def wire(secret: str) -> str:
    """Return a text as it is sent to sign in."""
    return b64encode(secret.encode()).decode()


class TestLoggable:
    """loggable()."""

    @pytest.mark.parametrize(
        ("said", "logged"),
        [
            ("550 <ada@example.com> is unknown", "550 <(address)> is unknown"),
            ("550 to=ada@example.com: no", "550 (address) no"),
            ('550 "ada b"@example.com no', "550 (address) no"),
            ("550 see https://x.test/?a=ada%40example.com", "550 see (address)"),
            ("550 <grüße@bücher.example> no", "550 <(address)> no"),
        ],
        ids=["angles", "bare", "quoted", "encoded", "not ascii"],
    )
    def test_addresses(self, said: str, logged: str) -> None:
        """No address is left, however the server spells it."""
        assert loggable(said, SERVER) == logged

    @pytest.mark.parametrize(
        "secret",
        ["mailer", "p@ss", *map(wire, ("mailer", "p@ss", "\0mailer\0p@ss"))],
        ids=["name", "password", "name sent", "password sent", "both sent"],
    )
    def test_secrets(self, secret: str) -> None:
        """Neither is the user name nor the password, as typed or as sent."""
        assert loggable(f"500 What is {secret}?", SERVER) == "500 What is ***?"

    def test_whole_words(self) -> None:
        """A user name takes nothing out of other words."""
        assert loggable("550 mailers only", SERVER) == "550 mailers only"

    def test_nobody_signs_in(self) -> None:
        """Without a user name nothing is taken out."""
        assert loggable("550 None of that", OPEN_RELAY) == "550 None of that"

    def test_one_short_line(self) -> None:
        """Whatever bytes a server says, it is one line, and not a long one."""
        assert loggable("550-No\r\n550\x00\u2028No", SERVER) == "550-No 550 No"
        assert len(loggable("no " * 100_000, SERVER)) == 200

    def test_address_at_the_end(self) -> None:
        """It is cut after addresses were taken out: none is left half."""
        said = "x" * 195 + " ada@example.com"
        assert loggable(said, SERVER) == "x" * 195 + " (add"


class TestCauseOf:
    """cause_of(); what real servers do is in tests/mail/test_server_log.py."""

    def test_nothing_known(self) -> None:
        """Where there is no cause, the error says what it can."""
        error = DependencyUnavailableError("smtp", "open")
        assert cause_of(error, SERVER) == "smtp is unavailable (open)"

    def test_wordless(self) -> None:
        """An exception without words is named."""
        error = DependencyUnavailableError("smtp", "failed")
        error.__cause__ = ConnectionResetError()
        assert cause_of(error, SERVER) == "ConnectionResetError"
