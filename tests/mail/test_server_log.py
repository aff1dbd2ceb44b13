"""What operators are told of a mail server that can't be worked with."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from app.core.config import Settings
from app.services.circuit_breaker import BreakerPolicy
from tests.conftest import MakeSettings
from tests.mail.delivering import Outbox, Worker
from tests.mail.sending import IMPATIENT, PATIENT, SENDER
from tests.support.clock import FakeClock
from tests.support.logs import Log, written_log
from tests.support.servers.certificates import Certificate
from tests.support.servers.smtp import MailServer, Mode

UNAVAILABLE = "outbox.server_unavailable"
BACK = "outbox.server_back"
ADA = "ada@example.com"

TROUBLES = {
    Mode.TURNS_AWAY: "554 5.3.2 No mail here",
    Mode.NO_SMTP: "Malformed SMTP response line: HTTP/1.1 400 Bad Request",
    Mode.SILENT: "timed out",
    Mode.HANG_AT_EHLO: "timed out",
    Mode.CLOSE_AT_MAIL: "421 4.7.0 Too much from you",
}
"""What is said of a server that is there."""

Delivering = Callable[..., Any]


@pytest.fixture
def delivering(make: MakeSettings, clock: FakeClock) -> Delivering:
    """Delivers a message to a server, and gives what is logged."""

    @asynccontextmanager
    async def run(url: str, policy: BreakerPolicy) -> AsyncIterator[Log]:
        settings = make(smtp_url=url, mail_from=SENDER)
        with written_log(settings) as log:
            async with Worker(settings, clock, policy) as worker:
                await worker.put(ADA)
                worker.start()
                yield log

    return run


async def cause(
    delivering: Delivering,
    server: MailServer,
    url: str,
    policy: BreakerPolicy = PATIENT,
) -> Any:
    """Return what is logged of a server; expect its host and port beside it."""
    async with delivering(url, policy) as log:
        await server.until(lambda: bool(log.lines(UNAVAILABLE)), seconds=20)
    [line] = log.lines(UNAVAILABLE)
    host, _, port = url.rpartition("/")[2].rpartition("@")[2].partition(":")
    assert (line["host"], line["port"]) == (host, int(port))
    assert ADA not in str(log.lines(UNAVAILABLE))
    return line["error"]


class TestCause:
    """The line `outbox.server_unavailable`."""

    @pytest.mark.parametrize(("mode", "said"), TROUBLES.items(), ids=TROUBLES.values())
    async def test_server_that_is_there(
        self, delivering: Delivering, server: MailServer, mode: Mode, said: str
    ) -> None:
        """It has host and port, and what the server said or that it said nothing."""
        server.mode = mode
        policy = IMPATIENT if said == "timed out" else PATIENT
        assert await cause(delivering, server, server.url, policy) == said

    async def test_nobody_listens(
        self, delivering: Delivering, server: MailServer
    ) -> None:
        """What the system says of a connection is in words."""
        await server.refuse()
        said = await cause(delivering, server, server.url)
        assert said.startswith("Connection refused ('127.0.0.1', ")

    async def test_unknown_host(
        self, delivering: Delivering, server: MailServer
    ) -> None:
        """So is that there is no such host."""
        said = await cause(delivering, server, "smtp://mail.invalid:25")
        assert "Errno" not in said and " " in said

    @pytest.mark.parametrize("security", ["tls", "starttls"])
    async def test_certificate(
        self, delivering: Delivering, certificate: Certificate, security: Any
    ) -> None:
        """What is wrong with a certificate is told."""
        async with MailServer(security, certificate) as server:
            said = await cause(delivering, server, server.url)
        assert said == "certificate refused: self-signed certificate"

    async def test_no_encryption(
        self, delivering: Delivering, server: MailServer
    ) -> None:
        """So is that the server speaks no TLS, or offers no STARTTLS."""
        url = server.url.replace("smtp:", "smtps:")
        said = await cause(delivering, server, url)
        assert said == "TLS failed: wrong version number"
        url = server.url.replace("smtp:", "smtp+starttls:")
        assert "STARTTLS" in await cause(delivering, server, url)

    async def test_wrong_password(self, delivering: Delivering) -> None:
        """So is that it does not know us, but not as whom or with what."""
        async with MailServer(login=("mailer", "hush")) as server:
            url = server.url.replace("//", "//mailer:guess@")
            said = await cause(delivering, server, url)
        assert said.startswith("user name or password refused: 535 5.7.8 ")
        assert "mailer" not in said and "guess" not in said


class TestHowOften:
    """One line for each thing that an operator does not know yet."""

    async def test_once(
        self, settings: Settings, worker: Worker, server: MailServer
    ) -> None:
        """However often it is tried, and while the breaker is open, it is one line."""
        server.mode = Mode.TURNS_AWAY
        with written_log(settings) as log:
            await worker.put(ADA)
            worker.start()
            await server.until(lambda: worker.breaker == "open")
            await worker.until_looked()
        assert len(log.lines(UNAVAILABLE)) == 1
        assert not [line for line in log.lines() if line.get("reason") == "open"]

    async def test_another_cause(
        self, settings: Settings, worker: Worker, server: MailServer
    ) -> None:
        """When it fails in another way, that is told too."""
        server.mode = Mode.TURNS_AWAY
        with written_log(settings) as log:
            await worker.put(ADA)
            worker.start()
            await server.until(lambda: worker.breaker == "open")
            server.mode = Mode.NO_SMTP
            worker.wait_for_probe()
            await server.until(lambda: len(log.lines(UNAVAILABLE)) == 2)
        first, second = log.lines(UNAVAILABLE)
        assert first["error"] != second["error"]

    async def test_back(
        self, settings: Settings, worker: Worker, server: MailServer, outbox: Outbox
    ) -> None:
        """Once it works again that is told, once; a later outage is told anew."""
        server.mode = Mode.TURNS_AWAY
        with written_log(settings) as log:
            ids = [await worker.put(ADA) for _ in range(2)]
            worker.start()
            await server.until(lambda: bool(log.lines(UNAVAILABLE)))
            await server.recover()
            worker.wait_for_probe()
            await outbox.until_sent(*ids)
            server.mode = Mode.TURNS_AWAY
            await worker.put(ADA)
            await server.until(lambda: len(log.lines(UNAVAILABLE)) == 2)
        [line] = log.lines(BACK)
        assert f"{line['host']}:{line['port']}" == server.address

    async def test_back_with_a_refusal(
        self, settings: Settings, worker: Worker, server: MailServer, outbox: Outbox
    ) -> None:
        """A server that refuses a message works."""
        server.mode = Mode.TURNS_AWAY
        with written_log(settings) as log:
            message_id = await worker.put(ADA)
            worker.start()
            await server.until(lambda: bool(log.lines(UNAVAILABLE)))
            server.mode = Mode.RECIPIENT_REFUSED
            worker.wait_for_probe()
            await outbox.until(message_id, lambda message: bool(message.error))
        assert len(log.lines(BACK)) == 1

    async def test_failing_after_the_greeting(
        self, settings: Settings, worker: Worker, server: MailServer
    ) -> None:
        """One that greets well and takes nothing is not back with each greeting."""
        server.mode = Mode.CLOSE_AT_MAIL
        with written_log(settings) as log:
            for number in range(5):
                await worker.put(f"{number}@example.com")
            worker.start()
            await server.until(lambda: worker.breaker == "open", seconds=10)
        assert (len(log.lines(UNAVAILABLE)), len(log.lines(BACK))) == (1, 0)


class TestReplies:
    """The lines `outbox.put_off` and `outbox.given_up`."""

    @pytest.mark.parametrize(
        ("mode", "event", "said"),
        [
            (Mode.NAMES_RECIPIENT, "outbox.given_up", "550 5.1.1 <(address)> unknown"),
            (Mode.RECIPIENT_LATER, "outbox.put_off", "451 4.7.1 Come back later"),
            (
                Mode.CLOSE_AT_MAIL,
                "outbox.put_off",
                "smtp is unavailable (failed): 421 4.7.0 Too much from you",
            ),
        ],
        ids=["given up", "put off", "server failed"],
    )
    async def test_have_what_was_said(
        self,
        settings: Settings,
        worker: Worker,
        server: MailServer,
        outbox: Outbox,
        mode: Mode,
        event: str,
        said: str,
    ) -> None:
        """They hold what the server said, without an address; the outbox has all."""
        server.mode = mode
        with written_log(settings) as log:
            message_id = await worker.put(ADA)
            worker.start()
            await server.until(lambda: bool(log.lines(event)))
        [line] = log.lines(event)
        assert line["error"] == said
        stored = (await outbox.message(message_id)).error
        assert stored == said.replace("(address)", ADA)
