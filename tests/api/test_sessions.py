"""Sessions: one's own at /users/me/sessions, and others' for administrators."""

from uuid import uuid4

import httpx2
import pytest

from tests.support.clock import FakeClock
from tests.support.people import API, Person, sign_in
from tests.support.problems import fields, problem, reason
from tests.support.roles import holder_of

ME = f"{API}/users/me"
MINE = f"{ME}/sessions"


async def listed(
    client: httpx2.AsyncClient, person: Person, path: str = MINE, **query: str | int
) -> httpx2.Response:
    """Return a page of sessions."""
    response = await client.get(path, params=query, headers=person.headers)
    assert response.status_code == 200, response.text
    return response


def ids(response: httpx2.Response) -> list[str]:
    """Return the ids on a page."""
    return [item["id"] for item in response.json()["items"]]


class TestList:
    """One's own sessions."""

    async def test_what_is_said(self, client: httpx2.AsyncClient, ada: Person) -> None:
        """A session tells when, where and on what it began."""
        response = await client.get(MINE, headers=ada.headers)
        assert response.json() == {
            "items": [
                {
                    "id": ada.session_id,
                    "created_at": "2026-06-01T12:00:00Z",
                    "last_used_at": "2026-06-01T12:00:00Z",
                    "expires_at": "2026-07-01T12:00:00Z",
                    "ip": "192.0.2.1",
                    "user_agent": client.headers["user-agent"],
                    "device": "Unknown device",
                    "current": True,
                    "ended_at": None,
                    "end_reason": None,
                }
            ],
            "next_cursor": None,
        }

    async def test_newest_first(self, client: httpx2.AsyncClient, ada: Person) -> None:
        """The session of the last sign-in comes first; `current` is the one asking."""
        other = await sign_in(client, ada)
        response = await listed(client, ada)
        assert ids(response) == [other.session_id, ada.session_id]
        assert [item["current"] for item in response.json()["items"]] == [False, True]

    async def test_nobody_elses(
        self, client: httpx2.AsyncClient, ada: Person, bob: Person
    ) -> None:
        """Other people's sessions are not listed."""
        assert ids(await listed(client, ada)) == [ada.session_id]

    async def test_ended_ones_only_if_asked_for(
        self, client: httpx2.AsyncClient, ada: Person, clock: FakeClock
    ) -> None:
        """An ended session is listed with time and reason if one asks for it."""
        other = await sign_in(client, ada)
        clock.tick(minutes=5)
        await client.post(f"{API}/auth/logout", headers=other.headers)
        assert ids(await listed(client, ada)) == [ada.session_id]
        assert ids(await listed(client, ada, ended="false")) == [ada.session_id]
        ended = (await listed(client, ada, ended="true")).json()["items"][0]
        assert ended["id"] == other.session_id
        assert ended["ended_at"] == "2026-06-01T12:05:00Z"
        assert ended["end_reason"] == "signed_out"

    async def test_time_ran_out(
        self, client: httpx2.AsyncClient, ada: Person, clock: FakeClock
    ) -> None:
        """A session whose time is just over counts as ended, from that moment on."""
        clock.tick(days=30)
        fresh = await sign_in(client, ada)
        assert ids(await listed(client, fresh)) == [fresh.session_id]
        old = (await listed(client, fresh, ended="true")).json()["items"][1]
        assert old["id"] == ada.session_id
        assert old["ended_at"] == "2026-07-01T12:00:00Z"
        assert old["end_reason"] == "idle_timeout"

    async def test_pages(self, client: httpx2.AsyncClient, ada: Person) -> None:
        """Page by page every session comes once, whatever begins meanwhile."""
        people = [ada] + [await sign_in(client, ada) for _ in range(4)]
        first = await listed(client, ada, limit=2)
        await sign_in(client, ada)
        cursor = first.json()["next_cursor"]
        second = await listed(client, ada, limit=2, cursor=cursor)
        cursor = second.json()["next_cursor"]
        third = await listed(client, ada, limit=2, cursor=cursor)
        assert third.json()["next_cursor"] is None
        assert [*ids(first), *ids(second), *ids(third)] == [
            person.session_id for person in reversed(people)
        ]

    @pytest.mark.parametrize(
        ("query", "field"),
        [
            ({"limit": 0}, "query.limit"),
            ({"limit": 201}, "query.limit"),
            ({"limit": "many"}, "query.limit"),
            ({"cursor": "garbage"}, "query.cursor"),
            ({"ended": "perhaps"}, "query.ended"),
        ],
        ids=str,
    )
    async def test_bad_query(
        self,
        client: httpx2.AsyncClient,
        ada: Person,
        query: dict[str, str],
        field: str,
    ) -> None:
        """A bad parameter is named."""
        response = await client.get(MINE, params=query, headers=ada.headers)
        assert fields(response) == [field]

    async def test_nobody(self, client: httpx2.AsyncClient) -> None:
        """Only who is signed in can do it."""
        problem(await client.get(MINE), 401, "not_authenticated")


