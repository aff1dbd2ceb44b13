"""A mail server that is gone, silent, slow, unwilling, or breaks off in the middle.

Each fault begins with a moment of calm, in which mail is seen to flow: how long answers
take then is what those under the fault are compared with.
"""

import asyncio
import time
from contextlib import asynccontextmanager, suppress
from typing import ClassVar

from tests.faults.injections.fault import Fault, Injection, Moments
from tests.faults.injections.kills import kill
from tests.faults.mail_flow import breakers_are, mail_flows
from tests.faults.mail_server import RecordingMailServer
from tests.faults.records import MailTrouble
from tests.support.servers.smtp import Mode

CALM_SECONDS = 5.0

REFUSED_OPENS_SECONDS = 40.0
"""Three failures open it; between two of them are five seconds."""

HANGING_OPENS_SECONDS = 95.0
"""Each of the three takes the deadline of twenty seconds besides."""

STAYS_SECONDS = 3.0
TAKEN_SECONDS = 10.0
OPENED = frozenset({"open", "half_open"})


class SmtpFault(Fault):
    """Something that a mail server may do.

    Attributes:
        mode: How the server treats who wants something while it lasts.
    """

    family = "smtp"
    seconds: ClassVar[tuple[float, float]] = (8, 10)
    mode: ClassVar[Mode]

    @asynccontextmanager
    async def injected(self, under_way: Injection) -> Moments:
        """Break the mail server, and make it well again."""
        server = under_way.cluster.mail
        calm = await self.calm(under_way)
        before = self.count(server)
        await self.begin(under_way)
        began = time.monotonic()
        try:
            yield
        finally:
            held = (began, time.monotonic())
            under_way.evidence["times"] = self.count(server) - before
            under_way.shown = under_way.evidence["times"] > 0
            await server.restart()
        trouble = MailTrouble(self.name, calm, held)
        under_way.cluster.mail_troubles.append(trouble)

    async def calm(self, under_way: Injection) -> tuple[float, float]:
        """Wait until mail flows, and a moment more; return from when to when."""
        await until_mail_flows(under_way)
        began = time.monotonic()
        await asyncio.sleep(CALM_SECONDS)
        return began, time.monotonic()

    async def begin(self, under_way: Injection) -> None:
        """Have it from now on."""
        under_way.cluster.mail.mode = self.mode

    def count(self, server: RecordingMailServer) -> int:
        """Return how often the server has done what the fault is about."""
        raise NotImplementedError


class OpensBreaker(SmtpFault):
    """A fault after which the server is left alone for a while.

    Attributes:
        opens_seconds: How long that may take.
    """

    opens_seconds: ClassVar[float]

    async def hold(self, under_way: Injection) -> None:
        """Keep it up until every server process has opened its breaker."""
        began = time.monotonic()
        urls = [server.url for server in under_way.cluster.servers]
        opened = await breakers_are(urls, OPENED, self.opens_seconds)
        under_way.evidence["opened_after"] = round(time.monotonic() - began, 1)
        if not opened:
            under_way.broken("the breaker of the mail server did not open")
        await asyncio.sleep(STAYS_SECONDS)


class SmtpRefused(OpensBreaker):
    """Nobody listens."""

    name = "smtp_refused"
    opens_seconds = REFUSED_OPENS_SECONDS
    is_long = True

    async def begin(self, under_way: Injection) -> None:
        """Refuse connections."""
        await under_way.cluster.mail.refuse()

    def count(self, server: RecordingMailServer) -> int:
        """Whether nobody listens."""
        return int(not server.is_listening)


class SmtpHanging(OpensBreaker):
    """The server takes connections and says nothing."""

    name = "smtp_hanging"
    opens_seconds = HANGING_OPENS_SECONDS
    mode = Mode.SILENT
    is_long = True

    async def begin(self, under_way: Injection) -> None:
        """Break off what is under way: it would go on for as long as there is mail."""
        await under_way.cluster.mail.restart()
        await super().begin(under_way)

    def count(self, server: RecordingMailServer) -> int:
        """Connections."""
        return server.connections


class SmtpSlow(SmtpFault):
    """The server says a byte a second, so that no deadline is met."""

    name = "smtp_slow"
    seconds = (24, 26)
    mode = Mode.SLOW
    is_long = True

    def count(self, server: RecordingMailServer) -> int:
        """Bytes that were said so."""
        return server.slow_bytes


class SmtpLater(SmtpFault):
    """The server takes nothing for now (4xx): neither recipients nor messages."""

    name = "smtp_later"

    async def begin(self, under_way: Injection) -> None:
        """Say so to the one or to the other."""
        modes = [Mode.RECIPIENT_LATER, Mode.MESSAGE_LATER]
        under_way.cluster.mail.mode = under_way.rng.choice(modes)
        under_way.evidence["mode"] = under_way.cluster.mail.mode.name.lower()

    def count(self, server: RecordingMailServer) -> int:
        """Refusals."""
        return server.refused


class SmtpNever(SmtpFault):
    """The server refuses every message for good (5xx)."""

    name = "smtp_never"
    mode = Mode.MESSAGE_REFUSED

    def count(self, server: RecordingMailServer) -> int:
        """Refusals."""
        return server.refused


class SmtpDropped(SmtpFault):
    """The server closes the connection in the middle of a message."""

    name = "smtp_dropped"
    seconds = (10, 12)
    mode = Mode.DROP_IN_DATA

    def count(self, server: RecordingMailServer) -> int:
        """Messages that were broken off."""
        return server.dropped


class SmtpLostAnswer(SmtpFault):
    """The server takes messages, and closes the connection before it says so."""

    name = "smtp_lost_answer"
    seconds = (10, 12)
    mode = Mode.DROP_AFTER_DATA

    def count(self, server: RecordingMailServer) -> int:
        """Messages that it never said it has."""
        return server.unsaid


class SmtpKill(SmtpFault):
    """Servers are killed that have handed a message over and do not know it yet."""

    name = "smtp_kill"
    seconds = (0.2, 1)

    @asynccontextmanager
    async def injected(self, under_way: Injection) -> Moments:
        """Have the mail server take a message in silence; then kill."""
        mail = under_way.cluster.mail
        await until_mail_flows(under_way)
        before = mail.unsaid
        mail.mode = Mode.HANG_AFTER_DATA
        try:
            with suppress(TimeoutError):
                await mail.until(lambda: mail.unsaid > before, TAKEN_SECONDS)
            yield
            under_way.kills = await kill(under_way.cluster.servers)
            under_way.evidence["times"] = mail.unsaid - before
        finally:
            await mail.restart()
        under_way.shown = under_way.kills > 0 and under_way.evidence["times"] > 0


async def until_mail_flows(under_way: Injection) -> None:
    """Wait until mail flows; that it does not is a promise broken."""
    cluster = under_way.cluster
    urls = [server.url for server in cluster.servers]
    if not await mail_flows(urls, cluster.mail):
        under_way.broken("mail did not flow again")
