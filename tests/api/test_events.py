"""What the log tells an operator about accounts and roles, whoever asks for it."""

from typing import Any

import httpx2
import pytest

from tests.support.people import API, PASSWORD, Person, sign_in

NEW_PASSWORD = "another horse battery"
ROLE = {"name": "editor", "description": "", "permissions": ["articles:write"]}


def told(caplog: pytest.LogCaptureFixture, event: str) -> dict[str, Any]:
    """Return the fields of the only line about this event."""
    (line,) = [record for record in caplog.records if record.getMessage() == event]
    return vars(line)


async def call(
    client: httpx2.AsyncClient, person: Person, method: str, path: str, body: object
) -> dict[str, Any]:
    """Call something that must succeed; return its answer."""
    response = await client.request(
        method, f"{API}{path}", json=body, headers=person.headers
    )
    assert response.is_success, response.text
    return response.json() if response.content else {}


@pytest.fixture(autouse=True)
def everything_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """Log like an installation does by default."""
    caplog.set_level("INFO", "app")


class TestSigningIn:
    """Events of signing up and in."""

    async def test_sign_up(
        self, client: httpx2.AsyncClient, caplog: pytest.LogCaptureFixture
    ) -> None:
        """A new account is named by its id."""
        body = {"email": "ada@example.com", "password": PASSWORD}
        user = (await client.post(f"{API}/auth/register", json=body)).json()
        assert told(caplog, "auth.registered")["new_user"] == user["id"]

    async def test_sign_in(
        self, client: httpx2.AsyncClient, ada: Person, caplog: pytest.LogCaptureFixture
    ) -> None:
        """A sign-in names the user and the session."""
        again = await sign_in(client, ada)
        fields = told(caplog, "auth.signed_in")
        assert (fields["of_user"], fields["new_session"]) == (ada.id, again.session_id)

    @pytest.mark.parametrize("known", [True, False], ids=["known", "unknown"])
    async def test_failed(
        self,
        client: httpx2.AsyncClient,
        ada: Person,
        caplog: pytest.LogCaptureFixture,
        known: bool,
    ) -> None:
        """A failed sign-in says whether the address has an account, and a warning."""
        email = ada.email if known else "nobody@example.com"
        body = {"email": email, "password": NEW_PASSWORD}
        await client.post(f"{API}/auth/login", json=body)
        fields = told(caplog, "auth.sign_in_failed")
        assert (fields["known_email"], fields["levelname"]) == (known, "WARNING")


class TestAccounts:
    """Events of accounts."""

    async def test_made_by_an_admin(
        self,
        client: httpx2.AsyncClient,
        admin: Person,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        """An account that an admin makes is named by its id."""
        body = {"email": "new@example.com", "password": PASSWORD}
        user = await call(client, admin, "POST", "/users", body)
        assert told(caplog, "user.created")["new_user"] == user["id"]

    async def test_changed_by_an_admin(
        self,
        client: httpx2.AsyncClient,
        ada: Person,
        admin: Person,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        """What was changed is named, and not what to."""
        body = {"status": "disabled", "display_name": "Ada"}
        await call(client, admin, "PATCH", f"/users/{ada.id}", body)
        fields = told(caplog, "user.changed")
        assert fields["of_user"] == ada.id
        assert fields["fields"] == ["display_name", "status"]

    async def test_roles(
        self,
        client: httpx2.AsyncClient,
        ada: Person,
        admin: Person,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        """New roles are named."""
        body = {"roles": ["admin"]}
        await call(client, admin, "PUT", f"/users/{ada.id}/roles", body)
        fields = told(caplog, "user.roles_set")
        assert (fields["of_user"], fields["roles"]) == (ada.id, ["admin"])

    @pytest.mark.parametrize(
        ("method", "path", "body", "event"),
        [
            ("PATCH", "/users/me", {"display_name": "Ada"}, "user.changed"),
            (
                "POST",
                "/users/me/password",
                {"current_password": PASSWORD, "new_password": NEW_PASSWORD},
                "user.password_changed",
            ),
            ("DELETE", "/users/me", {"password": PASSWORD}, "user.deleted"),
        ],
        ids=["rename", "password", "delete"],
    )
    async def test_ones_own(
        self,
        client: httpx2.AsyncClient,
        ada: Person,
        caplog: pytest.LogCaptureFixture,
        method: str,
        path: str,
        body: dict[str, str],
        event: str,
    ) -> None:
        """What people do to their own account is told by its id."""
        await call(client, ada, method, path, body)
        assert told(caplog, event)["of_user"] == ada.id

    async def test_deleted_by_an_admin(
        self,
        client: httpx2.AsyncClient,
        ada: Person,
        admin: Person,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        """A deleted account is named by its id."""
        await call(client, admin, "DELETE", f"/users/{ada.id}", None)
        assert told(caplog, "user.deleted")["of_user"] == ada.id


class TestRoles:
    """Events of roles."""

    async def test_whole_life(
        self,
        client: httpx2.AsyncClient,
        admin: Person,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        """Made, changed and deleted: each is told by the role's name."""
        change = {"description": "Writes.", "permissions": []}
        await call(client, admin, "POST", "/roles", ROLE)
        await call(client, admin, "PUT", "/roles/editor", change)
        await call(client, admin, "DELETE", "/roles/editor", None)
        for event in ("role.created", "role.changed", "role.deleted"):
            assert told(caplog, event)["role"] == "editor"
