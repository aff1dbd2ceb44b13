"""Tests of `app.core.smtp_url`, and of the setting."""

import pytest

from app.core.smtp_url import SmtpServer
from tests.unit.core.test_config_refusals import SAFE, lines_of, settings_of

FROM = {"mail_from": "no-reply@example.com"}
GOOD = {
    "smtps://mail.example.com": SmtpServer("mail.example.com", 465, "tls"),
    "smtp+starttls://mail.example.com/": SmtpServer(
        "mail.example.com", 587, "starttls"
    ),
    "smtp://localhost": SmtpServer("localhost", 25, "none"),
    "SMTPS://Mail.Example.com:2465": SmtpServer("mail.example.com", 2465, "tls"),
    "smtp://[::1]:1025": SmtpServer("::1", 1025, "none"),
    "smtps://bücher.example": SmtpServer("bücher.example", 465, "tls"),
    "smtps://ada%40example.com:p%40s%3As%2Fw%3F%23%25@mail.example.com": SmtpServer(
        "mail.example.com", 465, "tls", "ada@example.com", "p@s:s/w?#%"
    ),
    "smtps://m%C3%BCller:stra%C3%9Fe@mail.example.com": SmtpServer(
        "mail.example.com", 465, "tls", "müller", "straße"
    ),
}
BAD = [
    "mail.example.com:465",
    "https://mail.example.com",
    "smtp+tls://mail.example.com",
    "smtps://",
    "smtps:///queue",
    "smtps://:465",
    "smtps://mail.example.com:0",
    "smtps://mail.example.com:port",
    "smtps://mail.example.com:99999",
    "smtps://mail.example.com/queue",
    "smtps://mail.example.com?starttls=off",
    "smtps://mail.example.com#top",
    "smtps://mail..example.com",
    f"smtps://{'m' * 64}.example.com",
    "smtps://ada@mail.example.com",
    "smtps://ada:@mail.example.com",
    "smtps://:secret@mail.example.com",
    "smtps://@mail.example.com",
    "smtps://:@mail.example.com",
    "smtps://ada:p/w@mail.example.com",
    "smtps://ada:p#w@mail.example.com",
    "smtps://ada:p?w@mail.example.com",
    "smtps://ada:stra%DFe@mail.example.com",
    "smtps://m%FCller:secret@mail.example.com",
]


class TestParse:
    """SmtpServer.parse()."""

    @pytest.mark.parametrize(("url", "server"), GOOD.items(), ids=GOOD)
    def test_good(self, url: str, server: SmtpServer) -> None:
        """Each scheme has its own port and security, and a name and a password may hold
        any character."""
        assert SmtpServer.parse(url) == server

    @pytest.mark.parametrize("url", BAD)
    def test_bad(self, url: str) -> None:
        """What names no server, what would be ignored, and half a login."""
        with pytest.raises(ValueError):
            SmtpServer.parse(url)

    def test_shows_no_password(self) -> None:
        """Whoever prints a server does not print its password."""
        server = SmtpServer.parse("smtps://ada:secret@mail.example.com")
        assert server.password == "secret"
        assert "secret" not in repr(server) and "secret" not in str(server)


class TestSetting:
    """SMTP_URL."""

    @pytest.mark.parametrize("url", [*GOOD, ""])
    def test_good(self, url: str) -> None:
        """Production takes it, and takes an empty one for none."""
        settings = settings_of(**SAFE, **FROM, smtp_url=url)
        assert settings.smtp_server == GOOD.get(url)
        assert settings.mail == ("smtp" if url else "off")

    @pytest.mark.parametrize(
        "url",
        [
            "smtps://ada:hush@mail.example.com/hush",
            "smtps://ada:hu#hush@mail.example.com",
            "smtp://ada:hush%DF@mail.example.com",
        ],
    )
    def test_refused_without_its_password(self, url: str) -> None:
        """The line says what is allowed and repeats nothing."""
        (line,) = lines_of(**SAFE, **FROM, smtp_url=url)
        assert line.startswith("SMTP_URL: must be smtps://")
        assert "hush" not in line and "'hu'" not in line

    def test_shows_no_password(self) -> None:
        """Nor does whoever prints the settings."""
        url = "smtps://ada:hush@mail.example.com"
        assert "hush" not in repr(settings_of(**SAFE, **FROM, smtp_url=url))

    @pytest.mark.parametrize("host", ["mail.example.com", "10.0.0.7", "[fe80::1]"])
    def test_no_password_in_the_clear(self, host: str) -> None:
        """Production sends no password over a network unencrypted."""
        (line,) = lines_of(**SAFE, **FROM, smtp_url=f"smtp://ada:secret@{host}")
        assert line.startswith("SMTP_URL: a password must not be sent unencrypted")

    @pytest.mark.parametrize(
        "url",
        [
            "smtp://ada:secret@localhost",
            "smtp://ada:secret@127.0.0.1:1025",
            "smtp://ada:secret@[::1]",
            "smtp://mail.example.com",
            "smtps://ada:secret@mail.example.com",
            "smtp+starttls://ada:secret@mail.example.com",
        ],
    )
    def test_password_allowed(self, url: str) -> None:
        """It may be sent to this machine, or encrypted; and where there is none, mail
        may be."""
        assert settings_of(**SAFE, **FROM, smtp_url=url).smtp_server is not None
