"""Hands mail over to an SMTP server, or says why not.

What can go wrong is of two kinds. The server can't be worked with: it refuses
connections, hangs, does not know our password, or closes in the middle. That is the
server's trouble, counts for the breaker, and waits for it to end. Or the server works,
and refuses this one message: that is the message's trouble alone.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from email.message import EmailMessage
from typing import cast

import aiosmtplib

from app.core.smtp_url import SmtpServer
from app.services.circuit_breaker import BreakerPolicy, BreakerRegistry
from app.services.smtp_causes import printable

POLICY = BreakerPolicy(deadline_seconds=20.0, failure_threshold=3)
"""A connection, and each message, may take twenty seconds."""

QUIT_SECONDS = 1

_CLOSING = 421
"""The server closes the connection, whatever it was asked (RFC 5321, section 3.8)."""

_REFUSALS = range(400, 600)
"""What else a server says instead of taking a message is no SMTP."""

_FAILURES = (aiosmtplib.SMTPException, OSError)

Tell = Callable[[str], object]
"""Is told each step of a connection, in words."""


class MailRefusedError(Exception):
    """The server works, but does not take this message.

    Attributes:
        is_final: Whether it never will (5xx), or may do so later (4xx).
    """

    def __init__(self, code: int, text: str, *, is_final: bool) -> None:
        super().__init__(f"{code} {printable(text)}")
        self.is_final = is_final


class Smtp:
    """One SMTP server.

    Args:
        server: Where it is.
        local_name: What we call ourselves when we greet it.
        breakers: Gets a breaker named `smtp`.
        policy: When that breaker opens.

    Attributes:
        server: Where it is.
    """

    def __init__(
        self,
        server: SmtpServer,
        local_name: str,
        breakers: BreakerRegistry,
        policy: BreakerPolicy = POLICY,
    ) -> None:
        self.server = server
        self._local_name = local_name
        self._breaker = breakers.create("smtp", policy, failures=_FAILURES)

    @asynccontextmanager
    async def connection(
        self, tell: Tell = lambda _: None
    ) -> AsyncIterator["SmtpConnection"]:
        """Connect, secure, sign in and greet; hang up at the end.

        Raises:
            DependencyUnavailableError: If the server can't be worked with.
        """
        client = _Client(
            hostname=self.server.host,
            port=self.server.port,
            # Otherwise it would ask the DNS for our own name.
            local_hostname=self._local_name,
            # The breaker's deadline is for all that is said, not for each answer.
            timeout=None,
            use_tls=self.server.security == "tls",
            # Each step is taken by `_connect`.
            start_tls=False,
        )
        try:
            await self._breaker.call(_connect, client, self.server, tell)
            yield SmtpConnection(client, self)
            with suppress(*_FAILURES):
                # All is acknowledged by now: this is mere politeness.
                await client.quit(timeout=QUIT_SECONDS)
        finally:
            client.close()

    async def send(self, client: aiosmtplib.SMTP, message: EmailMessage) -> str:
        """Send a message over an open connection; see `SmtpConnection`."""
        answer = await self._breaker.call(_hand_over, client, message)
        if isinstance(answer, MailRefusedError):
            raise answer
        return answer


class SmtpConnection:
    """A connection that is ready for messages."""

    def __init__(self, client: aiosmtplib.SMTP, smtp: Smtp) -> None:
        self._client = client
        self._smtp = smtp

    async def send(self, message: EmailMessage) -> str:
        """Hand a message over; it is the server's from then on. Return its reply.

        Raises:
            MailRefusedError: If the server does not take this one.
            DependencyUnavailableError: If it can't be worked with any more; whether it
                has taken the message is not known then.
        """
        return await self._smtp.send(self._client, message)


class _Client(aiosmtplib.SMTP):
    """A client that closes at once.

    Otherwise a server that has fallen silent would keep a connection open: TLS says
    goodbye and waits half a minute for an answer.
    """

    @property
    def tls_version(self) -> str:
        """What the connection is encrypted with."""
        return str(self.get_transport_info("ssl_object").version())

    def close(self) -> None:
        """Close the connection, whoever still says something."""
        if self.transport is not None:
            cast(asyncio.WriteTransport, self.transport).abort()
        super().close()


async def _connect(client: _Client, server: SmtpServer, tell: Tell) -> None:
    tell(f"Connecting to {server.host}:{server.port}.")
    greeting = await client.connect()
    tell(f"Connected: {greeting.code} {printable(greeting.message)}")
    if server.security == "starttls":
        await client.starttls()
    if server.security != "none":
        tell(f"Encrypted with {client.tls_version}; the certificate is good.")
    if server.username is not None and server.password is not None:
        await client.login(server.username, server.password)
        tell("Signed in.")
    # The greeting comes with the first command. So a server that does not even know
    # this one is found out before any message is touched.
    await client.noop()


async def _hand_over(
    client: aiosmtplib.SMTP, message: EmailMessage
) -> str | MailRefusedError:
    """Return what the server, which works, says of the message."""
    try:
        _, reply = await client.send_message(message)
    except aiosmtplib.SMTPRecipientsRefused as error:
        return _refusal(error.recipients[0])
    except aiosmtplib.SMTPDataError as error:
        return _refusal(error)
    except (aiosmtplib.SMTPNotSupported, ValueError) as error:
        return MailRefusedError(553, str(error), is_final=True)
    return printable(reply)


def _refusal(error: aiosmtplib.SMTPResponseException) -> MailRefusedError:
    if error.code == _CLOSING or error.code not in _REFUSALS:
        raise error
    return MailRefusedError(error.code, error.message, is_final=error.code >= 500)
