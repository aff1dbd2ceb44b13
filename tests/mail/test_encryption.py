"""Mail that nobody reads on its way, and servers that ask who we are."""

from base64 import b64encode

import pytest

from app.services.circuit_breaker import DependencyUnavailableError
from tests.mail.sending import IMPATIENT, LOCAL_NAME, Client, none_left_open
from tests.support.cancellation import WAYS_TO_CANCEL
from tests.support.servers.certificates import Certificate
from tests.support.servers.smtp import MailServer, Mode, Security

LOGIN = ("mailer@example.com", "p@s:s/wörd")
SIGNED_IN = "//mailer%40example.com:p%40s%3As%2Fw%C3%B6rd@"
WRONG = "//mailer%40example.com:guess@"

EACH_ENCRYPTION = pytest.mark.parametrize("security", ["starttls", "tls"])
EACH_SECURITY = pytest.mark.parametrize("security", ["none", "starttls", "tls"])


async def fails(client: Client) -> BaseException | None:
    """Expect that the server can't be worked with; return why."""
    with pytest.raises(DependencyUnavailableError) as unavailable:
        await client.send()
    assert client.breaker.failures == 1
    return unavailable.value.__cause__


class TestEncryption:
    """`smtps://` and `smtp+starttls://`."""

    @EACH_ENCRYPTION
    async def test_nothing_in_the_clear(
        self, trusted: Certificate, security: Security
    ) -> None:
        """Whoever listens on the way hears no more than that somebody wants to
        encrypt."""
        async with MailServer(security, trusted, LOGIN) as server:
            await Client(server.url.replace("//", SIGNED_IN)).send()
            [received] = server.received
            assert not received.in_the_clear
            heard = server.heard_in_the_clear.decode().splitlines()
            wanted = [f"EHLO {LOCAL_NAME}", "STARTTLS"]
            assert heard == (wanted if security == "starttls" else [])

    @EACH_ENCRYPTION
    async def test_unknown_certificate(
        self, certificate: Certificate, security: Security
    ) -> None:
        """A server that nobody vouches for gets neither mail nor password."""
        async with MailServer(security, certificate, LOGIN) as server:
            cause = await fails(Client(server.url.replace("//", SIGNED_IN)))
            assert "certificate verify failed" in str(cause)
            assert b"MAIL" not in server.heard_in_the_clear
            assert b"AUTH" not in server.heard_in_the_clear
            assert server.received == []
            await none_left_open(server)

    @EACH_ENCRYPTION
    async def test_certificate_of_another(
        self, trusted: Certificate, security: Security
    ) -> None:
        """Nor does one that shows a good certificate for another name."""
        async with MailServer(security, trusted) as server:
            url = server.url.replace("127.0.0.1", "localhost")
            assert "mismatch" in str(await fails(Client(url)))
            assert server.received == []

    async def test_server_without_starttls(self) -> None:
        """Where STARTTLS is asked for and not offered, nothing is sent in the clear,
        as somebody on the way may have taken the offer out."""
        async with MailServer(login=LOGIN) as server:
            url = server.url.replace("smtp://", f"smtp+starttls:{SIGNED_IN}")
            cause = await fails(Client(url))
            assert "STARTTLS extension not supported" in str(cause)
            assert server.heard_in_the_clear.decode() == f"EHLO {LOCAL_NAME}\r\n"
            await none_left_open(server)

    async def test_server_without_tls(self, server: MailServer) -> None:
        """A server that answers without TLS where TLS is expected is a failure."""
        await fails(Client(server.url.replace("smtp://", "smtps://")))
        assert server.received == []
        await none_left_open(server)

    async def test_tls_not_expected(self, trusted: Certificate) -> None:
        """A server that waits for TLS while we wait for its greeting is given up at
        the deadline."""
        async with MailServer("tls", trusted) as server:
            url = server.url.replace("smtps://", "smtp://")
            assert isinstance(await fails(Client(url, IMPATIENT)), TimeoutError)
            await none_left_open(server)

    @EACH_ENCRYPTION
    async def test_frozen_server(
        self, trusted: Certificate, security: Security
    ) -> None:
        """A server that reads nothing any more keeps no connection of ours open: TLS
        would wait for its farewell."""
        async with MailServer(security, trusted) as server:
            server.mode = Mode.FROZEN
            await fails(Client(server.url, IMPATIENT))
            await none_left_open(server)

    @EACH_ENCRYPTION
    @pytest.mark.parametrize("cancel", WAYS_TO_CANCEL, ids=lambda way: way.__name__)
    async def test_cancelled(
        self, trusted: Certificate, security: Security, cancel: object
    ) -> None:
        """Wherever somebody stops waiting, no connection stays open."""
        assert callable(cancel)
        async with MailServer(security, trusted, LOGIN) as server:
            client = Client(server.url.replace("//", SIGNED_IN))
            step, reached = 1, True
            while reached:
                reached = await cancel(client.send(), step)
                await none_left_open(server)
                step += 1
            assert step > 5
            assert client.breaker.since_start.failures == 0
            await client.send()


class TestPassword:
    """A user name and a password in SMTP_URL."""

    @EACH_SECURITY
    async def test_right(self, trusted: Certificate, security: Security) -> None:
        """With the right one the server takes mail, whatever characters it has."""
        async with MailServer(security, trusted, LOGIN) as server:
            await Client(server.url.replace("//", SIGNED_IN)).send()
            assert len(server.received) == 1

    @EACH_SECURITY
    async def test_wrong(self, trusted: Certificate, security: Security) -> None:
        """A wrong one is a failure, before any message is touched."""
        async with MailServer(security, trusted, LOGIN) as server:
            client = Client(server.url.replace("//", WRONG))
            assert "535" in str(await fails(client))
            with pytest.raises(DependencyUnavailableError):
                async with client.smtp.connection():
                    pytest.fail("there is no connection")
            await none_left_open(server)

    async def test_none(self) -> None:
        """So is none where one is asked for."""
        async with MailServer(login=LOGIN) as server:
            assert "530" in str(await fails(Client(server.url)))

    async def test_nobody_asks(self, server: MailServer) -> None:
        """A password is not sent to a server that asks for none."""
        await fails(Client(server.url.replace("//", SIGNED_IN)))
        assert b64encode(LOGIN[1].encode()) not in server.heard_in_the_clear
        assert b"AUTH" not in server.heard_in_the_clear
