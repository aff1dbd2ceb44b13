"""What makes notices be sent, and how many were."""

import httpx2

from app.services.container import Services
from tests.support.mailbox import Mail, kinds_of_mail, last_mail
from tests.support.people import API, PASSWORD, Person
from tests.support.problems import reason


async def told(services: Services, person: Person, kind: str) -> int:
    """Count the notices of a kind to somebody."""
    return (await kinds_of_mail(services, person.email)).count(kind)


async def change_password(
    client: httpx2.AsyncClient, person: Person, new: str = PASSWORD
) -> None:
    """Change somebody's password, perhaps to the same one."""
    body = {"current_password": person.password, "new_password": new}
    path = f"{API}/users/me/password"
    done = await client.post(path, json=body, headers=person.headers)
    assert done.status_code == 204, done.text


async def refresh(client: httpx2.AsyncClient, token: str) -> httpx2.Response:
    """Exchange a refresh token."""
    return await client.post(f"{API}/auth/refresh", json={"refresh_token": token})


async def reuse_token(client: httpx2.AsyncClient, person: Person) -> str:
    """Come with a token that has been exchanged twice; return the newest one."""
    token = person.refresh_token
    for _ in range(2):
        token = str((await refresh(client, token)).json()["refresh_token"])
    assert reason(await refresh(client, person.refresh_token)) == "token_reused"
    return token


async def notice(client: httpx2.AsyncClient, services: Services, to: Person) -> Mail:
    """Have somebody be told that their password was changed."""
    await change_password(client, to)
    return await last_mail(services, to.email)


async def ended(client: httpx2.AsyncClient, person: Person) -> str | None:
    """Return why somebody's session has ended, None if it goes on."""
    answer = await client.get(f"{API}/users/me", headers=person.headers)
    return None if answer.status_code == 200 else reason(answer)
