"""Devices that a stranger has signed in on before the account was its owner's."""

import time

import pytest

from app.core.config import Settings
from app.services.container import Services
from tests.conftest import MakeSettings
from tests.security.hijacking import OWNER, OWNERS_PASSWORD, Owner
from tests.support.apps import RunningApp
from tests.support.clock import FakeClock
from tests.support.devices import device, sign_in_on
from tests.support.mailbox import number_of_mails
from tests.support.notices import told
from tests.support.people import API, Person, register

ADA = Person(OWNER, OWNERS_PASSWORD)


@pytest.fixture
def settings(make: MakeSettings) -> Settings:
    """Limits that go by the time of the test, so they are not Redis's."""
    return make(redis_url="")


@pytest.fixture
async def stolen(
    running: RunningApp,
    services: Services,
    clock: FakeClock,
    monkeypatch: pytest.MonkeyPatch,
) -> list[str]:
    """What a stranger's devices got an hour before the owner took the account."""
    stranger = device(running, address="198.51.100.7")
    await register(stranger, OWNER)
    answers = [await sign_in_on(stranger, Person(OWNER)) for _ in range(6)]
    clock.tick(hours=1)
    later = time.time() + 3600
    monkeypatch.setattr(time, "time", lambda: later)
    await Owner(running.client, services).reset("link")
    return [answer.headers["cardea-device"] for answer in answers]


async def test_lock_nobody_out(
    running: RunningApp, services: Services, stolen: list[str]
) -> None:
    """Guesses and requests for mail with them are a stranger's: devices that the owner
    has signed in on since have theirs left."""
    known = (await sign_in_on(running.client, ADA)).headers["cardea-device"]
    guesser = device(running, address="198.51.100.50")
    wrong = {"email": OWNER, "password": "a wrong guess at it"}
    for token in stolen * 10:
        headers = {"Cardea-Device": token}
        await guesser.post(f"{API}/auth/login", json=wrong, headers=headers)
    ask, before = {"email": OWNER}, await number_of_mails(services)
    for token in (stolen[0], known):
        headers = {"Cardea-Device": token}
        await guesser.post(f"{API}/auth/password/forgot", json=ask, headers=headers)
    assert await number_of_mails(services) == before + 1
    await sign_in_on(running.client, ADA, known)


async def test_are_no_known_devices(
    running: RunningApp, services: Services, stolen: list[str]
) -> None:
    """Whoever signs in with one is new to the account, and its owner is told."""
    thief = device(running, address="203.0.113.77")
    before = await told(services, ADA, "new_device")
    answer = await sign_in_on(thief, ADA, stolen[0])
    assert await told(services, ADA, "new_device") == before + 1
    assert answer.headers["cardea-device"] not in stolen
