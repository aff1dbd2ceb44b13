"""People who are told: those who have proven their addresses."""

import pytest

from app.services.container import Services
from tests.support.mailbox import prove
from tests.support.people import Person


@pytest.fixture
async def ada(services: Services, ada: Person) -> Person:
    """Ada, who has proven her address."""
    return await prove(services, ada)


@pytest.fixture
async def bob(services: Services, bob: Person) -> Person:
    """Bob, who has too."""
    return await prove(services, bob)