class TestEndOne:
    """DELETE /users/me/sessions/{id}."""

    async def test_another_device(
        self, client: httpx2.AsyncClient, ada: Person
    ) -> None:
        """The other device is refused at its next request and learns why."""
        other = await sign_in(client, ada)
        path = f"{MINE}/{other.session_id}"
        response = await client.delete(path, headers=ada.headers)
        assert (response.status_code, response.content) == (204, b"")
        ended = await client.get(ME, headers=other.headers)
        assert reason(ended) == "signed_out_elsewhere"
        assert (await client.get(ME, headers=ada.headers)).status_code == 200

    async def test_this_device(self, client: httpx2.AsyncClient, ada: Person) -> None:
        """Ending the session one asks with is signing out."""
        path = f"{MINE}/{ada.session_id}"
        response = await client.delete(path, headers=ada.headers)
        assert response.status_code == 204
        assert reason(await client.get(ME, headers=ada.headers)) == "signed_out"

    async def test_somebody_elses(
        self, client: httpx2.AsyncClient, ada: Person, bob: Person
    ) -> None:
        """Another user's session looks as if there were none, and goes on."""
        path = f"{MINE}/{bob.session_id}"
        response = await client.delete(path, headers=ada.headers)
        problem(response, 404, "session_not_found")
        assert (await client.get(ME, headers=bob.headers)).status_code == 200

    async def test_somebody_elses_for_an_admin(
        self, client: httpx2.AsyncClient, ada: Person, admin: Person
    ) -> None:
        """Not even an admin ends somebody else's session here."""
        path = f"{MINE}/{ada.session_id}"
        response = await client.delete(path, headers=admin.headers)
        problem(response, 404, "session_not_found")

    async def test_ended_already(
        self, client: httpx2.AsyncClient, ada: Person, clock: FakeClock
    ) -> None:
        """What has ended can't be ended again, and keeps its reason."""
        other = await sign_in(client, ada)
        await client.post(f"{API}/auth/logout", headers=other.headers)
        path = f"{MINE}/{other.session_id}"
        response = await client.delete(path, headers=ada.headers)
        problem(response, 404, "session_not_found")
        assert reason(await client.get(ME, headers=other.headers)) == "signed_out"

    async def test_time_ran_out(
        self, client: httpx2.AsyncClient, ada: Person, clock: FakeClock
    ) -> None:
        """A session whose time is over has ended already."""
        clock.tick(days=30)
        fresh = await sign_in(client, ada)
        path = f"{MINE}/{ada.session_id}"
        response = await client.delete(path, headers=fresh.headers)
        problem(response, 404, "session_not_found")

    async def test_unknown(self, client: httpx2.AsyncClient, ada: Person) -> None:
        """There is no session of that id."""
        response = await client.delete(f"{MINE}/{uuid4()}", headers=ada.headers)
        problem(response, 404, "session_not_found")

    async def test_no_id(self, client: httpx2.AsyncClient, ada: Person) -> None:
        """An id must be one."""
        response = await client.delete(f"{MINE}/current", headers=ada.headers)
        assert fields(response) == ["path.session_id"]

    async def test_nobody(self, client: httpx2.AsyncClient, ada: Person) -> None:
        """Only who is signed in can do it."""
        response = await client.delete(f"{MINE}/{ada.session_id}")
        problem(response, 401, "not_authenticated")


