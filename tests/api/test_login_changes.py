"""POST /api/v1/auth/login: what changes about the account before, while and after."""

from uuid import UUID

import bcrypt
import httpx2
import pytest
from sqlalchemy import update

from app.core.security import hash_password
from app.database import Database
from app.models import User
from tests.support.apps import RunningApp
from tests.support.clock import FakeClock
from tests.support.people import API, PASSWORD, Person, register, sign_in
from tests.support.problems import problem
from tests.support.services import interrupted
from tests.support.stored import number_of_sessions

LOGIN = f"{API}/auth/login"
ADA = {"email": "ada@example.com", "password": PASSWORD}
WRONG = ADA | {"password": "wrong horse battery"}
NEW = "another horse battery"


async def store_hash(database: Database, person: Person, hashed: str) -> None:
    """Put a hash into an account, as an import from elsewhere does."""
    async with database.writing() as session:
        await session.execute(
            update(User).where(User.id == UUID(person.id)).values(password_hash=hashed)
        )


async def stored(database: Database, person: Person) -> User:
    """Return an account as it is stored."""
    async with database.reading() as session:
        return await session.get_one(User, UUID(person.id))


def plain(prefix: bytes) -> str:
    """Return a hash as other programs store it."""
    hashed = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4))
    return hashed.replace(b"$2b$", prefix).decode()


class TestRehash:
    """Hashes that are not of today's format and cost."""

    @pytest.mark.parametrize("prefix", [b"$2a$", b"$2b$", b"$2y$"], ids=bytes.decode)
    async def test_plain_bcrypt_is_replaced(
        self, client: httpx2.AsyncClient, database: Database, prefix: bytes
    ) -> None:
        """A plain bcrypt hash signs in, is replaced, and the password still works."""
        ada = await register(client, "ada@example.com")
        await store_hash(database, ada, plain(prefix))
        assert (await client.post(LOGIN, json=ADA)).status_code == 200
        replaced = (await stored(database, ada)).password_hash
        assert replaced.startswith("cardea1$2b$04$")
        assert (await client.post(LOGIN, json=ADA)).status_code == 200

    async def test_other_cost_is_replaced(
        self, client: httpx2.AsyncClient, database: Database
    ) -> None:
        """A hash of another cost is replaced by one of today's."""
        ada = await register(client, "ada@example.com")
        await store_hash(database, ada, hash_password(PASSWORD, 5))
        assert (await client.post(LOGIN, json=ADA)).status_code == 200
        replaced = (await stored(database, ada)).password_hash
        assert replaced.startswith("cardea1$2b$04$")

    async def test_todays_hash_stays(
        self, client: httpx2.AsyncClient, database: Database
    ) -> None:
        """A hash of today's format and cost is left alone."""
        ada = await register(client, "ada@example.com")
        before = (await stored(database, ada)).password_hash
        await client.post(LOGIN, json=ADA)
        assert (await stored(database, ada)).password_hash == before

    async def test_wrong_password_replaces_nothing(
        self, client: httpx2.AsyncClient, database: Database
    ) -> None:
        """Only the right password may replace a hash."""
        ada = await register(client, "ada@example.com")
        old = plain(b"$2b$")
        await store_hash(database, ada, old)
        problem(await client.post(LOGIN, json=WRONG), 401, "invalid_credentials")
        assert (await stored(database, ada)).password_hash == old

    async def test_malformed_hash_matches_nothing(
        self, client: httpx2.AsyncClient, database: Database
    ) -> None:
        """A hash that is none refuses everybody, without a crash."""
        ada = await register(client, "ada@example.com")
        await store_hash(database, ada, "$2b$nonsense")
        problem(await client.post(LOGIN, json=ADA), 401, "invalid_credentials")


