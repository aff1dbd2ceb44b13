"""Many requests that wait for the same look at the keys."""

import asyncio
import time

import pytest

from app.core.exceptions import DatabaseUnavailableError
from app.core.patience import LimitedPatience, PatienceEndedError, Work
from app.core.security import DerivedKeys
from app.database import EVERYTHING, Database
from app.services.invalidation import Lease
from app.services.keys import Keys
from tests.support.clock import FakeClock
from tests.support.databases import SECRET_KEY

LOOK_SECONDS = 0.2
WAITING = 10


@pytest.fixture
def keys(database: Database, clock: FakeClock) -> Keys:
    """The keys of a process that has just started."""
    return Keys(database, DerivedKeys(SECRET_KEY), clock, Lease())


class TestLine:
    """`Keys.keep_up()`."""

    async def test_one_look_speaks_for_all(
        self, keys: Keys, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What one has waited for in vain, nobody in line waits for again."""
        looks = 0

        async def fail() -> None:
            nonlocal looks
            looks += 1
            await asyncio.sleep(LOOK_SECONDS)
            raise DatabaseUnavailableError

        monkeypatch.setattr(keys, "_read", fail)
        calls = [keys.keep_up() for _ in range(WAITING)]
        answers = await asyncio.gather(*calls, return_exceptions=True)
        assert {type(answer) for answer in answers} == {DatabaseUnavailableError}
        assert looks == 1

    async def test_nobody_waits_for_ever(
        self, keys: Keys, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A look that hangs, such as one of the background's, keeps requests for as
        long as their patience lasts."""
        well = asyncio.Event()
        read = keys._read

        async def hang() -> object:
            await well.wait()
            return await read()

        monkeypatch.setattr(keys, "_read", hang)
        looking = asyncio.create_task(keys.load())
        await asyncio.sleep(0)
        began = time.monotonic()
        with LimitedPatience(LOOK_SECONDS), pytest.raises(DatabaseUnavailableError):
            async with asyncio.timeout(5 * LOOK_SECONDS):
                await keys.keep_up()
        assert time.monotonic() - began < 3 * LOOK_SECONDS
        well.set()
        await looking
        await keys.keep_up()

    async def test_impatient_caller_speaks_for_nobody(
        self, keys: Keys, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Whoever is refused because their own time is over does not fail those who
        have time left."""
        read, work = keys._read, Work()

        async def read_slowly() -> object:
            await asyncio.sleep(LOOK_SECONDS)
            return await read()

        async def look() -> object:
            try:
                return await work.end_of(work.begin(read_slowly()))
            except PatienceEndedError as error:
                raise DatabaseUnavailableError from error

        async def ask(seconds: float) -> None:
            with LimitedPatience(seconds):
                await keys.keep_up()

        monkeypatch.setattr(keys, "_read", look)
        asked = [ask(LOOK_SECONDS / 4), ask(60), ask(60)]
        first, *others = await asyncio.gather(*asked, return_exceptions=True)
        assert isinstance(first, DatabaseUnavailableError)
        assert others == [None, None]

    async def test_nobody_waits_for_the_next_key(
        self, keys: Keys, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Where nothing can be saved, the next key does not come, and the others are
        good all the same."""
        await keys.load()

        async def fail() -> None:
            raise DatabaseUnavailableError

        monkeypatch.setattr(keys, "_extend", fail)
        clock.tick(days=89)
        with pytest.raises(DatabaseUnavailableError):
            await keys.load()
        keys.hear(frozenset({EVERYTHING}))
        await keys.keep_up()
        assert keys.ring.keys
