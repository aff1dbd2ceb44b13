"""Tests of `app.services.smtp`, on a real SMTP server."""

import asyncio
import logging
import time
from base64 import b64encode
from collections.abc import AsyncIterator

import pytest

from app.services import smtp
from app.services.circuit_breaker import DependencyUnavailableError
from app.services.smtp import POLICY, MailRefusedError
from tests.mail.sending import (
    ADA,
    HASTY,
    IMPATIENT,
    LOCAL_NAME,
    SENDER,
    TEXT,
    Client,
    email_to,
    none_left_open,
)
from tests.support.cancellation import WAYS_TO_CANCEL
from tests.support.servers.smtp import MailServer, Mode

REFUSALS = {
    Mode.RECIPIENT_LATER: ("451 4.7.1 Come back later", False),
    Mode.RECIPIENT_REFUSED: ("550 5.1.1 Nobody of that name", True),
    Mode.MESSAGE_LATER: ("452 4.3.1 Disk full", False),
    Mode.MESSAGE_REFUSED: ("554 5.6.0 Not such a message", True),
    Mode.LATIN_1: ("550 5.1.1 Empf nger 5.1.1 unbekannt", True),
}
"""What is said of one message, and whether that is final."""

FAILURES = [
    Mode.TURNS_AWAY,
    Mode.NO_SMTP,
    Mode.CLOSE_AT_MAIL,
    Mode.SENDER_REFUSED,
    Mode.RECIPIENT_421,
    Mode.MESSAGE_421,
    Mode.MESSAGE_RIDDLE,
    Mode.DROP_AFTER_DATA,
]
HANGING = [
    Mode.SILENT,
    Mode.HANG_AT_EHLO,
    Mode.HANG_AT_DATA,
    Mode.HANG_AFTER_DATA,
    Mode.FROZEN,
    Mode.SLOW,
]
BEFORE_ANY_MESSAGE = [
    Mode.TURNS_AWAY,
    Mode.NO_SMTP,
    Mode.SILENT,
    Mode.HANG_AT_EHLO,
]


def name_of(mode: Mode) -> str:
    """Return what a test of this mode is called."""
    return mode.name.lower()


EACH_REFUSAL = pytest.mark.parametrize("mode", REFUSALS, ids=name_of)


@pytest.fixture
async def server() -> AsyncIterator[MailServer]:
    """A server that neither encrypts nor asks for a password."""
    async with MailServer() as server:
        yield server


@pytest.fixture
def client(server: MailServer) -> Client:
    """A patient client of it."""
    return Client(server.url)


