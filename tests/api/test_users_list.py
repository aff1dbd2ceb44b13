"""GET /api/v1/users: order, filters, pages."""

from typing import Any
from uuid import UUID

import httpx2
import pytest

from app.core.encoding import encode
from tests.support.people import API, PASSWORD, Person
from tests.support.problems import fields
from tests.support.roles import make_role

USERS = f"{API}/users"


async def make_user(
    client: httpx2.AsyncClient, admin: Person, email: str, **more: Any
) -> str:
    """Make an account as an admin; return its id."""
    body = {"email": email, "password": PASSWORD, **more}
    response = await client.post(USERS, json=body, headers=admin.headers)
    assert response.status_code == 201, response.text
    return str(response.json()["id"])


async def listed(
    client: httpx2.AsyncClient, admin: Person, **query: str | int
) -> dict[str, Any]:
    """Return a page of users."""
    response = await client.get(USERS, params=query, headers=admin.headers)
    assert response.status_code == 200, response.text
    page: dict[str, Any] = response.json()
    return page


async def found(client: httpx2.AsyncClient, admin: Person, **query: str) -> list[str]:
    """Return the addresses that match."""
    page = await listed(client, admin, **query)
    return [item["email"] for item in page["items"]]


class TestOrder:
    """The order of a listing."""

    async def test_newest_first(
        self, client: httpx2.AsyncClient, admin: Person
    ) -> None:
        """The account made last comes first, each as the User."""
        for number in range(3):
            await make_user(client, admin, f"user{number}@example.com")
        page = await listed(client, admin)
        assert [item["email"] for item in page["items"]] == [
            "user2@example.com",
            "user1@example.com",
            "user0@example.com",
            "root@example.com",
        ]
        assert page["next_cursor"] is None
        assert page["items"][3] == admin.tokens["user"]


class TestFilters:
    """q, role and status."""

    @pytest.fixture(autouse=True)
    async def people(self, client: httpx2.AsyncClient, admin: Person) -> None:
        """Some people to look for."""
        await make_role(client, admin, "editor", ["articles:write"])
        everybody: list[tuple[str, str | None, list[str]]] = [
            ("Ada.Byron@example.com", "Countess of Lovelace", ["editor"]),
            ("bob_1@example.com", "100 % Bob", ["user"]),
            ("bobx1@example.com", "Änne Österreich", ["editor", "user"]),
            ("carol@bücher.example", None, []),
        ]
        for email, name, roles in everybody:
            await make_user(client, admin, email, display_name=name, roles=roles)

    @pytest.mark.parametrize(
        ("text", "emails"),
        [
            ("byron", ["Ada.Byron@example.com"]),
            ("BYRON", ["Ada.Byron@example.com"]),
            ("countess of", ["Ada.Byron@example.com"]),
            ("LOVELACE", ["Ada.Byron@example.com"]),
            ("bob", ["bobx1@example.com", "bob_1@example.com"]),
            ("bob_", ["bob_1@example.com"]),
            ("%", ["bob_1@example.com"]),
            ("\\", []),
            ("' OR 1=1 --", []),
            ("Änne", ["bobx1@example.com"]),
            ("bücher", ["carol@bücher.example"]),
            ("nobody", []),
        ],
        ids=[
            "e-mail",
            "e-mail in another case",
            "name in another case",
            "name",
            "several",
            "underscore",
            "percent",
            "backslash",
            "SQL",
            "other letters",
            "other letters in a domain",
            "none",
        ],
    )
    async def test_text(
        self, client: httpx2.AsyncClient, admin: Person, text: str, emails: list[str]
    ) -> None:
        """The text is looked for in e-mail and name, as it stands, in any case."""
        assert await found(client, admin, q=text) == emails

    async def test_role(self, client: httpx2.AsyncClient, admin: Person) -> None:
        """Only those who have the role, each with all of theirs."""
        page = await listed(client, admin, role="editor")
        assert [item["roles"] for item in page["items"]] == [
            ["editor", "user"],
            ["editor"],
        ]
        assert await found(client, admin, role="nobody") == []

    async def test_status(self, client: httpx2.AsyncClient, admin: Person) -> None:
        """Only those of that status."""
        new = await make_user(client, admin, "dan@example.com")
        body = {"status": "disabled"}
        await client.patch(f"{USERS}/{new}", json=body, headers=admin.headers)
        assert await found(client, admin, status="disabled") == ["dan@example.com"]
        assert len(await found(client, admin, status="active")) == 5

    async def test_all_together(
        self, client: httpx2.AsyncClient, admin: Person
    ) -> None:
        """Every filter must match."""
        both = await found(client, admin, q="bob", role="user", status="active")
        assert both == ["bobx1@example.com", "bob_1@example.com"]
        assert await found(client, admin, q="byron", role="user") == []

    @pytest.mark.parametrize(
        ("query", "field"),
        [
            ({"q": ""}, "query.q"),
            ({"q": "a" * 255}, "query.q"),
            ({"q": "a\x00"}, "query.q"),
            ({"role": "\x00"}, "query.role"),
            ({"status": "gone"}, "query.status"),
        ],
        ids=["empty", "long", "NUL", "NUL in role", "status"],
    )
    async def test_bad_query(
        self,
        client: httpx2.AsyncClient,
        admin: Person,
        query: dict[str, str],
        field: str,
    ) -> None:
        """A bad parameter is named."""
        response = await client.get(USERS, params=query, headers=admin.headers)
        assert fields(response) == [field]


