"""Devices that people sign in on."""

import httpx2

from tests.support.apps import RunningApp, browse
from tests.support.people import API, Person

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 "
    "(KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
)
HOME, ELSEWHERE = "192.0.2.1", "198.51.100.9"
"""The address of all clients that ask for no other, and another one."""


def device(
    running: RunningApp, agent: str = CHROME, address: str = ELSEWHERE
) -> httpx2.AsyncClient:
    """Return a device that calls itself so, at this address."""
    client = browse(running.app, address)
    client.headers["User-Agent"] = agent
    return client


async def sign_in_on(
    client: httpx2.AsyncClient, person: Person, device_token: str | None = None
) -> httpx2.Response:
    """Sign in with the right password; return the answer."""
    body = {"email": person.email, "password": person.password}
    headers = {"Cardea-Device": device_token} if device_token else {}
    answer = await client.post(f"{API}/auth/login", json=body, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer
