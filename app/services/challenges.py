"""Challenges: asking people for proof that they read an address."""

from contextlib import AbstractAsyncContextManager, nullcontext
from datetime import timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.challenge_tokens import ChallengeTokens, Proof
from app.core.client import Client
from app.core.clock import Clock
from app.core.config import Settings
from app.core.emails import email_key
from app.core.exceptions import (
    ChallengeCancelledError,
    ChallengeEndedError,
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
    Purpose,
    User,
    new_id,
)
from app.repositories import (
    ChallengeRepository,
    OutboxRepository,
    UserRepository,
)
from app.services.limits import Limits
from app.services.mailing import PLANS, Lives, Mailing, lives

MAXIMUM_WRONG_CODES = 5

SIGN_UP_KEPT = timedelta(days=1)
"""For how long a sign-up waits for its address to be proven, by a later mail too."""


class Challenges:
    """The rules of links and codes."""

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        tokens: ChallengeTokens,
        limits: Limits,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._tokens = tokens
        self._limits = limits

    async def ask(self, session: AsyncSession, mailing: Mailing) -> UUID:
        """Put a mail with a link into the outbox; cancel those that it replaces.

        Whether the address has an account plays no part, so that the time tells
        nothing: see `services/composing.py`.

        Returns:
            What whoever asked has to give together with the code.
        """
        challenge = self._new(mailing)
        await ChallengeRepository(session).cancel_older(challenge)
        message = self._message(challenge, mailing)
        return await self._put(session, challenge, message)

    async def ask_in_vain(self, session: AsyncSession, mailing: Mailing) -> UUID:
        """Do as if, for an address that has had enough mail: this one is withheld.

        The answer is the same, what follows from it, and how long it takes, as the same
        statements are made. But nothing passes the challenge: asking again and again
        must not buy more guesses at a code.
        """
        challenge = self._new(mailing)
        challenge.code_expires_at = None
        await ChallengeRepository(session).cancel_these([challenge], self._clock())
        message = self._message(challenge, mailing)
        message.due_at = message.sent_at = None
        return await self._put(session, challenge, message)

    def counted(
        self, proof: Proof, client: Client
    ) -> AbstractAsyncContextManager[None]:
        """Count what somebody shows, if it can be guessed, around its examination.

        Raises:
            TooManyRequestsError: On entering, if too many codes were wrong.
        """
        if proof.token is not None:
            return nullcontext()
        return self._limits.code_check(client)

    async def examine(
        self, session: AsyncSession, purpose: Purpose, proof: Proof
    ) -> tuple[Challenge, User | None]:
        """Return the challenge that this passes, without using it up.

        Returns:
            Also the account that it is of, or else that of its address, if there is
            one. Both are locked, the account first, as wherever both are.

        Raises:
            ChallengeFailedError: If it passes none; a wrong code counts.
            ChallengeEndedError: If it passed one once; the error says why not now.
        """
        found = await self._find(session, purpose, proof)
        challenges = ChallengeRepository(session)
        users = UserRepository(session)
        user = await (
            users.lock(found.user_id)
            if found.user_id is not None
            else users.lock_by_email(found.email)
        )
        challenge = await challenges.lock(found.id)
        if challenge is None:
            raise ChallengeFailedError
        if proof.token is None:
            self._check_code(challenge, proof.code or "")
        if ended := self.why_ended(challenge, by_link=proof.token is not None):
            raise ended
        return challenge, user

    async def look(
        self, session: AsyncSession, purpose: Purpose, token: str
    ) -> tuple[Challenge, User | None]:
        """Return what the link with this token leads to, ended or not, and whose it is.

        Nothing is asked of the database for a token that is none of ours.

        Raises:
            ChallengeFailedError: If it is none of ours, or long gone.
        """
        challenge = await self._find(session, purpose, Proof(token))
        users = UserRepository(session)
        user = await (
            users.get(challenge.user_id)
            if challenge.user_id is not None
            else users.find_by_email(challenge.email)
        )
        return challenge, user

    def why_ended(
        self, challenge: Challenge, *, by_link: bool
    ) -> ChallengeEndedError | None:
        """Return why this challenge passes nobody any more; None if it still does."""
        if challenge.end_reason == ChallengeEnd.USED:
            return ChallengeUsedError()
        if challenge.end_reason == ChallengeEnd.CANCELLED:
            return ChallengeCancelledError()
        over = challenge.link_expires_at if by_link else challenge.code_expires_at
        is_over = over is None or self._clock() >= over
        return ChallengeExpiredError() if is_over else None

    async def examine_own(
        self, session: AsyncSession, purpose: Purpose, proof: Proof
    ) -> tuple[Challenge, User]:
        """Do the same with a challenge of an account.

        Raises:
            ChallengeFailedError: If it passes none; a wrong code counts.
            ChallengeEndedError: If it passed one once; the error says why not now.
        """
        challenge, user = await self.examine(session, purpose, proof)
        # Whoever deletes an account deletes what was sent to it.
        assert user is not None
        return challenge, user

    async def use_up(self, session: AsyncSession, challenge: Challenge) -> None:
        """Have the challenge pass nobody any more.

        Raises:
            ChallengeUsedError: If somebody else was faster.
        """
        if not await ChallengeRepository(session).use_up(challenge, self._clock()):
            raise ChallengeUsedError

    async def _find(
        self, session: AsyncSession, purpose: Purpose, proof: Proof
    ) -> Challenge:
        challenges, found = ChallengeRepository(session), None
        if proof.token is not None:
            seed = self._tokens.read_link(purpose, proof.token)
            found = await challenges.get_by_seed(seed)
        elif proof.challenge_id is not None:
            found = await challenges.get(proof.challenge_id)
        if found is None or found.purpose != purpose:
            raise ChallengeFailedError
        return found

    async def _put(
        self, session: AsyncSession, challenge: Challenge, message: Message
    ) -> UUID:
        ChallengeRepository(session).add(challenge)
        await session.flush()
        OutboxRepository(session).add(message)
        return challenge.id

    def _new(self, mailing: Mailing) -> Challenge:
        now = self._clock()
        given = Lives(mailing.expires_at or now, None)
        return Challenge(
            id=new_id(),
            purpose=PLANS[mailing.kind].purpose,
            user_id=mailing.user_id,
            email=mailing.email,
            email_key=email_key(mailing.email),
            pending=mailing.pending,
            created_at=now,
            **vars(lives(mailing.kind, now) or given),
        )

    def _message(self, challenge: Challenge, mailing: Mailing) -> Message:
        now, client = challenge.created_at, mailing.client
        is_sent = self._settings.mail == "smtp"
        where = {"at": now.isoformat(), "ip": client.ip, "device": client.device}
        return Message(
            kind=mailing.kind,
            recipient=challenge.email,
            language=best_language(client.languages),
            facts={**where, **mailing.facts},
            challenge_id=challenge.id,
            created_at=now,
            due_at=now if is_sent else None,
            sent_at=None if is_sent else now,
        )

    def _check_code(self, challenge: Challenge, code: str) -> None:
        if challenge.wrong_codes >= MAXIMUM_WRONG_CODES:
            raise CodeExhaustedError
        was_sent = challenge.code_expires_at is not None
        if not (self._tokens.is_code(challenge.seed, code) and was_sent):
            challenge.wrong_codes += 1
            raise ChallengeFailedError
