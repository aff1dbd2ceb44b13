"""A service that does all that has to do with mail, and its people."""

import pytest

from app.core.config import Settings
from tests.conftest import MakeSettings
from tests.mail.delivering import Outbox
from tests.mail.flows.flow import Flow
from tests.mail.flows.scene import Scene
from tests.mail.flows.table import DELETION_DAYS
from tests.mail.sending import SENDER
from tests.support.apps import RunningApp
from tests.support.clock import FakeClock
from tests.support.servers.smtp import MailServer


@pytest.fixture
def settings(make: MakeSettings, server: MailServer, flow: Flow) -> Settings:
    """Several mails in one minute, to this server."""
    changes = {
        "smtp_url": server.url,
        "mail_from": SENDER,
        "rate_limits": False,
        "mail_sign_in": True,
        "deletion_days": DELETION_DAYS,
    }
    return make(**changes | dict(flow.settings))


@pytest.fixture
def scene(
    running: RunningApp, server: MailServer, outbox: Outbox, clock: FakeClock
) -> Scene:
    """Where the flow happens."""
    return Scene(running, server, outbox, clock)
