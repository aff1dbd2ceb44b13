"""`DATABASE_REPLICA_URL`: where lists may be read, and nothing else."""

import pytest
from sqlalchemy import select

from app.database import Database
from app.models import Role
from tests.conftest import MakeSettings
from tests.support.rows import new_role

pytestmark = pytest.mark.postgresql


async def names(database: Database, *, may_lag: bool) -> list[str]:
    """Return the roles that are there, by this way of reading."""
    async with database.reading(may_lag=may_lag) as session:
        return list(await session.scalars(select(Role.name)))


async def with_role(make: MakeSettings, name: str) -> str:
    """Return the URL of a database with one role."""
    settings = make()
    database = Database(settings)
    async with database.writing() as session:
        session.add(new_role(name))
    await database.close()
    return settings.database_url


class TestReplica:
    """`Database.reading(may_lag=True)`."""

    async def test_only_where_it_may_lag(self, make: MakeSettings) -> None:
        """What may lag is read from the replica, everything else from the primary."""
        settings = make(database_replica_url=await with_role(make, "copied"))
        database = Database(settings)
        async with database.writing() as session:
            session.add(new_role("original"))
        assert await names(database, may_lag=True) == ["copied"]
        assert await names(database, may_lag=False) == ["original"]
        await database.close()

    async def test_gone(
        self, make: MakeSettings, caplog: pytest.LogCaptureFixture
    ) -> None:
        """While the replica is gone the primary answers; it is not asked each time."""
        gone = "postgresql+asyncpg://nobody@127.0.0.1:9/none"
        database = Database(make(database_replica_url=gone))
        for _ in range(2):
            assert await names(database, may_lag=True) == []
        await database.close()
        assert caplog.messages.count("replica.unavailable") == 1


async def test_without_a_replica(make: MakeSettings) -> None:
    """Without one the primary answers everything."""
    database = Database(make())
    assert await names(database, may_lag=True) == []
    await database.close()
