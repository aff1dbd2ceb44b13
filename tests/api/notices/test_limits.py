"""How much people are told about their account."""

import httpx2
import pytest

from app.core.config import Settings
from app.services.container import Services
from tests.conftest import MakeSettings
from tests.support.apps import RunningApp
from tests.support.clock import FakeClock
from tests.support.devices import CHROME, device, sign_in_on
from tests.support.mailbox import number_of_mails
from tests.support.notices import change_password, reuse_token, told
from tests.support.people import API, Person, register, sign_in

PER_DAY = 10
NEW = "nine quiet herons"


class TestHowMany:
    """Ten of a kind a day."""

    async def test_new_devices(
        self, running: RunningApp, services: Services, ada: Person, clock: FakeClock
    ) -> None:
        """The eleventh is not told of, another kind is; a day later there is room."""
        for number in range(PER_DAY + 1):
            await sign_in_on(device(running, CHROME, f"198.51.100.{number}"), ada)
        assert await told(services, ada, "new_device") == PER_DAY
        await change_password(running.client, ada)
        assert await told(services, ada, "password_changed") == 1
        clock.tick(days=1, microseconds=-1)
        await sign_in_on(device(running, CHROME, "198.51.100.200"), ada)
        assert await told(services, ada, "new_device") == PER_DAY
        clock.tick(microseconds=1)
        await sign_in_on(device(running, CHROME, "198.51.100.201"), ada)
        assert await told(services, ada, "new_device") == PER_DAY + 1

    async def test_of_others(
        self, running: RunningApp, services: Services, ada: Person, bob: Person
    ) -> None:
        """What one account is told leaves the others theirs."""
        for number in range(PER_DAY + 1):
            await sign_in_on(device(running, CHROME, f"198.51.100.{number}"), ada)
        await sign_in_on(device(running), bob)
        assert await told(services, bob, "new_device") == 1

    async def test_passwords(
        self, client: httpx2.AsyncClient, services: Services, ada: Person
    ) -> None:
        """The eleventh change is done, and not told of."""
        for _ in range(PER_DAY + 1):
            await change_password(client, ada)
        assert await told(services, ada, "password_changed") == PER_DAY

    async def test_reused_tokens(
        self, client: httpx2.AsyncClient, services: Services, ada: Person
    ) -> None:
        """The eleventh session with a copied token ends too, and is not told of."""
        for _ in range(PER_DAY + 1):
            await reuse_token(client, await sign_in(client, ada))
        assert await told(services, ada, "token_reused") == PER_DAY


class TestMailOff:
    """Production without SMTP_URL."""

    @pytest.fixture
    def settings(self, make: MakeSettings) -> Settings:
        """No mail is sent."""
        return make(
            environment="production",
            public_url="https://localhost:8000",
            bcrypt_rounds=10,
        )

    @pytest.fixture
    async def ada(self, client: httpx2.AsyncClient, admin: Person) -> Person:
        """Ada, whose address an administrator knows to be hers."""
        ada = await sign_in(client, await register(client, "ada@example.com"))
        path, known = f"{API}/users/{ada.id}", {"email_verified": True}
        await client.patch(path, json=known, headers=admin.headers)
        return ada

    async def test_nothing_is_told(
        self, running: RunningApp, client: httpx2.AsyncClient, ada: Person
    ) -> None:
        """All of it happens as ever, and no mail is written."""
        await sign_in_on(device(running), ada)
        await reuse_token(client, await sign_in(client, ada))
        await change_password(client, ada, NEW)
        assert await number_of_mails(running.services) == 0
