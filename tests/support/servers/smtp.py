"""A local SMTP server that takes mail, well or badly."""

import asyncio
import email
import email.policy
import ssl
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from email.message import EmailMessage
from enum import Enum
from typing import AnyStr, Literal, Self, cast

from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.support.servers.certificates import HOST, Certificate

PAUSE_SECONDS = 0.005
SLOW_SECONDS = 0.05
"""How long the slow server thinks about each byte."""


class Mode(Enum):
    """How the server treats those who want something."""

    GOOD = "takes every message"
    SILENT = "accepts connections and says nothing"
    TURNS_AWAY = "answers a connection with 554"
    NO_SMTP = "answers a connection with HTTP"
    HANG_AT_EHLO = "never answers to a greeting"
    CLOSE_AT_MAIL = "says 421 to a sender and closes"
    SENDER_REFUSED = "says 550 to a sender"
    RECIPIENT_LATER = "says 451 to a recipient"
    RECIPIENT_REFUSED = "says 550 to a recipient"
    RECIPIENT_421 = "says 421 to a recipient"
    HANG_AT_DATA = "never answers to DATA"
    DROP_IN_DATA = "closes in the middle of a message"
    MESSAGE_LATER = "says 452 to a message"
    MESSAGE_REFUSED = "says 554 to a message"
    MESSAGE_421 = "says 421 to a message"
    MESSAGE_RIDDLE = "says 354 to a message, once more"
    NAMES_RECIPIENT = "says 550 to a recipient, by their address"
    PASSWORD_IN_GREETING = "greets with a password"
    PASSWORD_IN_REFUSAL = "says 550 to a recipient, with a password"
    TALKATIVE = "says 550 to a recipient, at length"
    LATIN_1 = "says 550 to a recipient, in bytes that are no UTF-8"
    HANG_AFTER_DATA = "takes a message, and says so when told to"
    DROP_AFTER_DATA = "takes a message, and closes before it says so"
    FROZEN = "reads nothing any more once a message comes"
    HANG_AT_QUIT = "takes a message, and never answers to a goodbye"
    SLOW = "sends one byte at a time"


_REPLIES = {
    Mode.SENDER_REFUSED: ("MAIL", b"550 5.1.8 Sender is not welcome"),
    Mode.RECIPIENT_LATER: ("RCPT", b"451 4.7.1 Come back later"),
    Mode.RECIPIENT_REFUSED: ("RCPT", b"550 5.1.1 Nobody of that name"),
    Mode.RECIPIENT_421: ("RCPT", b"421 4.3.2 Closing"),
    Mode.NAMES_RECIPIENT: ("RCPT", b"550 5.1.1 <ada@example.com> unknown"),
    Mode.PASSWORD_IN_REFUSAL: ("RCPT", b"550 5.7.1 Or is it hush?"),
    Mode.TALKATIVE: ("RCPT", b"550 5.1.1 " + b"Alas, " * 100),
    Mode.LATIN_1: ("RCPT", b"550-5.1.1 Empf\xe4nger\r\n550 5.1.1 unbekannt\x00"),
    Mode.MESSAGE_LATER: ("DATA", b"452 4.3.1 Disk full"),
    Mode.MESSAGE_REFUSED: ("DATA", b"554 5.6.0 Not such a message"),
    Mode.MESSAGE_421: ("DATA", b"421 4.3.2 Closing"),
    Mode.MESSAGE_RIDDLE: ("DATA", b"354 Go on"),
}
_GREETINGS = {
    Mode.TURNS_AWAY: b"554 5.3.2 No mail here",
    Mode.PASSWORD_IN_GREETING: b"220 mail.test Or is it hush?",
    Mode.NO_SMTP: b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n",
}
Security = Literal["tls", "starttls", "none"]


@dataclass(frozen=True)
class Received:
    """A message that the server has taken."""

    sender: str
    recipients: list[str]
    email: EmailMessage
    in_the_clear: bool

    @property
    def message_id(self) -> str:
        """The name that it has wherever it goes."""
        return str(self.email["Message-ID"])

    @property
    def text(self) -> str:
        """What it says to programs that show no HTML."""
        body = self.email.get_body(["plain"])
        assert body is not None
        return str(body.get_content())


