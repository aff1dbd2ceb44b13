"""`Database.data_version()`, which goes past SQLAlchemy."""

from pathlib import Path

import pytest

from app.core.exceptions import DatabaseUnavailableError
from app.database import Database
from app.migrations import migrate
from tests.support.databases import make_settings


async def test_failure_is_an_outage(tmp_path: Path) -> None:
    """What the driver says when it can't look is no crash of the watch."""
    settings = make_settings(f"sqlite+aiosqlite:///{tmp_path}/here.db")
    await migrate(settings)
    database = Database(settings)
    async with database.writing() as session:
        raw = await (await session.connection()).get_raw_connection()
        driver = raw.driver_connection
    assert driver is not None
    await driver._execute(driver._conn.close)
    with pytest.raises(DatabaseUnavailableError):
        await database.data_version()
    await database.close()
