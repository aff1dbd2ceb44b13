"""POST /api/v1/users/me/password."""

import httpx2
import pytest

from tests.support.apps import RunningApp
from tests.support.people import API, PASSWORD, Person, register, sign_in
from tests.support.problems import fields, problem, reason
from tests.support.services import full_queue, interrupted

ME = f"{API}/users/me"
CHANGE = f"{ME}/password"
NEW = "another horse battery"
BODY = {"current_password": PASSWORD, "new_password": NEW}
WRONG = BODY | {"current_password": "wrong horse battery"}


async def can_sign_in(client: httpx2.AsyncClient, person: Person, word: str) -> bool:
    """Tell whether this is somebody's password now."""
    body = {"email": person.email, "password": word}
    return (await client.post(f"{API}/auth/login", json=body)).status_code == 200


class TestChange:
    """A new password."""

    async def test_replaces_the_old_one(
        self, client: httpx2.AsyncClient, ada: Person
    ) -> None:
        """The new password signs in, the old one no longer."""
        response = await client.post(CHANGE, json=BODY, headers=ada.headers)
        assert (response.status_code, response.content) == (204, b"")
        assert await can_sign_in(client, ada, NEW)
        assert not await can_sign_in(client, ada, PASSWORD)

    async def test_all_other_sessions_end(
        self, client: httpx2.AsyncClient, ada: Person, bob: Person
    ) -> None:
        """This session goes on, other ones end and say why; other people's stay."""
        other = await sign_in(client, ada)
        await client.post(CHANGE, json=BODY, headers=ada.headers)
        assert (await client.get(ME, headers=ada.headers)).status_code == 200
        assert reason(await client.get(ME, headers=other.headers)) == "password_changed"
        assert (await client.get(ME, headers=bob.headers)).status_code == 200

    async def test_this_session_refreshes_on(
        self, client: httpx2.AsyncClient, ada: Person
    ) -> None:
        """The refresh token of this session is still good."""
        await client.post(CHANGE, json=BODY, headers=ada.headers)
        body = {"refresh_token": ada.refresh_token}
        response = await client.post(f"{API}/auth/refresh", json=body)
        assert response.status_code == 200


