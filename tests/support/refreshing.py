"""Exchanging refresh tokens over HTTP."""

import httpx2

from tests.support.people import API, Person


async def refresh(client: httpx2.AsyncClient, token: str) -> httpx2.Response:
    """Exchange a refresh token."""
    body = {"refresh_token": token}
    return await client.post(f"{API}/auth/refresh", json=body)


async def refreshed(client: httpx2.AsyncClient, person: Person) -> Person:
    """Return the same person with the next pair of tokens."""
    response = await refresh(client, person.refresh_token)
    assert response.status_code == 200, response.text
    return Person(person.email, person.password, person.id, response.json())
