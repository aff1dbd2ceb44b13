"""Languages of browsers and of people."""

from typing import Any

import httpx2

from tests.support.people import API, Person

GERMAN, ENGLISH = {"Accept-Language": "de"}, {"Accept-Language": "en"}


async def choose(client: httpx2.AsyncClient, person: Person, locale: Any) -> None:
    """Have somebody choose their language."""
    body = {"locale": locale}
    changed = await client.patch(f"{API}/users/me", json=body, headers=person.headers)
    assert changed.status_code == 200, changed.text
    assert changed.json()["locale"] == locale