class MailServer:
    """The server; use it as an async context manager.

    Attributes:
        mode: How it treats what it is asked next.
        received: What it has taken, in this order; taken is what it has read to its
            end and did not refuse, whether or not it could say so.
        refused: To how many senders, recipients and messages it has said no.
        connections: How many connections it has accepted.
        open: Those that are open.
        heard_in_the_clear: All bytes that came to it unencrypted.
        refuses_only: What a recipient has that is refused, if others are not.
        told: Set to have it say what it has taken.
        dropped: How many messages it has broken off in the middle.
        slow_seconds: How long it thinks about each byte when it is slow.
        slow_bytes: How many it has said so.
    """

    def __init__(
        self,
        security: Security = "none",
        certificate: Certificate | None = None,
        login: tuple[str, str] | None = None,
        *,
        knows_utf8: bool = False,
    ) -> None:
        self.mode = Mode.GOOD
        self.received: list[Received] = []
        self.refused = 0
        self.connections = 0
        self.open: set[_Conversation] = set()
        self.heard_in_the_clear = b""
        self.refuses_only = ""
        self.told = asyncio.Event()
        self.dropped = 0
        self.slow_seconds = SLOW_SECONDS
        self.slow_bytes = 0
        self.security = security
        self.certificate = certificate
        self.login = login
        self.knows_utf8 = knows_utf8
        self._port = 0
        self._server: asyncio.Server | None = None

    @property
    def address(self) -> str:
        """Its host and port."""
        return f"{HOST}:{self._port}"

    @property
    def url(self) -> str:
        """Where it is, for those who need not sign in."""
        schemes = {"tls": "smtps", "starttls": "smtp+starttls", "none": "smtp"}
        return f"{schemes[self.security]}://{self.address}"

    @property
    def is_listening(self) -> bool:
        """Whether it accepts connections."""
        return self._server is not None

    async def __aenter__(self) -> Self:
        await self.recover()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.refuse()

    async def recover(self) -> None:
        """Listen (again, on the same port) and take every message."""
        self.mode = Mode.GOOD
        if self._server is None:
            self._server = await asyncio.get_running_loop().create_server(
                lambda: _Conversation(self),
                HOST,
                self._port,
                ssl=self.context if self.security == "tls" else None,
            )
            self._port = self._server.sockets[0].getsockname()[1]

    async def refuse(self) -> None:
        """Refuse connections, and break off those there are."""
        if self._server is not None:
            self._server.close()
            await asyncio.gather(*[one.end() for one in self.open])
            await self._server.wait_closed()
            self._server = None

    def hear(self, data: bytes) -> None:
        """Keep what came to it unencrypted."""
        self.heard_in_the_clear += data

    def decide(self, message: "Received", reply: bytes) -> None:
        """Keep a message if it is taken; what is decided has not been said yet."""
        if reply.startswith(b"250"):
            self.received.append(message)

    def say(self, message: "Received") -> None:
        """Hear that what was decided is about to be said."""

    async def until(self, is_so: Callable[[], bool], seconds: float = 5) -> None:
        """Wait until something is so."""
        async with asyncio.timeout(seconds):
            while not is_so():
                await asyncio.sleep(PAUSE_SECONDS)

    async def until_received(self, count: int) -> None:
        """Wait until it has taken so many messages."""
        await self.until(lambda: len(self.received) >= count)

    @property
    def context(self) -> ssl.SSLContext | None:
        """What it speaks TLS with, if it does."""
        return self.certificate.context if self.certificate else None

    @property
    def times(self) -> dict[str, int]:
        """How often each Message-ID has come."""
        names = [received.message_id for received in self.received]
        return {name: names.count(name) for name in names}


