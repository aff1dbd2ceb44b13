"""Passwords and addresses that are taken for others."""

from uuid import UUID

import bcrypt
import httpx2
import pytest
from sqlalchemy import update

from app.database import Database
from app.models import User
from tests.support.people import API, PASSWORD, Person, register, sign_in
from tests.support.problems import problem

LOGIN, REGISTER = f"{API}/auth/login", f"{API}/auth/register"
LONG = "seven tame geese at dusk, nine quiet herons " * 3
LONG_ADDRESS = f"{'ada.' * 15}ada@{'.'.join(['x' * 60] * 3)}.com"


async def login(
    client: httpx2.AsyncClient, email: str, password: str
) -> httpx2.Response:
    """Try to sign in."""
    return await client.post(LOGIN, json={"email": email, "password": password})


class TestBcryptTruncation:
    """Okta 2024: bcrypt hashed user id, name and password together and stopped at 72
    bytes, so that behind a long name any password was right."""

    @pytest.mark.parametrize("length", [72, 73, 128])
    async def test_every_character_counts(
        self, client: httpx2.AsyncClient, length: int
    ) -> None:
        """A password that differs in its last character alone is another one."""
        right = LONG[:length]
        body = {"email": "ada@example.com", "password": right}
        assert (await client.post(REGISTER, json=body)).status_code == 201
        for wrong in (right[:-1], f"{right[:-1]}!", f"{right}!"):
            refused = await login(client, "ada@example.com", wrong)
            assert refused.status_code == 401
        assert (await login(client, "ada@example.com", right)).status_code == 200

    async def test_long_address_takes_no_room(self, client: httpx2.AsyncClient) -> None:
        """Behind the longest of addresses the password still decides."""
        assert len(LONG_ADDRESS) == 250
        ada = await register(client, LONG_ADDRESS)
        for wrong in ("x", "", f"{PASSWORD}x"):
            assert (await login(client, ada.email, wrong)).status_code == 401
        await sign_in(client, ada)

    async def test_hash_from_elsewhere(
        self, client: httpx2.AsyncClient, ada: Person, database: Database
    ) -> None:
        """A plain bcrypt hash does not match what begins with its 72 bytes."""
        seen = LONG[:72]
        hashed = bcrypt.hashpw(seen.encode(), bcrypt.gensalt(4)).decode()
        async with database.writing() as session:
            imported = update(User).where(User.id == UUID(ada.id))
            await session.execute(imported.values(password_hash=hashed))
        problem(await login(client, ada.email, f"{seen}!"), 401, "invalid_credentials")
        assert (await login(client, ada.email, seen)).status_code == 200


class TestUnicodeTwins:
    """CVE-2019-19844: an address was looked up by a case mapping that joins different
    letters, and the reset went to the one that had been typed."""

    @pytest.mark.parametrize(
        "twin",
        ["MIKE@EXAMPLE.COM", "mi\u212ae@example.com", "ｍｉｋｅ@example.com"],
        ids=["capitals", "kelvin", "full-width"],
    )
    async def test_another_spelling_is_no_second_account(
        self, client: httpx2.AsyncClient, twin: str
    ) -> None:
        """It can't sign up, and signing in by it shows the owner's own spelling."""
        mike = await register(client, "mike@example.com")
        body = {"email": twin, "password": "nine quiet herons"}
        problem(await client.post(REGISTER, json=body), 409, "email_taken")
        signed_in = (await login(client, twin, PASSWORD)).json()
        assert signed_in["user"]["id"] == mike.id
        assert signed_in["user"]["email"] == "mike@example.com"

    @pytest.mark.parametrize(
        "stranger",
        ["mıke@example.com", "míke@example.com", "mіke@example.com"],
        ids=["dotless-i", "accent", "cyrillic"],
    )
    async def test_another_letter_is_another_account(
        self, client: httpx2.AsyncClient, stranger: str
    ) -> None:
        """Letters that only look alike, or share a capital, open nothing of Mike's."""
        mike = await register(client, "mike@example.com")
        problem(await login(client, stranger, PASSWORD), 401, "invalid_credentials")
        body = {"email": stranger, "password": "nine quiet herons"}
        made = await client.post(REGISTER, json=body)
        assert made.status_code == 201
        assert made.json()["id"] != mike.id
        assert (await login(client, stranger, PASSWORD)).status_code == 401
