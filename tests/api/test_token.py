"""POST /api/v1/auth/token: OAuth 2 (RFC 6749)."""

from typing import Any

import httpx2
import pytest

from app.core.config import Settings
from tests.conftest import MakeSettings
from tests.support.apps import RunningApp
from tests.support.people import API, PASSWORD, Person, sign_in
from tests.support.problems import problem
from tests.support.roles import OWN
from tests.support.services import full_queue, lose_database

TOKEN = f"{API}/auth/token"
ADA = {"grant_type": "password", "username": "ada@example.com", "password": PASSWORD}
WRONG = ADA | {"password": "wrong horse battery"}


def refused(response: httpx2.Response, status: int, error: str) -> dict[str, Any]:
    """Return an error in the form of RFC 6749, section 5.2."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/json"
    assert response.headers["cache-control"] == "no-store"
    body: dict[str, Any] = response.json()
    assert body.keys() == {"error", "error_description"}
    assert body["error"] == error
    return body


def exchange(person: Person) -> dict[str, str]:
    """Return the form that exchanges somebody's refresh token."""
    return {"grant_type": "refresh_token", "refresh_token": person.refresh_token}


class TestPasswordGrant:
    """grant_type=password."""

    async def test_answers_with_tokens(
        self, client: httpx2.AsyncClient, ada: Person
    ) -> None:
        """The answer has the fields of section 5.1, and nobody may keep it."""
        response = await client.post(TOKEN, data=ADA)
        assert response.status_code == 200
        assert response.headers["cache-control"] == "no-store"
        tokens = response.json()
        assert tokens.pop("access_token").count(".") == 2
        assert tokens.pop("refresh_token").startswith("cardea_rt_")
        assert tokens == {"token_type": "Bearer", "expires_in": 600, "scope": ""}

    async def test_access_token_works(
        self, client: httpx2.AsyncClient, ada: Person
    ) -> None:
        """The token signs requests like any other."""
        token = (await client.post(TOKEN, data=ADA)).json()["access_token"]
        headers = {"Authorization": f"Bearer {token}"}
        me = await client.get(f"{API}/users/me", headers=headers)
        assert me.json()["id"] == ada.id

    async def test_scope_is_the_permissions(
        self, client: httpx2.AsyncClient, admin: Person
    ) -> None:
        """The scope names what the user may do."""
        response = await client.post(TOKEN, data=ADA | {"username": admin.email})
        scope = " ".join(OWN)
        assert response.json()["scope"] == scope

    async def test_unknown_parameters_are_ignored(
        self, client: httpx2.AsyncClient, ada: Person
    ) -> None:
        """What other clients send besides does no harm (section 3.2)."""
        more = {"client_id": "x", "client_secret": "y", "scope": "all", "foo": "bar"}
        assert (await client.post(TOKEN, data=ADA | more)).status_code == 200

    async def test_wrong_password_and_unknown_user_look_alike(
        self, client: httpx2.AsyncClient, ada: Person
    ) -> None:
        """The answer does not tell who has an account."""
        wrong = await client.post(TOKEN, data=WRONG)
        unknown = await client.post(TOKEN, data=WRONG | {"username": "bob@example.com"})
        assert refused(wrong, 400, "invalid_grant") == refused(
            unknown, 400, "invalid_grant"
        )

    async def test_disabled(
        self, client: httpx2.AsyncClient, ada: Person, admin: Person
    ) -> None:
        """The right password of a disabled account learns why it is refused."""
        path = f"{API}/users/{ada.id}"
        await client.patch(path, json={"status": "disabled"}, headers=admin.headers)
        right = refused(await client.post(TOKEN, data=ADA), 400, "invalid_grant")
        assert right["error_description"] == "This account is disabled."
        wrong = refused(await client.post(TOKEN, data=WRONG), 400, "invalid_grant")
        assert wrong["error_description"] == "Email or password is incorrect."


class TestRefreshGrant:
    """grant_type=refresh_token."""

    async def test_answers_with_a_new_pair(
        self, client: httpx2.AsyncClient, ada: Person
    ) -> None:
        """The refresh token rotates as it does elsewhere."""
        response = await client.post(TOKEN, data=exchange(ada))
        assert response.status_code == 200
        assert response.json()["refresh_token"] != ada.refresh_token
        headers = {"Authorization": f"Bearer {response.json()['access_token']}"}
        me = await client.get(f"{API}/users/me", headers=headers)
        assert me.json()["id"] == ada.id

    async def test_forged(self, client: httpx2.AsyncClient) -> None:
        """A refresh token that we did not issue is refused."""
        form = {"grant_type": "refresh_token", "refresh_token": "cardea_rt_AAAA"}
        refused(await client.post(TOKEN, data=form), 400, "invalid_grant")

    async def test_device(self, client: httpx2.AsyncClient, ada: Person) -> None:
        """Programs too get what tells them from strangers next time."""
        form = {"grant_type": "password", "username": ada.email, "password": PASSWORD}
        first = await client.post(TOKEN, data=form)
        device = {"Cardea-Device": first.headers["Cardea-Device"]}
        assert device["Cardea-Device"].startswith("cardea_dev_")
        again = await client.post(TOKEN, data=form, headers=device)
        assert again.headers["Cardea-Device"] == device["Cardea-Device"]

    async def test_session_ended(self, client: httpx2.AsyncClient, ada: Person) -> None:
        """The refresh token of a session that has ended is refused."""
        await client.post(f"{API}/auth/logout", headers=ada.headers)
        refused(await client.post(TOKEN, data=exchange(ada)), 400, "invalid_grant")


