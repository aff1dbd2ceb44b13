"""A client of an SMTP server, as one process has it."""

from dataclasses import replace
from email.message import EmailMessage

import psutil  # type: ignore[import-untyped]

from app.core.smtp_url import SmtpServer
from app.services.circuit_breaker import BreakerPolicy, BreakerRegistry, BreakerStatus
from app.services.smtp import POLICY, Smtp
from tests.support.servers.smtp import MailServer
from tests.support.shared_limits import BreakerClock

SENDER = "no-reply@example.com"
ADA = "ada@example.com"
LOCAL_NAME = "auth.example.com"
TEXT = "Grüße\n.\n..two dots\nFrom here\n" + "long " * 400 + "\n"

HASTY = replace(POLICY, deadline_seconds=0.1)
IMPATIENT = replace(POLICY, deadline_seconds=0.25)
PATIENT = replace(POLICY, deadline_seconds=30.0)
"""For facts that a busy machine must not change."""


def email_to(recipient: str = ADA, number: int = 1) -> EmailMessage:
    """Return a message that is not easy to keep whole."""
    message = EmailMessage()
    message["From"], message["To"] = SENDER, recipient
    message["Message-ID"] = f"<{number}@example.com>"
    message.set_content(TEXT)
    return message


class Client:
    """What one process sends with.

    Attributes:
        clock: The time of its breaker.
    """

    def __init__(self, url: str, policy: BreakerPolicy = PATIENT) -> None:
        self.clock = BreakerClock()
        self._breakers = BreakerRegistry(self.clock)
        server = SmtpServer.parse(url)
        self.smtp = Smtp(server, LOCAL_NAME, self._breakers, policy)

    @property
    def breaker(self) -> BreakerStatus:
        """How its breaker stands."""
        return self._breakers.snapshot()["smtp"]

    async def send(self, message: EmailMessage | None = None) -> None:
        """Connect, hand one message over, and hang up."""
        async with self.smtp.connection() as connection:
            await connection.send(message or email_to())

    def wait_for_probe(self) -> None:
        """Let so much time pass that an open breaker tries the server again."""
        self.clock.now += POLICY.recovery_seconds + 1


async def none_left_open(server: MailServer) -> None:
    """Wait a moment until this process has closed every connection to a server."""
    await server.until(lambda: not _connections_to(server), seconds=1)


def _connections_to(server: MailServer) -> int:
    port = int(server.address.partition(":")[2])
    found = psutil.Process().net_connections(kind="tcp")
    return sum(bool(one.raddr) and one.raddr.port == port for one in found)
