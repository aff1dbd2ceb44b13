"""People who use the service in tests."""

from dataclasses import dataclass, field
from typing import Any

import httpx2

PASSWORD = "correct horse battery"
API = "/api/v1"


@dataclass
class Person:
    """Somebody with an account, and perhaps signed in."""

    email: str
    password: str = PASSWORD
    id: str = ""
    tokens: dict[str, Any] = field(default_factory=dict)

    @property
    def headers(self) -> dict[str, str]:
        """What a signed-in program sends."""
        return {"Authorization": f"Bearer {self.tokens['access_token']}"}

    @property
    def refresh_token(self) -> str:
        """The refresh token of the last sign-in or refresh."""
        return str(self.tokens["refresh_token"])

    @property
    def session_id(self) -> str:
        """The session that the tokens belong to."""
        return str(self.tokens["session_id"])


async def register(client: httpx2.AsyncClient, email: str) -> Person:
    """Sign somebody up over HTTP."""
    person = Person(email)
    body = {"email": email, "password": person.password}
    response = await client.post(f"{API}/auth/register", json=body)
    assert response.status_code == 201, response.text
    person.id = response.json()["id"]
    return person


async def sign_in(client: httpx2.AsyncClient, person: Person) -> Person:
    """Return the same person signed in once more, with a session of its own."""
    body = {"email": person.email, "password": person.password}
    response = await client.post(f"{API}/auth/login", json=body)
    assert response.status_code == 200, response.text
    tokens = response.json()
    return Person(person.email, person.password, tokens["user"]["id"], tokens)
