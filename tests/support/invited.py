"""People whom an administrator invites."""

from typing import Any

import httpx2

from app.services.container import Services
from tests.support.mailbox import Mail, last_mail
from tests.support.people import API, Person

USERS = f"{API}/users"
ACCEPT = f"{API}/auth/invite/accept"
GUEST = "guest@example.com"
CHOSEN = {"new_password": "nine quiet herons"}
"""What the guest chooses."""

NOBODY = "01970000-0000-7000-8000-000000000000"
"""The id of no account."""


async def invite(
    client: httpx2.AsyncClient, admin: Person, **values: Any
) -> dict[str, Any]:
    """Invite a guest; return the account."""
    body = {"email": GUEST} | values
    made = await client.post(USERS, json=body, headers=admin.headers)
    assert made.status_code == 201, made.text
    account: dict[str, Any] = made.json()
    return account


async def invitation(
    client: httpx2.AsyncClient, services: Services, admin: Person, **values: Any
) -> Mail:
    """Invite a guest; return the mail."""
    mail = await last_mail(services, (await invite(client, admin, **values))["email"])
    assert mail.kind == "invitation"
    return mail


async def guest_as_seen(client: httpx2.AsyncClient, admin: Person) -> dict[str, Any]:
    """Return the guest's account as an administrator sees it."""
    page = await client.get(USERS, params={"q": GUEST}, headers=admin.headers)
    [account] = page.json()["items"]
    assert isinstance(account, dict)
    return account


async def send_again(
    client: httpx2.AsyncClient, by: Person, user_id: str
) -> httpx2.Response:
    """Ask for an invitation to be sent again."""
    return await client.post(f"{USERS}/{user_id}/invite", headers=by.headers)
