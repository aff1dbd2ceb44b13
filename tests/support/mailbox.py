"""Mail as its readers get it: what it says, its link and its code."""

import re
from dataclasses import dataclass
from uuid import UUID

import httpx2
from sqlalchemy import func, or_, select

from app.core.challenge_tokens import Proof
from app.core.client import Client
from app.models import Challenge, Message, MessageStatus
from app.repositories.outbox import STATUS
from app.services.container import Services
from tests.support.people import API, Person

_LINK = re.compile(r"(https?://\S+)\?token=(\S+)")
_CODE = re.compile(r"^\s*(\d{6})\s*$", re.MULTILINE)
_IS_SENT = or_(*(STATUS[status] for status in MessageStatus if status != "withheld"))


@dataclass(frozen=True)
class Mail:
    """A mail that somebody got."""

    kind: str
    subject: str
    text: str
    challenge_id: str

    @property
    def token(self) -> str:
        """What its link carries."""
        found = _LINK.search(self.text)
        assert found is not None, self.text
        return found[2]

    @property
    def code(self) -> str:
        """Its six digits."""
        found = _CODE.search(self.text)
        assert found is not None, self.text
        return found[1]

    @property
    def by_link(self) -> dict[str, str]:
        """What proves by the link that this was read."""
        return {"token": self.token}

    @property
    def by_code(self) -> dict[str, str]:
        """What proves it by the code."""
        return {"challenge_id": self.challenge_id, "code": self.code}

    @property
    def opens_nothing(self) -> bool:
        """Whether it has neither link nor code."""
        return not _LINK.search(self.text) and not _CODE.search(self.text)

    @property
    def wrong_code(self) -> str:
        """Six digits that are not the code."""
        return f"{(int(self.code) + 1) % 10**6:06}"


async def last_mail(services: Services, email: str) -> Mail:
    """Return the newest mail to this address, as it would be sent now."""
    async with services.database.reading() as session:
        message = await session.scalar(
            select(Message)
            .where(Message.recipient == email, _IS_SENT)
            .order_by(Message.id.desc())
            .limit(1)
        )
    assert message is not None, f"no mail to {email}"
    letter = await services.mail.composer.compose(message)
    return Mail(message.kind, letter.subject, letter.text, str(message.challenge_id))


async def seed_of(services: Services, challenge_id: str | UUID) -> UUID:
    """Return what the link and the code of a challenge are made of."""
    async with services.database.reading() as session:
        challenge = await session.get(Challenge, UUID(str(challenge_id)))
    assert challenge is not None
    return challenge.seed


async def code_of(services: Services, challenge_id: str | UUID) -> str:
    """Return the code of a challenge, whether or not it was sent."""
    return services.mail.tokens.code(await seed_of(services, challenge_id))


async def number_of_mails(services: Services) -> int:
    """Count what has been put into the outbox, and is not withheld."""
    async with services.database.reading() as session:
        return await session.scalar(select(func.count()).where(_IS_SENT)) or 0


async def number_of_pending(services: Services) -> int:
    """Count the sign-ups that wait for their address to be proven."""
    async with services.database.reading() as session:
        count = select(func.count()).where(Challenge.pending.is_not(None))
        return await session.scalar(count) or 0


async def prove(services: Services, person: Person) -> Person:
    """Have somebody prove their address with the mail of their sign-up."""
    mail = await last_mail(services, person.email)
    proof = Proof(challenge_id=UUID(mail.challenge_id), code=mail.code)
    await services.sign_up.verify(proof, None, Client("192.0.2.1"))
    return person


async def verify(
    client: httpx2.AsyncClient, services: Services, email: str
) -> httpx2.Response:
    """Prove an address with the code of the newest mail."""
    mail = await last_mail(services, email)
    return await client.post(f"{API}/auth/email/verify", json=mail.by_code)


async def kinds_of_mail(services: Services, email: str) -> list[str]:
    """Return the kinds of all mail to this address, the oldest first."""
    async with services.database.reading() as session:
        kinds = select(Message.kind).where(Message.recipient == email, _IS_SENT)
        return [str(one) for one in await session.scalars(kinds.order_by(Message.id))]