class TestOfAUser:
    """GET /users/{id}/sessions."""

    async def test_lists_them(
        self, client: httpx2.AsyncClient, ada: Person, admin: Person
    ) -> None:
        """An admin sees a user's sessions, none of which is the one that asks."""
        await client.post(
            f"{API}/auth/logout", headers=(await sign_in(client, ada)).headers
        )
        path = f"{API}/users/{ada.id}/sessions"
        living = await listed(client, admin, path)
        assert ids(living) == [ada.session_id]
        assert living.json()["items"][0]["current"] is False
        assert len(ids(await listed(client, admin, path, ended="true"))) == 2

    async def test_own(self, client: httpx2.AsyncClient, admin: Person) -> None:
        """Among an admin's own sessions the one that asks is marked."""
        path = f"{API}/users/{admin.id}/sessions"
        assert (await listed(client, admin, path)).json()["items"][0]["current"] is True

    async def test_needs_users_read(
        self, client: httpx2.AsyncClient, ada: Person, admin: Person
    ) -> None:
        """It takes `users:read`, and that is enough."""
        path = f"{API}/users/{ada.id}/sessions"
        refused = await client.get(path, headers=ada.headers)
        problem(refused, 403, "permission_denied")
        eve = await holder_of(client, admin, "users:read")
        assert ids(await listed(client, eve, path)) == [ada.session_id]

    async def test_unknown_user(
        self, client: httpx2.AsyncClient, admin: Person
    ) -> None:
        """There is no user of that id."""
        path = f"{API}/users/{uuid4()}/sessions"
        problem(await client.get(path, headers=admin.headers), 404, "user_not_found")


class TestSignUserOut:
    """POST /users/{id}/logout."""

    async def test_ends_all_sessions(
        self, client: httpx2.AsyncClient, ada: Person, bob: Person, admin: Person
    ) -> None:
        """Every session of the user ends and says why; others' go on."""
        other = await sign_in(client, ada)
        path = f"{API}/users/{ada.id}/logout"
        response = await client.post(path, headers=admin.headers)
        assert (response.status_code, response.content) == (204, b"")
        for one in (ada, other):
            assert reason(await client.get(ME, headers=one.headers)) == "ended_by_admin"
        assert (await client.get(ME, headers=bob.headers)).status_code == 200

    async def test_user_may_come_back(
        self, client: httpx2.AsyncClient, ada: Person, admin: Person
    ) -> None:
        """The account stays; its owner signs in again."""
        await client.post(f"{API}/users/{ada.id}/logout", headers=admin.headers)
        again = await sign_in(client, ada)
        assert (await client.get(ME, headers=again.headers)).status_code == 200

    async def test_needs_users_write(
        self, client: httpx2.AsyncClient, ada: Person, admin: Person
    ) -> None:
        """It takes `users:write`; reading is not enough."""
        path = f"{API}/users/{ada.id}/logout"
        eve = await holder_of(client, admin, "users:read")
        refused = await client.post(path, headers=eve.headers)
        problem(refused, 403, "permission_denied")
        assert (await client.get(ME, headers=ada.headers)).status_code == 200

    async def test_unknown_user(
        self, client: httpx2.AsyncClient, admin: Person
    ) -> None:
        """There is no user of that id."""
        path = f"{API}/users/{uuid4()}/logout"
        problem(await client.post(path, headers=admin.headers), 404, "user_not_found")
