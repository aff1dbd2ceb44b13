"""The signing keys: made in time, rotated, sealed."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta

import httpx2
import pytest
from sqlalchemy import select

from app.core.config import Settings
from app.core.exceptions import StartupError
from app.core.keys import LONGEST_TOKEN
from app.core.security import DerivedKeys
from app.database import Changes, Database
from app.models import StoredKey
from app.services.container import Services
from app.services.invalidation import ALL, Lease
from app.services.keys import Keys
from tests.support.apps import run_app
from tests.support.clock import FakeClock
from tests.support.databases import SECRET_KEY, make_settings
from tests.support.people import API, Person, register, sign_in

OTHER_SECRET = "another-secret-key-that-only-the-tests-know-01234"
THIRD_SECRET = "yet-another-secret-key-that-only-the-tests-know-0"


@pytest.fixture
def keys(database: Database, clock: FakeClock) -> Keys:
    """The keys of a process that has just started."""
    return Keys(database, DerivedKeys(SECRET_KEY), clock, Lease())


@pytest.fixture
async def neighbour(settings: Settings, clock: FakeClock) -> AsyncIterator[Keys]:
    """The keys of another process on the same database."""
    database = Database(settings)
    yield Keys(database, DerivedKeys(SECRET_KEY), clock, Lease())
    await database.close()


def published(keys: Keys) -> list[str]:
    """Return the ids of the keys in the JWKS."""
    return [key["kid"] for key in keys.published()]


def signing(keys: Keys, clock: FakeClock) -> str:
    """Return the id of the key that signs now."""
    return keys.ring.signing_key(clock()).kid


async def stored(database: Database) -> dict[str, bytes]:
    """Return the sealed keys in the database by id."""
    async with database.reading() as session:
        rows = await session.scalars(select(StoredKey))
        return {row.kid: row.sealed_private_key for row in rows}


class TestLoad:
    """`Keys.load()`."""

    async def test_makes_the_first_key(
        self, keys: Keys, database: Database, clock: FakeClock
    ) -> None:
        """A new installation has one key, which signs at once."""
        await keys.load()
        assert published(keys) == [signing(keys, clock)] == list(await stored(database))
        assert keys.ring.keys[0].signs_from == clock()

    async def test_stores_it_sealed(self, keys: Keys, database: Database) -> None:
        """A leaked database signs nothing."""
        await keys.load()
        [sealed] = (await stored(database)).values()
        assert b"PRIVATE" not in sealed
        assert DerivedKeys(SECRET_KEY).open(sealed) == keys.ring.keys[0].private_pem

    async def test_keeps_what_is_there(
        self, keys: Keys, neighbour: Keys, clock: FakeClock
    ) -> None:
        """Starting again, or elsewhere, makes no other key."""
        await keys.load()
        before = keys.ring
        await keys.load()
        await neighbour.load()
        assert keys.ring is before
        assert neighbour.ring == before

    async def test_two_processes_make_one_key(
        self, keys: Keys, neighbour: Keys, database: Database
    ) -> None:
        """Processes that find no key at the same moment agree on one."""
        await asyncio.gather(*(each.load() for each in (keys, neighbour) * 3))
        assert len(await stored(database)) == 1
        assert published(keys) == published(neighbour)

    async def test_tells_of_a_new_key(self, keys: Keys, database: Database) -> None:
        """Other copies of the keys can be dropped."""
        heard = list[Changes]()
        database.on_change(heard.append)
        await keys.load()
        await keys.load()
        assert heard == [frozenset({"signing_keys"})]


class TestSchedule:
    """Rotation every 90 days, with an overlap."""

    async def test_one_rotation(
        self, keys: Keys, database: Database, clock: FakeClock
    ) -> None:
        """The next key is published a day before it signs, and the last one stays
        until the last token it signed is dead."""
        await keys.load()
        first = signing(keys, clock)
        clock.tick(days=89, seconds=-1)
        await keys.load()
        assert published(keys) == [first]

        clock.tick(seconds=1)
        await keys.load()
        assert len(published(keys)) == 2
        second = published(keys)[1]
        clock.tick(days=1, seconds=-1)
        assert signing(keys, clock) == first

        clock.tick(seconds=1)
        await keys.load()
        assert signing(keys, clock) == second
        assert published(keys) == [first, second]
        clock.tick(hours=1, minutes=1)
        assert published(keys) == [second]
        assert keys.ring.find(first, clock()) is None

    async def test_goes_on_and_tidies_up(
        self, keys: Keys, database: Database, clock: FakeClock
    ) -> None:
        """There are never more than two keys, and always one to sign."""
        seen = list[str]()
        for _ in range(0, 200, 2):
            await keys.load()
            assert 1 <= len(await stored(database)) <= 2
            assert signing(keys, clock) in published(keys)
            seen += [kid for kid in published(keys) if kid not in seen]
            clock.tick(days=2)
        assert len(seen) == 3

    async def test_after_a_long_stop(self, keys: Keys, clock: FakeClock) -> None:
        """A service that was down at the time publishes first all the same."""
        await keys.load()
        first = signing(keys, clock)
        clock.tick(days=400)
        await keys.load()
        assert signing(keys, clock) == first
        assert len(published(keys)) == 2
        clock.tick(days=1)
        assert signing(keys, clock) != first


class TestRotate:
    """`Keys.rotate()`."""

    async def test_publishes_before_signing(
        self, keys: Keys, neighbour: Keys, clock: FakeClock
    ) -> None:
        """The new key is in the JWKS at once and signs a day later."""
        await keys.load()
        first = signing(keys, clock)
        new = await keys.rotate()
        assert published(keys) == [first, new.kid]
        assert signing(keys, clock) == first
        clock.tick(days=1)
        assert signing(keys, clock) == new.kid
        await neighbour.load()
        assert published(neighbour) == [first, new.kid]

    async def test_puts_the_schedule_off(self, keys: Keys, clock: FakeClock) -> None:
        """The next key comes 90 days after this one."""
        await keys.load()
        await keys.rotate()
        clock.tick(days=89)
        await keys.load()
        assert len(keys.ring.keys) == 2
        clock.tick(days=1)
        await keys.load()
        assert len(published(keys)) == 2 and len(keys.ring.keys) == 2

    async def test_compromised_trusts_no_other(
        self, keys: Keys, database: Database, clock: FakeClock
    ) -> None:
        """The new key signs at once; every other is gone, the next one too."""
        await keys.load()
        await keys.rotate()
        new = await keys.rotate(compromised=True)
        assert published(keys) == [new.kid] == list(await stored(database))
        assert signing(keys, clock) == new.kid

    async def test_two_at_once(
        self, keys: Keys, neighbour: Keys, database: Database
    ) -> None:
        """Neither of two rotations at the same moment is lost."""
        await keys.load()
        made = await asyncio.gather(keys.rotate(), neighbour.rotate())
        assert {key.kid for key in made} < set(await stored(database))

    async def test_compromised_kills_access_tokens_not_sessions(
        self, services: Services, client: httpx2.AsyncClient, ada: Person
    ) -> None:
        """Every access token is refused at once; its session refreshes and goes on."""
        await services.keys.rotate(compromised=True)
        refused = await client.get(f"{API}/users/me", headers=ada.headers)
        assert (refused.status_code, refused.json()["code"]) == (401, "invalid_token")
        body = {"refresh_token": ada.refresh_token}
        tokens = (await client.post(f"{API}/auth/refresh", json=body)).json()
        assert tokens["session_id"] == ada.session_id
        back = Person(ada.email, tokens=tokens)
        me = await client.get(f"{API}/users/me", headers=back.headers)
        assert me.status_code == 200

    async def test_neighbours_rotation_is_known_at_once(
        self,
        services: Services,
        neighbour: Keys,
        client: httpx2.AsyncClient,
        ada: Person,
    ) -> None:
        """A key that another process has given up neither signs anything more, which
        would be refused, nor signs anybody out."""

        async def give_up_all() -> None:
            await neighbour.rotate(compromised=True)
            services.database.tell(ALL)

        me = f"{API}/users/me"
        await give_up_all()
        ada = await sign_in(client, ada)
        assert (await client.get(me, headers=ada.headers)).status_code == 200
        await give_up_all()
        body = {"refresh_token": ada.refresh_token}
        ada.tokens = (await client.post(f"{API}/auth/refresh", json=body)).json()
        assert (await client.get(me, headers=ada.headers)).status_code == 200
        await give_up_all()
        refused = await client.post(f"{API}/auth/logout", headers=ada.headers)
        assert refused.status_code == 401

    async def test_plain_rotation_keeps_tokens(
        self, services: Services, client: httpx2.AsyncClient, ada: Person
    ) -> None:
        """Tokens of the old key stay good."""
        await services.keys.rotate()
        me = await client.get(f"{API}/users/me", headers=ada.headers)
        assert me.status_code == 200


class TestSecretKey:
    """SECRET_KEY and PREVIOUS_SECRET_KEYS."""

    @pytest.mark.parametrize(
        "use",
        [Keys.load, Keys.rotate, Keys.reseal],
        ids=["load", "rotate", "reseal"],
    )
    async def test_wrong_one_is_refused(
        self,
        keys: Keys,
        database: Database,
        clock: FakeClock,
        use: Callable[[Keys], Awaitable[object]],
    ) -> None:
        """Keys sealed under another secret stop whatever needs them, in one line, and
        stay as they are."""
        await keys.load()
        before = await stored(database)
        other = Keys(database, DerivedKeys(OTHER_SECRET), clock, Lease())
        with pytest.raises(StartupError, match="PREVIOUS_SECRET_KEYS") as refused:
            await use(other)
        assert "\n" not in str(refused.value)
        assert await stored(database) == before

    async def test_server_refuses_to_start(
        self, settings: Settings, clock: FakeClock
    ) -> None:
        """A server with another SECRET_KEY does not start."""
        async with run_app(settings, clock):
            pass
        changed = settings_with(settings.database_url, OTHER_SECRET)
        with pytest.raises(StartupError, match="SECRET_KEY"):
            async with run_app(changed, clock):
                raise AssertionError("it started")

    async def test_previous_one_opens_and_seals_again(
        self, settings: Settings, clock: FakeClock
    ) -> None:
        """A change of SECRET_KEY signs nobody out, and after one start the old secret
        is not needed to open the keys any more."""
        url = settings.database_url
        async with run_app(settings, clock) as app:
            ada = await sign_in(app.client, await register(app.client, "a@example.com"))
            ring = app.services.keys.ring
        for secret, previous in [
            (OTHER_SECRET, f"{THIRD_SECRET}, {SECRET_KEY}"),
            (OTHER_SECRET, ""),
        ]:
            changed = settings_with(url, secret, previous)
            async with run_app(changed, clock) as app:
                assert app.services.keys.ring == ring
                me = await app.client.get(f"{API}/users/me", headers=ada.headers)
                assert me.status_code == 200

    async def test_reseal_changes_the_seal_only(
        self, keys: Keys, database: Database, clock: FakeClock
    ) -> None:
        """The key inside is the same; it opens with the new secret alone."""
        await keys.load()
        before = await stored(database)
        both = DerivedKeys(OTHER_SECRET, [SECRET_KEY])
        await Keys(database, both, clock, Lease()).reseal()
        after = await stored(database)
        assert after.keys() == before.keys() and after != before
        opened = Keys(database, DerivedKeys(OTHER_SECRET), clock, Lease())
        await opened.load()
        assert opened.ring == keys.ring


def settings_with(url: str, secret: str, previous: str = "") -> Settings:
    """Return settings with these secrets."""
    return make_settings(url, secret_key=secret, previous_secret_keys=previous)


def test_overlap_outlasts_every_token() -> None:
    """No allowed ACCESS_TOKEN_SECONDS outlives its key."""
    bounds = Settings.model_fields["access_token_seconds"].metadata
    [longest] = [bound.le for bound in bounds if hasattr(bound, "le")]
    assert LONGEST_TOKEN > timedelta(seconds=longest)