class TestRefusals:
    """What keeps the old password."""

    async def test_wrong_current_password(
        self, client: httpx2.AsyncClient, ada: Person
    ) -> None:
        """A wrong current password changes nothing and ends nothing."""
        other = await sign_in(client, ada)
        refused = await client.post(CHANGE, json=WRONG, headers=ada.headers)
        problem(refused, 403, "wrong_password")
        assert await can_sign_in(client, ada, PASSWORD)
        assert (await client.get(ME, headers=other.headers)).status_code == 200

    @pytest.mark.parametrize(
        ("password", "code"),
        [
            ("short", "password_too_short"),
            ("x" * 129, "password_too_long"),
            ("qwertyuiop123", "password_too_common"),
            ("lovelace rules", "password_contains_personal_data"),
        ],
        ids=["short", "long", "common", "personal"],
    )
    async def test_bad_new_password(
        self, client: httpx2.AsyncClient, password: str, code: str
    ) -> None:
        """The rules are those of signing up."""
        ada = await sign_in(client, await register(client, "lovelace@example.com"))
        body = BODY | {"new_password": password}
        refused = await client.post(CHANGE, json=body, headers=ada.headers)
        problem(refused, 422, code)
        assert await can_sign_in(client, ada, PASSWORD)

    async def test_wrong_password_goes_first(
        self, client: httpx2.AsyncClient, ada: Person
    ) -> None:
        """Who does not know the password learns nothing about the new one."""
        body = WRONG | {"new_password": "short"}
        refused = await client.post(CHANGE, json=body, headers=ada.headers)
        problem(refused, 403, "wrong_password")

    async def test_too_many_guesses(
        self, client: httpx2.AsyncClient, ada: Person
    ) -> None:
        """After ten wrong ones this session waits; the owner's others do not."""
        for _ in range(10):
            await client.post(CHANGE, json=WRONG, headers=ada.headers)
        refused = await client.post(CHANGE, json=BODY, headers=ada.headers)
        problem(refused, 429, "too_many_requests")
        assert 0 < int(refused.headers["retry-after"]) <= 300
        other = await sign_in(client, ada)
        response = await client.post(CHANGE, json=BODY, headers=other.headers)
        assert response.status_code == 204

    async def test_right_ones_do_not_count(
        self, client: httpx2.AsyncClient, ada: Person
    ) -> None:
        """A bad new password is no wrong guess."""
        body = BODY | {"new_password": "short"}
        for _ in range(12):
            refused = await client.post(CHANGE, json=body, headers=ada.headers)
            problem(refused, 422, "password_too_short")

    async def test_busy(
        self, running: RunningApp, client: httpx2.AsyncClient, ada: Person
    ) -> None:
        """With a full queue nothing is changed."""
        async with full_queue(running):
            refused = await client.post(CHANGE, json=BODY, headers=ada.headers)
        problem(refused, 503, "busy")
        assert await can_sign_in(client, ada, PASSWORD)

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({"new_password": NEW}, "body.current_password"),
            ({"current_password": PASSWORD}, "body.new_password"),
            (BODY | {"new_password": "a\x00b" * 4}, "body.new_password"),
            (BODY | {"keep_sessions": True}, "body.keep_sessions"),
        ],
        ids=["no current", "no new", "NUL", "unknown field"],
    )
    async def test_bad_input(
        self,
        client: httpx2.AsyncClient,
        ada: Person,
        body: dict[str, object],
        field: str,
    ) -> None:
        """The answer names the field and repeats no password."""
        response = await client.post(CHANGE, json=body, headers=ada.headers)
        assert fields(response) == [field]
        assert PASSWORD not in response.text

    async def test_nobody(self, client: httpx2.AsyncClient) -> None:
        """Only who is signed in can do it."""
        problem(await client.post(CHANGE, json=BODY), 401, "not_authenticated")


class TestRaces:
    """What happens between the check of the old password and the change."""

    async def test_changed_meanwhile(
        self, running: RunningApp, client: httpx2.AsyncClient, ada: Person
    ) -> None:
        """Of two changes with the same old password one is refused."""
        passwords = interrupted(running)
        first = BODY | {"new_password": "a third horse battery"}
        passwords.after_hash = lambda: client.post(
            CHANGE, json=first, headers=ada.headers
        )
        second = await client.post(CHANGE, json=BODY, headers=ada.headers)
        problem(second, 403, "wrong_password")
        assert not await can_sign_in(client, ada, NEW)
        assert await can_sign_in(client, ada, "a third horse battery")

    async def test_signed_out_meanwhile(
        self, running: RunningApp, client: httpx2.AsyncClient, ada: Person
    ) -> None:
        """A thief whom the owner locks out at this moment changes nothing any more."""
        thief = await sign_in(client, ada)
        passwords = interrupted(running)
        passwords.after_hash = lambda: client.post(
            f"{API}/auth/logout-all", json={"keep_current": True}, headers=ada.headers
        )
        refused = await client.post(CHANGE, json=BODY, headers=thief.headers)
        problem(refused, 401, "session_ended")
        assert (await client.get(f"{API}/users/me", headers=ada.headers)).is_success
        assert not await can_sign_in(client, ada, NEW)

    async def test_deleted_meanwhile(
        self,
        running: RunningApp,
        client: httpx2.AsyncClient,
        ada: Person,
        admin: Person,
    ) -> None:
        """Nothing is left to change once the account is gone."""
        passwords = interrupted(running)
        path = f"{API}/users/{ada.id}"
        passwords.after_verify = lambda: client.delete(path, headers=admin.headers)
        response = await client.post(CHANGE, json=BODY, headers=ada.headers)
        assert problem(response, 401, "session_ended")["reason"] == "user_deleted"
        assert not await can_sign_in(client, ada, NEW)
