"""`cardea mail test ADDRESS`, on real servers and without a database."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from click.testing import Result

from app.services import mail_trial
from tests.mail.sending import ADA, IMPATIENT, SENDER, none_left_open
from tests.support.command_line import CommandLine, in_one_line
from tests.support.letters import mail_settings
from tests.support.servers.certificates import Certificate
from tests.support.servers.smtp import MailServer, Mode

LOGIN = ("mailer", "hush")
SIGNED_IN = "//mailer:hush@"

Try = Callable[..., Awaitable[Result]]


@pytest.fixture
def attempt(monkeypatch: pytest.MonkeyPatch) -> Try:
    """Try a server, with a database that can't be reached."""
    # The server under test says aloud what it hears, in the same process.
    monkeypatch.setattr(logging.getLogger("mail.log"), "disabled", True)
    unreachable = "sqlite+aiosqlite:////nowhere/at/all/cardea.db"
    cardea = CommandLine(
        mail_settings().model_copy(update={"database_url": unreachable})
    )

    async def run(url: str, address: str = ADA) -> Result:
        changes = {"SMTP_URL": url, "MAIL_FROM": SENDER, "SERVICE_NAME": "Öl & Söhne"}
        # Beside the server under test: the command has an event loop of its own.
        result = await asyncio.to_thread(cardea.run, "mail", "test", address, **changes)
        assert "hush" not in result.output
        return result

    return run


def steps(result: Result) -> list[str]:
    """Return what was printed before it went wrong, if it did."""
    return [line.partition(" ")[0] for line in result.stdout.splitlines()]


class TestWorks:
    """A server that takes the message."""

    @pytest.mark.parametrize("security", ["tls", "starttls"])
    async def test_step_by_step(
        self, attempt: Try, trusted: Certificate, security: Any
    ) -> None:
        """It says what was reached: the server, encryption, who we are, and that the
        message was taken."""
        async with MailServer(security, trusted, LOGIN) as server:
            result = await attempt(server.url.replace("//", SIGNED_IN))
        assert result.exit_code == 0, result.output
        connecting, connected, encrypted, signed_in, sending, taken = (
            result.stdout.splitlines()
        )
        assert connecting == f"Connecting to {server.address}."
        assert connected.startswith("Connected: 220 mail.test ")
        assert encrypted == "Encrypted with TLSv1.3; the certificate is good."
        assert signed_in == "Signed in."
        assert sending == f"Sending a message from {SENDER}."
        assert taken == "The server has taken it: 2.0.0 Fine"

    async def test_message(self, attempt: Try, server: MailServer) -> None:
        """The message comes from MAIL_FROM and says where it comes from."""
        result = await attempt(server.url)
        assert steps(result) == ["Connecting", "Connected:", "Sending", "The"]
        [received] = server.received
        assert (received.sender, received.recipients) == (SENDER, [ADA])
        assert received.email["Subject"] == "A test of Öl & Söhne"
        assert "http://localhost:8000" in received.text
        assert received.message_id.endswith("@localhost>")


class TestFails:
    """Whatever goes wrong is one line, with status 1."""

    async def test_nobody_listens(self, attempt: Try, server: MailServer) -> None:
        """A connection that is refused."""
        await server.refuse()
        result = await attempt(server.url)
        wanted = f"Error: {server.address} can't be used: Connection refused ("
        assert in_one_line(result).startswith(wanted)
        assert steps(result) == ["Connecting"]

    async def test_unknown_host(self, attempt: Try) -> None:
        """A host that there is not."""
        assert "mail.invalid:25 can't" in in_one_line(
            await attempt("smtp://mail.invalid")
        )

    async def test_wrong_password(self, attempt: Try) -> None:
        """A password that the server does not know, and neither it nor the name is
        shown."""
        async with MailServer(login=("mailer", "other")) as server:
            result = await attempt(server.url.replace("//", SIGNED_IN))
        assert "user name or password refused: 535 " in in_one_line(result)
        assert steps(result) == ["Connecting", "Connected:"]
        assert "mailer" not in result.output

    @pytest.mark.parametrize("security", ["tls", "starttls"])
    async def test_bad_certificate(
        self, attempt: Try, certificate: Certificate, security: Any
    ) -> None:
        """A certificate that nobody vouches for."""
        async with MailServer(security, certificate) as server:
            line = in_one_line(await attempt(server.url))
        assert line.endswith("certificate refused: self-signed certificate")

    async def test_refused_recipient(self, attempt: Try, server: MailServer) -> None:
        """A message that the server does not take, with the address as typed."""
        server.mode = Mode.NAMES_RECIPIENT
        line = in_one_line(await attempt(server.url))
        wanted = "The server refuses the message: 550 5.1.1 <ada@example.com> unknown"
        assert line == f"Error: {wanted}"

    async def test_hanging(
        self, attempt: Try, server: MailServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A server that says nothing, when the deadline is over."""
        monkeypatch.setattr(mail_trial, "POLICY", IMPATIENT)
        server.mode = Mode.SILENT
        assert in_one_line(await attempt(server.url)).endswith(": timed out")
        await none_left_open(server)

    @pytest.mark.parametrize("step", ["greeting", "refusal"])
    async def test_repeats_no_secret(self, attempt: Try, step: str) -> None:
        """A server that repeats the password does not have it shown."""
        async with MailServer(login=LOGIN) as server:
            server.mode = Mode[f"PASSWORD_IN_{step.upper()}"]
            result = await attempt(server.url.replace("//", SIGNED_IN))
        assert result.exit_code == (1 if step == "refusal" else 0)
        assert "is it ***?" in result.output

    async def test_no_server(self, attempt: Try, server: MailServer) -> None:
        """SMTP_URL that is empty."""
        assert "SMTP_URL is not set" in in_one_line(await attempt(""))

    async def test_no_address(self, attempt: Try, server: MailServer) -> None:
        """What is no address; the server is not even asked."""
        line = in_one_line(await attempt(server.url, "nobody"))
        assert line == "Error: The address must be one valid e-mail address."
        assert server.connections == 0
