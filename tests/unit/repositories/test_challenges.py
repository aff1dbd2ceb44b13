"""Tests of `app.repositories.challenges`."""

from app.database import Database
from app.models import ChallengeEnd, MessageKind
from app.repositories import ChallengeRepository
from tests.support.rows import NOW, new_challenge


class TestUseUp:
    """ChallengeRepository.use_up()."""

    async def test_once(self, database: Database) -> None:
        """It is the write that lets one pass, not what was read before."""
        challenge = new_challenge(MessageKind.VERIFY_EMAIL)
        async with database.writing() as session:
            ChallengeRepository(session).add(challenge)
        async with database.writing() as session:
            assert await ChallengeRepository(session).use_up(challenge, NOW)
        async with database.writing() as session:
            assert not await ChallengeRepository(session).use_up(challenge, NOW)
            stored = await ChallengeRepository(session).get(challenge.id)
        assert stored is not None
        assert (stored.end_reason, stored.ended_at) == (ChallengeEnd.USED, NOW)
