"""People who have used their token once: their first use is itself noted."""

import httpx2
import pytest

from tests.support.people import API, Person


@pytest.fixture
async def ada(client: httpx2.AsyncClient, ada: Person) -> Person:
    """Somebody whose session is known to have reached its owner."""
    return await _seen(client, ada)


@pytest.fixture
async def admin(client: httpx2.AsyncClient, admin: Person) -> Person:
    """An administrator whose session is known to have reached its owner."""
    return await _seen(client, admin)


async def _seen(client: httpx2.AsyncClient, person: Person) -> Person:
    response = await client.get(f"{API}/users/me", headers=person.headers)
    assert response.status_code == 200
    return person
