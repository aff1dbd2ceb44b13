"""What answers, and the work they take, tell about who has an account."""

from collections.abc import Awaitable, Callable
from typing import Any

import bcrypt
import httpx2
import pytest
from sqlalchemy import update

from app.core.config import Settings
from app.database import Database
from app.models import User
from tests.conftest import MakeSettings
from tests.hostile.test_enumeration import visible
from tests.support.people import API, PASSWORD, Person

WRONG = "a wrong guess at it"
PLAIN = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()
ACCOUNTS: dict[str, dict[str, Any]] = {
    "ordinary": {},
    "disabled": {"status": "disabled"},
    "without-password": {"password_hash": "!"},
    "empty-hash": {"password_hash": ""},
    "hash-from-elsewhere": {"password_hash": PLAIN},
}

Ask = Callable[[httpx2.AsyncClient, str], Awaitable[httpx2.Response]]


async def login(client: httpx2.AsyncClient, email: str) -> httpx2.Response:
    """Try a wrong password."""
    body = {"email": email, "password": WRONG}
    return await client.post(f"{API}/auth/login", json=body)


async def grant(client: httpx2.AsyncClient, email: str) -> httpx2.Response:
    """Try a wrong password at the token endpoint."""
    form = {"grant_type": "password", "username": email, "password": WRONG}
    return await client.post(f"{API}/auth/token", data=form)


async def register(client: httpx2.AsyncClient, email: str) -> httpx2.Response:
    """Sign up."""
    body = {"email": email, "password": PASSWORD}
    return await client.post(f"{API}/auth/register", json=body)


@pytest.fixture
def hashes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The cost of each bcrypt computation that is carried out from here on."""
    done, check, make_hash = list[int](), bcrypt.checkpw, bcrypt.hashpw

    def counted_check(password: bytes, hashed: bytes) -> bool:
        right = check(password, hashed)
        done.append(int(hashed[4:6]))
        return right

    def counted_hash(password: bytes, salt: bytes) -> bytes:
        done.append(int(salt[4:6]))
        return make_hash(password, salt)

    monkeypatch.setattr(bcrypt, "checkpw", counted_check)
    monkeypatch.setattr(bcrypt, "hashpw", counted_hash)
    return done


class TestEnumerationBySignIn:
    """CVE-2024-39329: an account without a usable password was refused sooner than
    others, because nothing was hashed for it."""

    @pytest.fixture
    def settings(self, make: MakeSettings) -> Settings:
        """Hashes cost more than those that were brought along."""
        return make(bcrypt_rounds=6)

    @pytest.mark.parametrize("ask", [login, grant])
    @pytest.mark.parametrize("values", ACCOUNTS.values(), ids=ACCOUNTS)
    async def test_known_is_like_unknown(
        self,
        client: httpx2.AsyncClient,
        ada: Person,
        database: Database,
        hashes: list[int],
        values: dict[str, Any],
        ask: Ask,
    ) -> None:
        """Either costs as much as one hash at today's cost, and gets the same bytes."""
        if values:
            async with database.writing() as session:
                await session.execute(update(User).values(**values))
        hashes.clear()
        known = await ask(client, ada.email)
        assert sum(2**cost for cost in hashes) == 2**6
        unknown = await ask(client, "nobody@example.com")
        assert sum(2**cost for cost in hashes) == 2 * 2**6
        assert visible(known) == visible(unknown)


class TestEnumerationBySignUp:
    """CVE-2024-39329, its other half: an answer that comes sooner, or says more, for
    an address that is taken."""

    @pytest.fixture
    def settings(self, make: MakeSettings) -> Settings:
        """Where addresses are verified, sign-up has nothing to tell."""
        return make(email_verification="required")

    async def test_taken_is_like_free(
        self, client: httpx2.AsyncClient, hashes: list[int]
    ) -> None:
        """Either costs one hash at today's cost, and gets the same bytes."""
        free = await register(client, "ada@example.com")
        taken = await register(client, "ADA@example.com")
        assert hashes == [4, 4]
        assert visible(free) == visible(taken)
        assert free.status_code == 202
