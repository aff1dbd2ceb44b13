"""Bodies that say more, or otherwise, than a caller may."""

import json
from typing import Any

import httpx2
import pytest

from app.database import Database
from tests.hostile.calls import CHANGE_ME, CREATE_USER, LOGIN, REGISTER, Call
from tests.support.apps import RunningApp, browse
from tests.support.hostile import contents, refused
from tests.support.people import API, Person, register
from tests.support.roles import holder_of

ME = f"{API}/users/me"


def _name(call: Call) -> str:
    return call.name


async def accounts(database: Database) -> dict[str, list[tuple[Any, ...]]]:
    """Return all that is stored but sessions, which note that they were used."""
    stored = await contents(database)
    return {table: rows for table, rows in stored.items() if table != "sessions"}


class TestMassAssignment:
    """CVE-2026-27946: a change of one's own address could mark it as verified; and
    CVE-2024-37905: a change of one's own token could give it another owner."""

    @pytest.mark.parametrize("call", [CHANGE_ME, REGISTER], ids=_name)
    @pytest.mark.parametrize(
        "field",
        ["email_verified", "roles", "status", "id", "user_id", "owner", "permissions"],
    )
    async def test_own_account_takes_no_more(
        self,
        client: httpx2.AsyncClient,
        ada: Person,
        admin: Person,
        database: Database,
        call: Call,
        field: str,
    ) -> None:
        """A field that is not the caller's to set is refused, and the rest with it."""
        values = {"email_verified": True, "status": "active", "roles": ["admin"]}
        before = await accounts(database)
        response = await client.request(
            call.method,
            f"{call.path}?{field}=true",
            json={**call.body, field: values.get(field, admin.id)},
            headers=ada.headers,
        )
        refused(response, 422, "validation_failed")
        assert await accounts(database) == before

    async def test_nobody_gives_what_they_do_not_hold(
        self, client: httpx2.AsyncClient, admin: Person, database: Database
    ) -> None:
        """Who may change accounts makes no admin of anybody, nor takes one's place."""
        eve = await holder_of(client, admin, "users:read", "users:write")
        before = await accounts(database)
        for method, path, body in (
            ("PUT", f"{API}/users/{eve.id}/roles", {"roles": ["admin"]}),
            ("PUT", f"{API}/users/{admin.id}/roles", {"roles": []}),
            ("POST", CREATE_USER.path, {**CREATE_USER.body, "roles": ["admin"]}),
        ):
            response = await client.request(
                method, path, json=body, headers=eve.headers
            )
            refused(response, 403, "permission_denied")
        assert await accounts(database) == before


class TestArraysForStrings:
    """CVE-2023-7028: a reset took an array of addresses, looked the account up by one
    and sent the code to all."""

    @pytest.mark.parametrize("call", [REGISTER, LOGIN, CREATE_USER], ids=_name)
    @pytest.mark.parametrize(
        "email",
        [
            ["ada@example.com"],
            ["ada@example.com", "eve@example.com"],
            {"0": "ada@example.com", "1": "eve@example.com"},
            "ada@example.com,eve@example.com",
        ],
        ids=["one", "two", "object", "comma"],
    )
    async def test_is_not_one_address(
        self, client: httpx2.AsyncClient, admin: Person, call: Call, email: Any
    ) -> None:
        """One address is a string, and a string is one address."""
        await register(client, "ada@example.com")
        body = {**call.body, "email": email}
        response = await client.post(call.path, json=body, headers=admin.headers)
        if call is LOGIN and isinstance(email, str):
            refused(response, 401, "invalid_credentials", "ada@", "eve@")
        else:
            refused(response, 422, "validation_failed", "ada@", "eve@")


class TestPlainText:
    """CVE-2021-32677: JSON was read whatever the content type, so that any page could
    post it as text/plain, with the user's cookies and without a preflight."""

    @pytest.mark.parametrize(
        "media_type",
        ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""],
    )
    async def test_is_not_read(
        self, running: RunningApp, ada: Person, database: Database, media_type: str
    ) -> None:
        """What a page may send without asking is refused before it is read."""
        before = await contents(database)
        async with browse(running.app) as browser:
            browser.cookies.set("cardea_access", ada.tokens["access_token"])
            for call in (CHANGE_ME, LOGIN, REGISTER):
                response = await browser.request(
                    call.method,
                    call.path,
                    content=json.dumps(call.body),
                    headers={"Content-Type": media_type},
                )
                refused(response, 415, "unsupported_media_type")
        assert await contents(database) == before

    async def test_nor_is_json_of_another_site(
        self, running: RunningApp, ada: Person, database: Database
    ) -> None:
        """With the right type, where it came from decides."""
        before = await contents(database)
        async with browse(running.app) as browser:
            browser.cookies.set("cardea_access", ada.tokens["access_token"])
            foreign = {"Origin": "https://evil.example"}
            response = await browser.patch(ME, json=CHANGE_ME.body, headers=foreign)
            refused(response, 403, "cross_site_request")
        assert await contents(database) == before