class TestSend:
    """SmtpConnection.send(), while all is well."""

    async def test_arrives_whole(self, client: Client, server: MailServer) -> None:
        """What arrives is what was sent, whatever stands at the beginning of a line."""
        await client.send()
        [received] = server.received
        assert (received.sender, received.recipients) == (SENDER, [ADA])
        assert received.message_id == "<1@example.com>"
        assert received.email.get_content().splitlines() == TEXT.splitlines()

    async def test_many_over_one_connection(
        self, client: Client, server: MailServer
    ) -> None:
        """One connection does for many, also after one was refused."""
        server.refuses_only = "eve@"
        async with client.smtp.connection() as connection:
            await connection.send(email_to(number=1))
            server.mode = Mode.RECIPIENT_REFUSED
            with pytest.raises(MailRefusedError):
                await connection.send(email_to("eve@example.com", number=2))
            await connection.send(email_to(number=3))
        assert list(server.times) == ["<1@example.com>", "<3@example.com>"]
        assert server.connections == 1

    async def test_says_who_we_are(self, client: Client, server: MailServer) -> None:
        """The greeting has the name it was given; nobody looks our own up."""
        await client.send()
        assert server.heard_in_the_clear.startswith(f"EHLO {LOCAL_NAME}\r\n".encode())

    async def test_takes_leave(self, client: Client, server: MailServer) -> None:
        """The server is told when there is nothing more, and nothing is left open."""
        await client.send()
        assert server.heard_in_the_clear.endswith(b"QUIT\r\n")
        await none_left_open(server)

    async def test_hanging_at_the_end(
        self, client: Client, server: MailServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A server that has taken a message and does not let us go is left."""
        monkeypatch.setattr(smtp, "QUIT_SECONDS", 0.05)
        server.mode = Mode.HANG_AT_QUIT
        async with asyncio.timeout(5):
            await client.send()
        assert len(server.received) == 1
        assert client.breaker.since_start.failures == 0
        await server.until(lambda: not server.open)


class TestAddresses:
    """SmtpConnection.send(), with an address that is not ASCII."""

    async def test_server_that_knows_them(self) -> None:
        """Such a message arrives where the server can pass it on."""
        async with MailServer(knows_utf8=True) as server:
            await Client(server.url).send(email_to("grüße@example.com"))
            assert server.received[0].recipients == ["grüße@example.com"]

    async def test_server_that_does_not(
        self, client: Client, server: MailServer
    ) -> None:
        """Elsewhere it is refused, for good, and is nobody's failure."""
        with pytest.raises(MailRefusedError, match="553 .*SMTPUTF8") as refused:
            await client.send(email_to("grüße@example.com"))
        assert refused.value.is_final
        assert client.breaker.since_start.failures == 0

    async def test_none(self, client: Client, server: MailServer) -> None:
        """So is what is for nobody, and the server is not even told of it."""
        message = email_to()
        del message["To"]
        with pytest.raises(MailRefusedError, match="553 No recipient") as refused:
            await client.send(message)
        assert refused.value.is_final
        assert b"MAIL" not in server.heard_in_the_clear


class TestRefused:
    """SmtpConnection.send(), when the server does not want this message."""

    @EACH_REFUSAL
    async def test_says_why(
        self, client: Client, server: MailServer, mode: Mode
    ) -> None:
        """5xx is final and 4xx is not; the words are one line that can be stored."""
        server.mode = mode
        with pytest.raises(MailRefusedError) as refused:
            await client.send()
        assert (str(refused.value), refused.value.is_final) == REFUSALS[mode]
        assert server.received == []

    @EACH_REFUSAL
    async def test_is_no_failure(
        self, client: Client, server: MailServer, mode: Mode
    ) -> None:
        """However many are refused, the server works, and the next may pass."""
        server.mode = mode
        for _ in range(2 * POLICY.window):
            with pytest.raises(MailRefusedError):
                await client.send()
        assert (client.breaker.state, client.breaker.since_start.failures) == (
            "closed",
            0,
        )


class TestUnavailable:
    """Smtp.connection() and SmtpConnection.send(), when the server does not work."""

    @pytest.mark.parametrize("mode", FAILURES, ids=name_of)
    async def test_failure(
        self, client: Client, server: MailServer, mode: Mode
    ) -> None:
        """A server that closes, turns us away or talks nonsense is a failure."""
        server.mode = mode
        with pytest.raises(DependencyUnavailableError) as unavailable:
            await client.send()
        assert unavailable.value.reason == "failed"
        assert client.breaker.failures == 1
        await none_left_open(server)

    @pytest.mark.parametrize("mode", HANGING, ids=name_of)
    async def test_deadline(self, server: MailServer, mode: Mode) -> None:
        """A server that does not come to an end in time is a failure, however busy it
        seems."""
        server.mode = mode
        client, began = Client(server.url, IMPATIENT), time.monotonic()
        with pytest.raises(DependencyUnavailableError) as unavailable:
            await client.send()
        assert unavailable.value.reason == "deadline"
        assert time.monotonic() - began < IMPATIENT.deadline_seconds + 1
        await none_left_open(server)

    async def test_nobody_listens(self, client: Client, server: MailServer) -> None:
        """A server that is gone is a failure."""
        await server.refuse()
        with pytest.raises(DependencyUnavailableError) as unavailable:
            await client.send()
        assert unavailable.value.reason == "failed"

    @pytest.mark.parametrize("mode", BEFORE_ANY_MESSAGE, ids=name_of)
    async def test_before_any_message(self, server: MailServer, mode: Mode) -> None:
        """Who does not answer a greeting is found out before anything is sent."""
        server.mode = mode
        with pytest.raises(DependencyUnavailableError):
            async with Client(server.url, IMPATIENT).smtp.connection():
                pytest.fail("there is no connection")

    def test_twenty_seconds(self) -> None:
        """No deadline lasts longer than a claim of a message does, by far."""
        assert POLICY.deadline_seconds == 20.0


class TestBreaker:
    """The breaker named `smtp`."""

    async def test_opens_and_closes(self, client: Client, server: MailServer) -> None:
        """After three failures the server is left alone, until one probe finds it
        working."""
        server.mode = Mode.TURNS_AWAY
        for _ in range(6):
            with pytest.raises(DependencyUnavailableError):
                await client.send()
        assert (client.breaker.state, server.connections) == ("open", 3)
        client.wait_for_probe()
        for _ in range(2):
            with pytest.raises(DependencyUnavailableError):
                await client.send()
        assert (client.breaker.state, server.connections) == ("open", 4)
        await server.recover()
        client.wait_for_probe()
        await client.send()
        assert (client.breaker.state, server.connections) == ("closed", 5)

    async def test_one_probe(self, client: Client, server: MailServer) -> None:
        """While the probe is under way nobody else tries."""
        server.mode = Mode.TURNS_AWAY
        for _ in range(3):
            with pytest.raises(DependencyUnavailableError):
                await client.send()
        await server.recover()
        client.wait_for_probe()
        sends = [client.send() for _ in range(5)]
        ends = await asyncio.gather(*sends, return_exceptions=True)
        refused = [end for end in ends if isinstance(end, DependencyUnavailableError)]
        assert [end.reason for end in refused] == ["open"] * 4
        assert len(server.received) == 1

    async def test_failing_after_the_greeting(
        self, client: Client, server: MailServer
    ) -> None:
        """A server that greets well and then never takes anything is left alone too:
        half of what it was asked has failed."""
        server.mode = Mode.CLOSE_AT_MAIL
        for _ in range(POLICY.minimum_calls // 2):
            assert client.breaker.state == "closed"
            with pytest.raises(DependencyUnavailableError):
                await client.send()
        assert client.breaker.state == "open"


class TestCancelled:
    """Whoever no longer waits."""

    @pytest.mark.parametrize("cancel", WAYS_TO_CANCEL, ids=lambda way: way.__name__)
    async def test_at_every_wait(
        self, client: Client, server: MailServer, cancel: object
    ) -> None:
        """Wherever it happens, no connection stays open, and the next message goes its
        way."""
        assert callable(cancel)
        step, reached = 1, True
        while reached:
            reached = await cancel(client.send(), step)
            await none_left_open(server)
            await client.send(email_to(number=step + 100))
            step += 1
        assert step > 5
        assert client.breaker.since_start.failures == 0
        assert {f"<{number}@example.com>" for number in range(101, 100 + step)} <= set(
            server.times
        )


class TestSecrecy:
    """What the log may not hold."""

    @pytest.mark.parametrize("mode", FAILURES + HANGING, ids=name_of)
    async def test_logs(self, caplog: pytest.LogCaptureFixture, mode: Mode) -> None:
        """No line of ours or a library's holds a password or a recipient."""
        caplog.set_level(logging.DEBUG)
        async with MailServer(login=("mailer", "hush")) as server:
            url = server.url.replace("//", "//mailer:hush@")
            await Client(url).send()
            client = Client(url, HASTY)
            server.mode = mode
            while client.breaker.state == "closed":
                with pytest.raises(DependencyUnavailableError):
                    await client.send()
        # The server under test says aloud what it hears.
        ours = [r for r in caplog.records if not r.name.startswith("mail.")]
        said = str([record.__dict__ for record in ours])
        assert "breaker.state_changed" in said
        secrets = ["hush", b64encode(b"\0mailer\0hush").decode(), ADA]
        assert not [secret for secret in secrets if secret in said]
