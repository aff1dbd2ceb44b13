"""Changes of an account's address, over HTTP."""

from dataclasses import replace
from datetime import datetime, timedelta

import httpx2

from app.services.container import Services
from tests.support.mailbox import Mail, last_mail
from tests.support.people import API, PASSWORD, Person

ASK = f"{API}/users/me/email"
CHANGE = f"{API}/auth/email/change"
UNDO = f"{API}/auth/email/undo"
NEW_EMAIL = "countess@example.com"


async def ask(
    client: httpx2.AsyncClient, person: Person, email: str = NEW_EMAIL
) -> httpx2.Response:
    """Ask for another address."""
    body = {"email": email, "current_password": person.password}
    return await client.post(ASK, json=body, headers=person.headers)


async def ask_by_mail(
    client: httpx2.AsyncClient,
    services: Services,
    person: Person,
    email: str = NEW_EMAIL,
) -> Mail:
    """Ask for another address; return the mail that it gets."""
    answer = await ask(client, person, email)
    assert (answer.status_code, answer.content) == (202, b'{"status":"mail_sent"}')
    mail = await last_mail(services, email)
    assert answer.headers["cardea-challenge"] == mail.challenge_id
    return mail


def as_owner(proof: dict[str, str], password: str = PASSWORD) -> dict[str, str]:
    """Add to a link the password of the account, which a code does not take."""
    return proof | ({"password": password} if "token" in proof else {})


async def move(
    client: httpx2.AsyncClient,
    services: Services,
    person: Person,
    email: str = NEW_EMAIL,
) -> tuple[Person, Mail]:
    """Change somebody's address; return them, and the mail that the old one gets."""
    mail = await ask_by_mail(client, services, person, email)
    done = await client.post(CHANGE, json=mail.by_code)
    assert done.status_code == 200, done.text
    told = await last_mail(services, person.email)
    assert told.kind == "email_changed"
    return replace(person, email=email), told


def as_answered(moment: datetime, **later: float) -> str:
    """Return a moment, or one so much later, as answers spell it."""
    return (moment + timedelta(**later)).isoformat().replace("+00:00", "Z")
