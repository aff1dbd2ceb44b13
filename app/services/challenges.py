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
    User,
    new_id,
)
from app.repositories import (
    ChallengeRepository,
    OutboxRepository,
    UserRepository,
)

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
        challenge = self._new(purpose, email, pending)
        challenges = ChallengeRepository(session)
        await challenges.cancel_older(challenge)
        challenges.add(challenge)
        await session.flush()
        OutboxRepository(session).add(self._message(challenge, client))
        return challenge.id

    async def ask_in_vain(
        self,
        session: AsyncSession,
        purpose: Purpose,
        email: str,
        pending: dict[str, Any] | None = None,
    ) -> UUID:
        """Do as if, for an address that has had enough mail: none is sent.

        The answer is the same, and so is what follows from it.
        """
        challenge = self._new(purpose, email, pending)
        ChallengeRepository(session).add(challenge)
        await session.flush()
        return challenge.id

    async def examine(
        self, session: AsyncSession, purpose: Purpose, proof: Proof
    ) -> tuple[Challenge, User | None]:
        """Return the challenge that this passes, without using it up.

        Returns:
            Also the account of its address, if there is one. Both are locked, the
            account first, as wherever both are.

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
        challenges = ChallengeRepository(session)
        found = await challenges.get(challenge_id)
        if found is None or found.purpose != purpose:
            raise ChallengeFailedError
        user = await UserRepository(session).lock_by_email(found.email)
        challenge = await challenges.lock(challenge_id)
        if challenge is None:
            raise ChallengeFailedError
        if proof.token is None:
            self._check_code(challenge, proof.code or "")
        self._refuse_ended(challenge, by_link=proof.token is not None)
        return challenge, user

    async def use_up(self, session: AsyncSession, challenge: Challenge) -> None:
        """Have the challenge pass nobody any more.

        Raises:
            ChallengeUsedError: If somebody else was faster.
        """
        if not await ChallengeRepository(session).use_up(challenge, self._clock()):
            raise ChallengeUsedError

    def _new(
        self, purpose: Purpose, email: str, pending: dict[str, Any] | None
    ) -> Challenge:
        now = self._clock()
        return Challenge(
            id=new_id(),
            purpose=purpose,
            email=email,
            email_key=email_key(email),
            pending=pending,
            created_at=now,
            **vars(lives(now)),
        )

    def _message(self, challenge: Challenge, client: Client) -> Message:
        now = challenge.created_at
        is_sent = self._settings.mail == "smtp"
        return Message(
            kind=MessageKind(challenge.purpose),
            recipient=challenge.email,
            language=best_language(client.languages),
            facts={"at": now.isoformat(), "ip": client.ip, "device": client.device},
            challenge_id=challenge.id,
            created_at=now,
            due_at=now if is_sent else None,
            sent_at=None if is_sent else now,
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
