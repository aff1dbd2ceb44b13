"""Challenges: asking people for proof that they read an address."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.challenge_tokens import ChallengeTokens, Proof
from app.core.client import Client
from app.core.clock import Clock
from app.core.config import Settings
from app.core.emails import email_key
from app.core.exceptions import (
    ChallengeCancelledError,
    ChallengeExpiredError,
    ChallengeFailedError,
    ChallengeUsedError,
    CodeExhaustedError,
)
from app.core.languages import best_language
from app.models import (
    Challenge,
    ChallengeEnd,
    Message,
    MessageKind,
    Purpose,
    new_id,
)
from app.repositories import ChallengeRepository, OutboxRepository

LINK_LIFE = timedelta(minutes=15)
CODE_LIFE = timedelta(minutes=10)
MAXIMUM_WRONG_CODES = 5

SIGN_UP_KEPT = timedelta(days=1)
"""For how long a sign-up waits for its address to be proven, by a later mail too."""


@dataclass(frozen=True)
class Lives:
    """When the link and the code of a challenge are over."""

    link_expires_at: datetime
    code_expires_at: datetime


def lives(now: datetime) -> Lives:
    """Return how long a challenge lives that is sent now."""
    return Lives(now + LINK_LIFE, now + CODE_LIFE)


class Challenges:
    """The rules of links and codes."""

    def __init__(
        self, settings: Settings, clock: Clock, tokens: ChallengeTokens
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._tokens = tokens

    async def ask(
        self,
        session: AsyncSession,
        purpose: Purpose,
        email: str,
        client: Client,
        pending: dict[str, Any] | None = None,
    ) -> UUID:
        """Put a mail with a link and a code into the outbox; cancel those before.

        Whether the address has an account plays no part, so that the time tells
        nothing: see `services/composing.py`.

        Returns:
            What whoever asked has to give together with the code.
        """
        now = self._clock()
        challenges = ChallengeRepository(session)
        await challenges.cancel(email, now, purpose)
        challenge = self._new(purpose, email, now, pending)
        challenges.add(challenge)
        await session.flush()
        sent_to_nobody = self._settings.mail == "mailbox"
        OutboxRepository(session).add(
            Message(
                kind=MessageKind(purpose),
                recipient=email,
                language=best_language(client.languages),
                facts={"at": now.isoformat(), "ip": client.ip, "device": client.device},
                challenge_id=challenge.id,
                created_at=now,
                due_at=None if sent_to_nobody else now,
                sent_at=now if sent_to_nobody else None,
            )
        )
        return challenge.id

    async def examine(
        self, session: AsyncSession, purpose: Purpose, proof: Proof
    ) -> Challenge:
        """Return the challenge that this passes, without using it up.

        Raises:
            ChallengeFailedError: If it passes none; a wrong code counts.
            ChallengeEndedError: If it passed one once; the error says why not now.
        """
        challenge_id = (
            self._tokens.read_link(purpose, proof.token)
            if proof.token is not None
            else proof.challenge_id
        )
        if challenge_id is None:
            raise ChallengeFailedError
        challenge = await ChallengeRepository(session).lock(challenge_id)
        if challenge is None or challenge.purpose != purpose:
            raise ChallengeFailedError
        if proof.token is None:
            self._check_code(challenge, proof.code or "")
        self._refuse_ended(challenge, by_link=proof.token is not None)
        return challenge

    async def use_up(self, session: AsyncSession, challenge: Challenge) -> None:
        """Have the challenge pass nobody any more.

        Raises:
            ChallengeUsedError: If somebody else was faster.
        """
        if not await ChallengeRepository(session).use_up(challenge, self._clock()):
            raise ChallengeUsedError

    def _new(
        self,
        purpose: Purpose,
        email: str,
        now: datetime,
        pending: dict[str, Any] | None,
    ) -> Challenge:
        return Challenge(
            id=new_id(),
            purpose=purpose,
            email=email,
            email_key=email_key(email),
            pending=pending,
            created_at=now,
            **vars(lives(now)),
        )

    def _check_code(self, challenge: Challenge, code: str) -> None:
        if challenge.wrong_codes >= MAXIMUM_WRONG_CODES:
            raise CodeExhaustedError
        if not self._tokens.is_code(challenge.id, code):
            challenge.wrong_codes += 1
            raise ChallengeFailedError

    def _refuse_ended(self, challenge: Challenge, *, by_link: bool) -> None:
        if challenge.end_reason == ChallengeEnd.USED:
            raise ChallengeUsedError
        if challenge.end_reason == ChallengeEnd.CANCELLED:
            raise ChallengeCancelledError
        over = challenge.link_expires_at if by_link else challenge.code_expires_at
        if self._clock() >= over:
            raise ChallengeExpiredError
