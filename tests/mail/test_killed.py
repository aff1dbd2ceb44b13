"""Server processes that are killed at the worst moment, or asked to stop."""

import asyncio
import re
import signal
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import httpx2
import pytest

from app.core.config import Settings
from tests.mail.sending import SENDER
from tests.support.databases import Databases, make_settings
from tests.support.outsiders import execute
from tests.support.people import API, PASSWORD
from tests.support.server import PUBLIC_URL, STOP_SECONDS, Server, serve
from tests.support.servers.certificates import Certificate
from tests.support.servers.smtp import MailServer, Mode, Received, Security

MESSAGES = 8
NOT_YET_SECONDS = 1
SETTINGS = {
    "MAIL_FROM": SENDER,
    "EMAIL_VERIFICATION": "required",
    "RATE_LIMITS": "off",
    # The links of one process lead to the next.
    "PUBLIC_URL": PUBLIC_URL,
}
_TOKEN = re.compile(r"token=(\S+)")

Start = Callable[[MailServer], AbstractAsyncContextManager[Server]]


@pytest.fixture
def settings(databases: Databases) -> Settings:
    """Settings to look into the processes' database with."""
    return make_settings(databases.migrated())


@pytest.fixture
def start(settings: Settings) -> Start:
    """Start a process on this database; it ends with the block."""

    @asynccontextmanager
    async def start(mail: MailServer) -> AsyncIterator[Server]:
        changes = {**SETTINGS, "SMTP_URL": mail.url}
        if mail.certificate is not None:
            changes["SSL_CERT_FILE"] = str(mail.certificate.path)
        process = serve(settings.database_url, **changes)
        # In threads, as the mail server runs in this one.
        server = await asyncio.to_thread(process.__enter__)
        try:
            yield server
            server.check_log()
            assert "@example.com" not in server.log.read_text()
        finally:
            await asyncio.to_thread(process.__exit__, None, None, None)

    return start


async def sign_up(server: Server, email: str) -> None:
    """Ask for an account, which a mail is to confirm; that is acknowledged."""
    body = {"email": email, "password": PASSWORD}
    answer = await post(server, "register", body)
    assert answer.status_code == 202, answer.text


async def confirm(server: Server, received: Received) -> httpx2.Response:
    """Use the link of a mail, as who has signed up."""
    found = _TOKEN.search(received.text)
    assert found is not None, received.text
    body = {"token": found[1], "password": PASSWORD}
    return await post(server, "email/verify", body)


async def post(server: Server, path: str, body: dict[str, str]) -> httpx2.Response:
    """Ask something of a process."""
    async with httpx2.AsyncClient(base_url=server.url, timeout=60) as client:
        return await client.post(f"{API}/auth/{path}", json=body)


async def kill(server: Server) -> None:
    """End a process without its knowledge."""
    server.process.kill()
    assert await has_ended(server) == -signal.SIGKILL


async def has_ended(server: Server, seconds: float = STOP_SECONDS) -> int:
    """Wait until a process has ended; return its exit status.

    Raises:
        TimeoutExpired: If it goes on.
    """
    return await asyncio.to_thread(server.process.wait, seconds)


async def outbox(settings: Settings) -> list[tuple[str, int, bool]]:
    """Return recipient, attempts and whether it was sent, of each message."""
    query = "SELECT recipient, attempts, sent_at IS NOT NULL FROM outbox ORDER BY id"
    return [(str(a), int(b), bool(c)) for a, b, c in await execute(settings, query)]


async def until_all_sent(settings: Settings) -> None:
    """Wait until all is noted as sent."""
    async with asyncio.timeout(30):
        while not all(sent for _, _, sent in await outbox(settings)):
            await asyncio.sleep(0.02)


async def end_leases(settings: Settings) -> None:
    """Let two minutes pass for what somebody has taken."""
    await execute(
        settings, "UPDATE outbox SET due_at = created_at WHERE due_at IS NOT NULL"
    )


class TestKilled:
    """`kill -9`."""

    @pytest.mark.parametrize("security", ["starttls", "tls"])
    async def test_between_handing_over_and_noting(
        self,
        start: Start,
        settings: Settings,
        certificate: Certificate,
        security: Security,
    ) -> None:
        """The message is sent once more by the next process, under its name and with
        the same link, which works; and no other is sent twice."""
        async with MailServer(security, certificate) as mail:
            mail.mode = Mode.HANG_AFTER_DATA
            async with start(mail) as server:
                await sign_up(server, "ada@example.com")
                await mail.until_received(1)
                await kill(server)
            assert await outbox(settings) == [("ada@example.com", 1, False)]
            await end_leases(settings)
            mail.mode = Mode.GOOD
            async with start(mail) as server:
                await sign_up(server, "bob@example.com")
                await until_all_sent(settings)
                made = await confirm(server, mail.received[0])
        assert (made.status_code, made.json()["email"]) == (200, "ada@example.com")
        to_ada = [one for one in mail.received if one.recipients == ["ada@example.com"]]
        first, second = to_ada
        assert (first.message_id, first.text) == (second.message_id, second.text)
        assert sorted(mail.times.values()) == [1, 2]

    async def test_nothing_acknowledged_is_lost(
        self, start: Start, settings: Settings, server: MailServer
    ) -> None:
        """What was asked for while the mail server was gone arrives once it is back,
        though one process dies before and one while it sends; only what the second had
        in its hands may come twice."""
        readers = [f"{number}@example.com" for number in range(MESSAGES)]
        await server.refuse()
        async with start(server) as process:
            await asyncio.gather(*[sign_up(process, one) for one in readers])
            await kill(process)
        untouched = [(reader, 0, False) for reader in readers]
        assert sorted(await outbox(settings)) == untouched
        await server.recover()
        async with start(server) as process:
            await server.until_received(2)
            await kill(process)
        await end_leases(settings)
        async with start(server):
            await until_all_sent(settings)
        arrived = [one.recipients[0] for one in server.received]
        assert set(arrived) == set(readers) and len(arrived) <= MESSAGES + 1
        assert len(server.times) == MESSAGES


class TestStopped:
    """SIGTERM."""

    async def test_ends_what_it_has_begun(
        self, start: Start, settings: Settings, server: MailServer
    ) -> None:
        """The message at hand is sent and noted before the process ends."""
        server.mode = Mode.HANG_AFTER_DATA
        async with start(server) as process:
            await sign_up(process, "ada@example.com")
            await server.until_received(1)
            process.process.send_signal(signal.SIGTERM)
            with pytest.raises(subprocess.TimeoutExpired):
                await has_ended(process, NOT_YET_SECONDS)
            server.told.set()
            assert await has_ended(process) == 0
        assert await outbox(settings) == [("ada@example.com", 1, True)]