class TestPages:
    """limit and cursor."""

    async def test_every_account_comes_once(
        self, client: httpx2.AsyncClient, admin: Person
    ) -> None:
        """Accounts made while one reads neither repeat nor hide others."""
        made = [
            await make_user(client, admin, f"user{number}@example.com")
            for number in range(5)
        ]
        seen: list[str] = []
        query: dict[str, str | int] = {"limit": 2}
        for number in range(5, 9):
            page = await listed(client, admin, **query)
            seen += [item["id"] for item in page["items"]]
            await make_user(client, admin, f"user{number}@example.com")
            if page["next_cursor"] is None:
                break
            query["cursor"] = page["next_cursor"]
        assert seen == [*reversed(made), admin.id]

    async def test_full_last_page(
        self, client: httpx2.AsyncClient, admin: Person
    ) -> None:
        """A last page that is just full leads nowhere."""
        await make_user(client, admin, "user@example.com")
        assert (await listed(client, admin, limit=2))["next_cursor"] is None
        assert (await listed(client, admin, limit=1))["next_cursor"] is not None

    async def test_filters_go_on(
        self, client: httpx2.AsyncClient, admin: Person
    ) -> None:
        """The next page of a filtered listing is filtered too."""
        for name in ("ada1", "bob1", "ada2", "bob2"):
            await make_user(client, admin, f"{name}@example.com")
        first = await listed(client, admin, q="ada", limit=1)
        cursor = str(first["next_cursor"])
        second = await listed(client, admin, q="ada", limit=1, cursor=cursor)
        assert [first["items"][0]["email"], second["items"][0]["email"]] == [
            "ada2@example.com",
            "ada1@example.com",
        ]
        assert second["next_cursor"] is None

    @pytest.mark.parametrize(
        "cursor",
        [
            "",
            "garbage",
            "../../etc/passwd",
            encode(b"short"),
            encode(b"x" * 17),
            encode(UUID(int=0).bytes) + "=",
            encode(UUID(int=0).bytes)[:-1] + "B",
            "é" * 22,
            "\x00",
        ],
        ids=[
            "empty",
            "garbage",
            "path",
            "short",
            "long",
            "padded",
            "other spelling",
            "not ASCII",
            "NUL",
        ],
    )
    async def test_forged_cursor(
        self, client: httpx2.AsyncClient, admin: Person, cursor: str
    ) -> None:
        """A cursor that we can't have written is refused."""
        query = {"cursor": cursor}
        response = await client.get(USERS, params=query, headers=admin.headers)
        assert fields(response) == ["query.cursor"]

    async def test_invented_cursor(
        self, client: httpx2.AsyncClient, admin: Person
    ) -> None:
        """An invented id merely begins somewhere else: here, before everything."""
        page = await listed(client, admin, cursor=encode(UUID(int=0).bytes))
        assert page == {"items": [], "next_cursor": None}

    @pytest.mark.parametrize("limit", ["0", "201", "-1", "1.5", "all"])
    async def test_bad_limit(
        self, client: httpx2.AsyncClient, admin: Person, limit: str
    ) -> None:
        """A page has 1 to 200 items."""
        query = {"limit": limit}
        response = await client.get(USERS, params=query, headers=admin.headers)
        assert fields(response) == ["query.limit"]

    @pytest.mark.parametrize("limit", [1, 200])
    async def test_good_limit(
        self, client: httpx2.AsyncClient, admin: Person, limit: int
    ) -> None:
        """Both bounds are allowed."""
        assert len((await listed(client, admin, limit=limit))["items"]) == 1

    async def test_fifty_by_default(
        self, client: httpx2.AsyncClient, admin: Person
    ) -> None:
        """Without a limit a page has fifty items."""
        for number in range(50):
            await make_user(client, admin, f"user{number}@example.com")
        page = await listed(client, admin)
        assert len(page["items"]) == 50
        assert page["next_cursor"] is not None