class _Conversation(SMTP):
    """One connection; what comes from the handler comes from here as well."""

    def __init__(self, server: MailServer) -> None:
        self._of = server
        self._greeted = False
        self._in_data = False
        super().__init__(
            _Handler(server),
            hostname="mail.test",
            tls_context=server.context if server.security == "starttls" else None,
            enable_SMTPUTF8=server.knows_utf8,
            # The password is asked for by the handler, on plain connections too.
            auth_require_tls=False,
            auth_exclude_mechanism=[] if server.login else ["LOGIN", "PLAIN"],
            auth_callback=_signs_in(server.login),
            loop=asyncio.get_running_loop(),
        )

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Count the connection; with STARTTLS it is made twice."""
        self._of.connections += self not in self._of.open
        self._of.open.add(self)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        """Forget it."""
        self._of.open.discard(self)
        super().connection_lost(error)

    def data_received(self, data: bytes) -> None:
        """Note what anybody on the way could read."""
        if self.is_in_the_clear():
            self._of.hear(data)
        if self._in_data and self._of.mode is Mode.DROP_IN_DATA:
            self._of.dropped += 1
            self.break_off()
            return
        super().data_received(data)

    def is_in_the_clear(self) -> bool:
        """Tell whether nothing is encrypted."""
        assert self.transport is not None
        return self.transport.get_extra_info("sslcontext") is None

    def break_off(self) -> None:
        """Close at once."""
        if self.transport is not None:
            # One with TLS that was closed twice has nothing left to be aborted, and
            # says so with this.
            with suppress(AttributeError):
                cast(asyncio.WriteTransport, self.transport).abort()

    async def end(self) -> None:
        """Close at once, and wait until nothing of it runs any more."""
        self.break_off()
        # One whose TLS has failed is never told that its connection is lost.
        self._of.open.discard(self)
        assert self._handler_coroutine is not None
        self._handler_coroutine.cancel()
        await asyncio.wait([self._handler_coroutine])

    async def push(self, status: AnyStr) -> None:
        """Say something, as the mode has it."""
        said = status.encode() if isinstance(status, str) else status
        if not self._greeted:
            self._greeted = True
            said = await self._greeting(said)
        while said and self._of.mode is Mode.SLOW:
            self._writer.write(said[:1])
            said = said[1:]
            self._of.slow_bytes += 1
            await asyncio.sleep(self._of.slow_seconds)
        # The line's end comes with the rest.
        await super().push(said)

    async def smtp_DATA(self, arg: str) -> None:
        """Let a message come, or leave the client waiting."""
        if self._of.mode is Mode.FROZEN:
            cast(asyncio.ReadTransport, self.transport).pause_reading()
            await for_ever()
        if self._of.mode is Mode.HANG_AT_DATA:
            await for_ever()
        self._in_data = True
        await super().smtp_DATA(arg)
        self._in_data = False

    async def smtp_QUIT(self, arg: str) -> None:
        """Let the client go, or leave it waiting."""
        if self._of.mode is Mode.HANG_AT_QUIT:
            await for_ever()
        await super().smtp_QUIT(arg)

    async def _greeting(self, usual: bytes) -> bytes:
        if self._of.mode is Mode.SILENT:
            await for_ever()
        return _GREETINGS.get(self._of.mode, usual)


class _Handler:
    """What the server does with a message, step by step."""

    def __init__(self, server: MailServer) -> None:
        self._of = server

    async def handle_EHLO(
        self,
        conversation: _Conversation,
        session: Session,
        envelope: Envelope,
        hostname: str,
        responses: list[str],
    ) -> list[str]:
        """Say what it can do."""
        if self._of.mode is Mode.HANG_AT_EHLO:
            await for_ever()
        session.host_name = hostname
        offers_nothing = self._of.login is None
        return [line for line in responses if not (offers_nothing and "AUTH" in line)]

    async def handle_MAIL(
        self,
        conversation: _Conversation,
        session: Session,
        envelope: Envelope,
        address: str,
        options: list[str],
    ) -> bytes:
        """Take the sender."""
        if self._of.mode is Mode.CLOSE_AT_MAIL:
            await conversation.push(b"421 4.7.0 Too much from you")
            assert conversation.transport is not None
            conversation.transport.close()
            await for_ever()
        if self._of.login and not session.authenticated:
            return b"530 5.7.0 Authentication required"
        envelope.mail_from = address
        return self._reply("MAIL")

    async def handle_RCPT(
        self,
        conversation: _Conversation,
        session: Session,
        envelope: Envelope,
        address: str,
        options: list[str],
    ) -> bytes:
        """Take the recipient."""
        envelope.rcpt_tos.append(address)
        return self._reply("RCPT", address)

    async def handle_DATA(
        self, conversation: _Conversation, session: Session, envelope: Envelope
    ) -> bytes:
        """Take the message."""
        reply = self._reply("DATA")
        message = _received(envelope, conversation.is_in_the_clear())
        self._of.decide(message, reply)
        if self._of.mode is Mode.DROP_AFTER_DATA:
            conversation.break_off()
            await for_ever()
        if self._of.mode is Mode.HANG_AFTER_DATA:
            await self._of.told.wait()
        self._of.say(message)
        return reply

    def _reply(self, step: str, address: str = "") -> bytes:
        where, reply = _REPLIES.get(self._of.mode, ("", b""))
        if where != step or self._of.refuses_only not in address:
            return b"250 2.0.0 Fine"
        self._of.refused += 1
        return reply


def _received(envelope: Envelope, in_the_clear: bool) -> Received:
    assert envelope.mail_from is not None and envelope.original_content is not None
    parsed = email.message_from_bytes(
        envelope.original_content, policy=email.policy.default
    )
    return Received(envelope.mail_from, envelope.rcpt_tos, parsed, in_the_clear)


def _signs_in(login: tuple[str, str] | None) -> Callable[[str, bytes, bytes], bool]:
    def check(mechanism: str, name: bytes, password: bytes) -> bool:
        return (name.decode(), password.decode()) == login

    return check


async def for_ever() -> None:
    """Wait until the connection is lost."""
    await asyncio.Event().wait()
