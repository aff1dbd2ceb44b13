"""Where flows happen: a service, people who use it, and the mail that they get."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

import httpx2

from app.models import Message, MessageStatus
from tests.mail.delivering import Outbox, name_of
from tests.support.apps import RunningApp, browse
from tests.support.clock import FakeClock
from tests.support.mailbox import Mail
from tests.support.people import API, PASSWORD, Person, sign_in
from tests.support.servers.smtp import MailServer, Received

ROOT = Person("root@example.com")


@dataclass
class Scene:
    """A running service, and what flows have to do with it.

    Attributes:
        people: Who is signed in, by the address that the flow is about.
        asked: The challenge of the first mail of who has signed up, by the address.
    """

    running: RunningApp
    server: MailServer
    outbox: Outbox
    clock: FakeClock
    people: dict[str, Person] = field(default_factory=dict)
    asked: dict[str, str] = field(default_factory=dict)

    @property
    def client(self) -> httpx2.AsyncClient:
        """What people talk to the service with."""
        return self.running.client

    async def post(
        self, path: str, by: Person | None = None, /, **body: Any
    ) -> httpx2.Response:
        """Send something that is not refused."""
        headers = by.headers if by else {}
        answer = await self.client.post(f"{API}/{path}", json=body, headers=headers)
        assert answer.is_success, answer.text
        return answer

    async def root(self) -> Person:
        """Return the administrator, signed in just now."""
        if not self.people.get(ROOT.email):
            await self.running.services.setup.create_admin(ROOT.email, PASSWORD)
        self.people[ROOT.email] = await sign_in(self.client, ROOT)
        return self.people[ROOT.email]

    async def sign_in(self, person: Person, address: str = "192.0.2.1") -> Person:
        """Return somebody signed in once more, with a program at this address."""
        async with browse(self.running.app, address) as client:
            return await sign_in(client, person)

    async def knows(self, email: str, password: str) -> bool:
        """Tell whether one signs in with these."""
        body = {"email": email, "password": password}
        return (await self.client.post(f"{API}/auth/login", json=body)).is_success

    async def account(self, email: str) -> dict[str, Any]:
        """Return the account with this address as administrators see it, or nothing."""
        found = await self._see("users", q=email)
        return next((one for one in found if one["email"] == email), {})

    async def sessions(self, email: str) -> list[dict[str, Any]]:
        """Return the live sessions of an account."""
        account = await self.account(email)
        return await self._see(f"users/{account['id']}/sessions")

    async def received(self, email: str) -> tuple[Message, Received]:
        """Return the newest mail to an address, once it has arrived and is noted."""
        async with asyncio.timeout(20):
            while not (message := await self._newest_sent(email)):
                await asyncio.sleep(0.005)
        name = name_of(message.id)
        [received] = [one for one in self.server.received if one.message_id == name]
        assert received.recipients == [email]
        return message, received

    async def mail(self, email: str, challenge_id: str = "") -> Mail:
        """Return the same as its reader sees it.

        Args:
            email: Where it went.
            challenge_id: What the answer to who asked for it said, if it did.
        """
        message, received = await self.received(email)
        subject = str(received.email["Subject"])
        return Mail(message.kind, subject, received.text, challenge_id)

    async def _newest_sent(self, email: str) -> Message | None:
        """Return the newest message to an address, if nothing waits to be sent."""
        messages = await self.outbox.messages()
        if any(one.status != MessageStatus.SENT for one in messages):
            return None
        return next(one for one in reversed(messages) if one.recipient == email)

    async def _see(self, path: str, **query: str) -> list[dict[str, Any]]:
        headers = (await self.root()).headers
        answer = await self.client.get(f"{API}/{path}", params=query, headers=headers)
        assert answer.is_success, answer.text
        items: list[dict[str, Any]] = answer.json()["items"]
        return items
