"""The mail server of a run, which remembers what it has done with every message."""

import time
from dataclasses import dataclass

from tests.support.servers.smtp import MailServer, Received

BYTE_SECONDS = 1.0
"""When it is slow it says a byte a second."""


@dataclass
class Handled:
    """A message that the server has done with, once.

    Attributes:
        message: The id of the message, by which the service stores it.
        at: When it was decided.
        taken: Whether the server took it; otherwise it refused it for good.
        said: Whether it could say so.
    """

    message: str
    recipient: str
    subject: str
    at: float
    taken: bool
    said: bool = False


class RecordingMailServer(MailServer):
    """Keeps of each message what the checks ask for, so that a run may be long.

    Attributes:
        handled: What it has taken or refused for good, in this order.
    """

    def __init__(self) -> None:
        super().__init__()
        self.slow_seconds = BYTE_SECONDS
        self.handled: list[Handled] = []

    @property
    def taken(self) -> int:
        """How many messages it has taken; one that came twice counts twice."""
        return sum(one.taken for one in self.handled)

    @property
    def unsaid(self) -> int:
        """How many of these it has not said that it has."""
        return sum(one.taken and not one.said for one in self.handled)

    def hear(self, data: bytes) -> None:
        """Keep nothing of it."""

    def decide(self, message: Received, reply: bytes) -> None:
        """Remember what is taken, and what is refused for good."""
        if reply[:1] in (b"2", b"5"):
            self.handled.append(_handled(message, taken=reply.startswith(b"2")))

    def say(self, message: Received) -> None:
        """Remember that what was decided last of this message was said."""
        name = _id_of(message)
        for handled in reversed(self.handled):
            if handled.message == name:
                handled.said = True
                return

    async def restart(self) -> None:
        """Break off every connection, and take every message again."""
        await self.refuse()
        await self.recover()


def _handled(message: Received, *, taken: bool) -> Handled:
    subject = str(message.email["Subject"])
    recipient = message.recipients[0]
    return Handled(_id_of(message), recipient, subject, time.monotonic(), taken)


def _id_of(message: Received) -> str:
    return message.message_id.strip("<>").partition("@")[0]
