"""What waits for a proof ends together with the sessions in which it was begun."""

from collections.abc import Awaitable, Callable

import httpx2
import pytest

from app.core.config import Settings
from app.services.container import Services
from tests.conftest import MakeSettings
from tests.support.mailbox import last_mail, prove
from tests.support.notices import notice
from tests.support.people import API, PASSWORD, Person
from tests.support.problems import problem

End = Callable[
    [httpx2.AsyncClient, Services, Person, Person], Awaitable[httpx2.Response]
]


async def sign_out_everywhere(
    client: httpx2.AsyncClient, _: Services, ada: Person, __: Person
) -> httpx2.Response:
    """Ada signs out everywhere else."""
    body = {"keep_current": True}
    path = f"{API}/auth/logout-all"
    return await client.post(path, json=body, headers=ada.headers)


async def be_signed_out(
    client: httpx2.AsyncClient, _: Services, ada: Person, admin: Person
) -> httpx2.Response:
    """An administrator signs Ada out."""
    path = f"{API}/users/{ada.id}/logout"
    return await client.post(path, headers=admin.headers)


async def be_disabled(
    client: httpx2.AsyncClient, _: Services, ada: Person, admin: Person
) -> httpx2.Response:
    """An administrator disables Ada, and thinks better of it."""
    path = f"{API}/users/{ada.id}"
    for status in ("disabled", "active"):
        body = {"status": status}
        answer = await client.patch(path, json=body, headers=admin.headers)
    return answer


@pytest.fixture
def settings(make: MakeSettings) -> Settings:
    """Several mails in one minute."""
    return make(rate_limits=False)


async def asked(client: httpx2.AsyncClient, services: Services, ada: Person) -> object:
    """Have somebody in Ada's session ask for their own address; return the proof."""
    body = {"email": "mallory@example.com", "current_password": PASSWORD}
    await client.post(f"{API}/users/me/email", json=body, headers=ada.headers)
    return (await last_mail(services, "mallory@example.com")).by_code


@pytest.mark.parametrize(
    "end",
    [sign_out_everywhere, be_signed_out, be_disabled],
    ids=["signed out everywhere", "signed out by an admin", "disabled"],
)
async def test_change_of_address(
    client: httpx2.AsyncClient, services: Services, ada: Person, admin: Person, end: End
) -> None:
    """A change of address that a thief has begun is over."""
    proof = await asked(client, services, ada)
    assert (await end(client, services, ada, admin)).is_success
    refused = await client.post(f"{API}/auth/email/change", json=proof)
    problem(refused, 410, "challenge_cancelled")


async def test_by_a_notice(
    client: httpx2.AsyncClient, services: Services, ada: Person
) -> None:
    """So it is by the link of a notice, whose own mail to set a password works."""
    mail = await notice(client, services, await prove(services, ada))
    proof = await asked(client, services, ada)
    path = f"{API}/auth/logout-others"
    assert (await client.post(path, json=mail.by_link)).status_code == 204
    refused = await client.post(f"{API}/auth/email/change", json=proof)
    problem(refused, 410, "challenge_cancelled")
    body = (await last_mail(services, ada.email)).by_link
    done = await client.post(
        f"{API}/auth/password/reset", json={**body, "new_password": "nine quiet herons"}
    )
    assert done.status_code == 204