class TestRaces:
    """What happens between the check of the password and the session."""

    async def test_password_changed_meanwhile(
        self,
        running: RunningApp,
        client: httpx2.AsyncClient,
        ada: Person,
        database: Database,
    ) -> None:
        """The old password starts no session once the new one is saved."""
        passwords = interrupted(running)

        async def change_password() -> None:
            body = {"current_password": PASSWORD, "new_password": NEW}
            path = f"{API}/users/me/password"
            changed = await client.post(path, json=body, headers=ada.headers)
            assert changed.status_code == 204

        passwords.after_verify = change_password
        problem(await client.post(LOGIN, json=ADA), 401, "invalid_credentials")
        assert await number_of_sessions(database, ada.id) == 1

    async def test_same_password_hashed_anew_meanwhile(
        self, running: RunningApp, client: httpx2.AsyncClient, ada: Person
    ) -> None:
        """Two sign-ins at once that both improve the hash both succeed."""
        database = running.services.database
        await store_hash(database, ada, plain(b"$2b$"))
        passwords = interrupted(running)
        passwords.after_hash = lambda: client.post(LOGIN, json=ADA)
        assert (await client.post(LOGIN, json=ADA)).status_code == 200
        assert await number_of_sessions(database, ada.id) == 3

    async def test_hash_that_keeps_changing(
        self, running: RunningApp, client: httpx2.AsyncClient, ada: Person
    ) -> None:
        """A hash that changes at every check is refused, not chased for ever."""
        database = running.services.database
        passwords = interrupted(running)

        async def change_it() -> None:
            await store_hash(database, ada, hash_password(PASSWORD, 4))
            passwords.after_verify = change_it

        passwords.after_verify = change_it
        problem(await client.post(LOGIN, json=ADA), 401, "invalid_credentials")

    async def test_rehash_does_not_undo_a_password_change(
        self,
        running: RunningApp,
        client: httpx2.AsyncClient,
        ada: Person,
        database: Database,
    ) -> None:
        """A better hash of the old password never replaces the new password."""
        await store_hash(database, ada, plain(b"$2b$"))
        changed = hash_password(NEW, 4)
        passwords = interrupted(running)
        passwords.after_hash = lambda: store_hash(database, ada, changed)
        problem(await client.post(LOGIN, json=ADA), 401, "invalid_credentials")
        assert (await stored(database, ada)).password_hash == changed

    @pytest.mark.parametrize(
        ("method", "status", "code"),
        [("PATCH", 403, "account_disabled"), ("DELETE", 401, "invalid_credentials")],
        ids=["disabled", "deleted"],
    )
    async def test_admin_acts_meanwhile(
        self,
        running: RunningApp,
        client: httpx2.AsyncClient,
        ada: Person,
        admin: Person,
        database: Database,
        method: str,
        status: int,
        code: str,
    ) -> None:
        """An account that is disabled or deleted meanwhile gets no session."""
        passwords = interrupted(running)
        body = {"status": "disabled"} if method == "PATCH" else None
        sessions = await number_of_sessions(database, ada.id)
        passwords.after_verify = lambda: client.request(
            method, f"{API}/users/{ada.id}", json=body, headers=admin.headers
        )
        problem(await client.post(LOGIN, json=ADA), status, code)
        assert await number_of_sessions(database, ada.id) <= sessions

    async def test_renamed_meanwhile(
        self, running: RunningApp, client: httpx2.AsyncClient, ada: Person
    ) -> None:
        """What is answered is the account as it is when the session starts."""
        passwords = interrupted(running)
        passwords.after_verify = lambda: client.patch(
            f"{API}/users/me", json={"display_name": "Ada L."}, headers=ada.headers
        )
        signed_in = await client.post(LOGIN, json=ADA)
        assert signed_in.json()["user"]["display_name"] == "Ada L."


class TestLastSignIn:
    """What a sign-in leaves behind."""

    async def test_is_noted(
        self, client: httpx2.AsyncClient, ada: Person, database: Database
    ) -> None:
        """The moment of the last sign-in is stored, and a failed one moves nothing."""
        first = (await stored(database, ada)).last_sign_in_at
        assert first is not None
        await client.post(LOGIN, json=WRONG)
        assert (await stored(database, ada)).last_sign_in_at == first

    async def test_is_seen_at_once(
        self, client: httpx2.AsyncClient, ada: Person, clock: FakeClock
    ) -> None:
        """Sessions that are remembered see the later sign-in too."""
        path = f"{API}/users/me"
        for _ in range(2):
            await client.get(path, headers=ada.headers)
        clock.tick(minutes=1)
        await sign_in(client, ada)
        seen = await client.get(path, headers=ada.headers)
        assert seen.json()["last_sign_in_at"] == "2026-06-01T12:01:00Z"