class TestBadRequests:
    """What is no token request."""

    @pytest.mark.parametrize(
        ("form", "error"),
        [
            ({}, "invalid_request"),
            ({"grant_type": ""}, "invalid_request"),
            ({"grant_type": "client_credentials"}, "unsupported_grant_type"),
            ({"grant_type": "password"}, "invalid_request"),
            ({"grant_type": "password", "username": "a@b.c"}, "invalid_request"),
            ({"grant_type": "password", "password": PASSWORD}, "invalid_request"),
            (ADA | {"password": ""}, "invalid_request"),
            (ADA | {"username": "a" * 255}, "invalid_request"),
            (ADA | {"username": "ada\x00"}, "invalid_request"),
            ({"grant_type": "refresh_token"}, "invalid_request"),
        ],
        ids=[
            "nothing",
            "empty grant type",
            "other grant type",
            "password alone",
            "no password",
            "no username",
            "empty password",
            "long username",
            "NUL",
            "no refresh token",
        ],
    )
    async def test_refused(
        self, client: httpx2.AsyncClient, form: dict[str, str], error: str
    ) -> None:
        """The error is the one of section 5.2, and no input is repeated."""
        response = await client.post(TOKEN, data=form)
        refused(response, 400, error)
        assert PASSWORD not in response.text

    async def test_too_many_parameters(self, client: httpx2.AsyncClient) -> None:
        """A form of more parameters than anybody needs is not read to its end."""
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        form = "a=1&" * 1500
        response = await client.post(TOKEN, content=form, headers=headers)
        refused(response, 400, "invalid_request")

    async def test_json(self, client: httpx2.AsyncClient) -> None:
        """JSON is refused: the standard asks for a form."""
        response = await client.post(TOKEN, json=ADA)
        problem(response, 415, "unsupported_media_type")


class TestVerificationRequired:
    """EMAIL_VERIFICATION=required."""

    @pytest.fixture
    def settings(self, make: MakeSettings) -> Settings:
        """Addresses must be proved before the first sign-in."""
        return make(email_verification="required")

    async def test_not_verified(self, client: httpx2.AsyncClient) -> None:
        """The right password learns that the address is not verified."""
        body = {"email": "ada@example.com", "password": PASSWORD}
        await client.post(f"{API}/auth/register", json=body)
        response = await client.post(TOKEN, data=ADA)
        said = refused(response, 400, "invalid_grant")["error_description"]
        assert said == "The e-mail address is not verified."


class TestLater:
    """What may succeed later."""

    async def test_too_many(self, client: httpx2.AsyncClient, ada: Person) -> None:
        """Guesses count here as they do at /auth/login."""
        for _ in range(10):
            refused(await client.post(TOKEN, data=WRONG), 400, "invalid_grant")
        response = await client.post(TOKEN, data=ADA)
        refused(response, 429, "temporarily_unavailable")
        assert 0 < int(response.headers["retry-after"]) <= 300

    async def test_busy(
        self, running: RunningApp, client: httpx2.AsyncClient, ada: Person
    ) -> None:
        """A full queue says when to come again."""
        async with full_queue(running):
            response = await client.post(TOKEN, data=ADA)
        refused(response, 503, "temporarily_unavailable")
        assert int(response.headers["retry-after"]) >= 1

    async def test_no_database(
        self, running: RunningApp, client: httpx2.AsyncClient, ada: Person
    ) -> None:
        """Without a database the answer is the same."""
        lose_database(running)
        response = await client.post(TOKEN, data=exchange(ada))
        refused(response, 503, "temporarily_unavailable")

    async def test_signs_in_again(
        self, client: httpx2.AsyncClient, ada: Person
    ) -> None:
        """Every exchange of a password is a session of its own."""
        await client.post(TOKEN, data=ADA)
        again = await sign_in(client, ada)
        listed = await client.get(f"{API}/users/me/sessions", headers=again.headers)
        assert len(listed.json()["items"]) == 3
