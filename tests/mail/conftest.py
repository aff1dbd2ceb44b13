"""Servers for mail, and what vouches for them."""

from collections.abc import AsyncIterator

import pytest

from app.core.config import Settings
from app.database import Database
from app.services import delivery
from tests.conftest import MakeSettings
from tests.mail.delivering import Outbox, Worker
from tests.mail.sending import SENDER
from tests.support.clock import FakeClock
from tests.support.servers.certificates import Certificate
from tests.support.servers.smtp import MailServer


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    """What servers show for themselves."""
    return Certificate.make(tmp_path_factory.mktemp("certificate"))


@pytest.fixture
def trusted(certificate: Certificate, monkeypatch: pytest.MonkeyPatch) -> Certificate:
    """The same, and this process believes it."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.path))
    return certificate


@pytest.fixture
async def server() -> AsyncIterator[MailServer]:
    """A server that neither encrypts nor asks for a password."""
    async with MailServer() as server:
        yield server


@pytest.fixture
def settings(make: MakeSettings, server: MailServer) -> Settings:
    """A service that hands its mail to this server."""
    return make(smtp_url=server.url, mail_from=SENDER)


@pytest.fixture
def outbox(database: Database, clock: FakeClock) -> Outbox:
    """A look at what is stored."""
    return Outbox(database, clock)


@pytest.fixture
async def worker(settings: Settings, clock: FakeClock) -> AsyncIterator[Worker]:
    """A process that does not deliver yet."""
    async with Worker(settings, clock) as worker:
        yield worker


@pytest.fixture(autouse=True)
def looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have it be asked all the time whether something is due."""
    monkeypatch.setattr(delivery, "LOOK_SECONDS", 0.01)
