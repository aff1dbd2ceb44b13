"""Access tokens that we did not issue, in every place a token can stand."""

from datetime import timedelta
from uuid import uuid4

import httpx2
import pytest

from app.database import Database
from app.services.container import Services
from tests.hostile.forgeries import FORGED, Forgery, Genuine, by_another_key
from tests.support.apps import RunningApp, browse
from tests.support.clock import FakeClock
from tests.support.hostile import Header, contents, refused, send
from tests.support.people import API, Person

ME = f"{API}/users/me"
COOKIE = "cardea_access"


@pytest.fixture
def genuine(ada: Person, services: Services, clock: FakeClock) -> Genuine:
    """Ada's own token."""
    key = services.keys.ring.signing_key(clock())
    return Genuine(ada.tokens["access_token"], key)


def bearer(token: str) -> Header:
    """Return the header that carries a token."""
    return ("authorization", f"Bearer {token}")


def cookie(token: str) -> Header:
    """Return the cookie that carries a token."""
    return ("cookie", f"{COOKIE}={token}")


class TestForgeries:
    """Tokens that differ from a good one in one point."""

    async def test_forger_can_make_a_good_one(
        self, running: RunningApp, genuine: Genuine
    ) -> None:
        """What is changed in nothing is accepted, so each refusal has its reason."""
        response = await send(running.app, "GET", ME, [bearer(genuine.but())])
        assert response.status_code == 200

    @pytest.mark.parametrize("forgery", FORGED.values(), ids=FORGED)
    async def test_is_refused_everywhere(
        self,
        running: RunningApp,
        genuine: Genuine,
        database: Database,
        forgery: Forgery,
    ) -> None:
        """In the header, in a cookie, in both, for reading, changing, signing out."""
        token, before = forgery(genuine), await contents(database)
        for headers in (
            [bearer(token)],
            [cookie(token)],
            [bearer(token), cookie(token)],
        ):
            for method, path in (
                ("GET", ME),
                ("DELETE", f"{ME}/sessions/{uuid4()}"),
                ("POST", f"{API}/auth/logout-all"),
            ):
                response = await send(running.app, method, path, headers)
                body = refused(response, 401, "invalid_token", token)
                assert response.headers["www-authenticate"] == "Bearer"
                assert body.keys() == {"type", "title", "status", "code", "request_id"}
        out = await send(running.app, "POST", f"{API}/auth/logout", [bearer(token)])
        refused(out, 401, "invalid_token", token)
        assert await contents(database) == before

    async def test_forged_cookie_signs_nobody_out(
        self, running: RunningApp, genuine: Genuine, database: Database
    ) -> None:
        """Signing out with a bad cookie clears it and ends no session."""
        before = await contents(database)
        token = by_another_key(genuine)
        response = await send(
            running.app, "POST", f"{API}/auth/logout", [cookie(token)]
        )
        assert response.status_code == 204
        assert await contents(database) == before


class TestTime:
    """Tokens whose time is over, or has not come."""

    async def test_expired(
        self, client: httpx2.AsyncClient, ada: Person, clock: FakeClock
    ) -> None:
        """The second it expires it is refused, with a code of its own."""
        clock.tick(seconds=599)
        assert (await client.get(ME, headers=ada.headers)).status_code == 200
        clock.tick(seconds=1)
        refused(await client.get(ME, headers=ada.headers), 401, "token_expired")

    async def test_forged_and_expired(
        self, running: RunningApp, genuine: Genuine, clock: FakeClock
    ) -> None:
        """Only what we issued is called expired."""
        clock.tick(hours=1)
        token = by_another_key(genuine)
        response = await send(running.app, "GET", ME, [bearer(token)])
        refused(response, 401, "invalid_token", token)

    async def test_of_a_retired_key(
        self, client: httpx2.AsyncClient, ada: Person, services: Services
    ) -> None:
        """When a key is given up as compromised its tokens die with it."""
        await services.keys.rotate(compromised=True)
        refused(await client.get(ME, headers=ada.headers), 401, "invalid_token")

    async def test_of_a_deleted_user(
        self, client: httpx2.AsyncClient, ada: Person, admin: Person
    ) -> None:
        """Nothing is left for the token to open."""
        await client.delete(f"{API}/users/{ada.id}", headers=admin.headers)
        response = await client.get(ME, headers=ada.headers)
        assert refused(response, 401, "session_ended")["reason"] == "user_deleted"

    async def test_of_two_people(
        self, running: RunningApp, genuine: Genuine, bob: Person
    ) -> None:
        """Ada's session does not act for Bob, even in a token of our own key."""
        token = genuine.but(sub=bob.id)
        response = await send(running.app, "GET", ME, [bearer(token)])
        refused(response, 401, "session_ended", token)


class TestAuthorizationHeader:
    """Headers that are no `Bearer` and a token."""

    @pytest.mark.parametrize(
        "value",
        [
            "",
            " ",
            "Bearer",
            "Bearer ",
            "Bearer  ",
            "Basic YWRhQGV4YW1wbGUuY29tOmNvcnJlY3Q=",
            "Digest username=ada",
            "bearer: {token}",
            "Bearer: {token}",
            "Bearer\t{token}",
            "Bearer  {token}",
            "Bearer {token} ",
            "Bearer {token},Bearer {token}",
            "Bearer {token}, Basic x",
            'Bearer "{token}"',
            "Token {token}",
            "{token}",
            "Bearer Bearer {token}",
            "Bearer {token}\x00",
            "Bearer \xff\xfe",
            "Bearer null",
            "Bearer undefined",
        ],
        ids=range(22),
    )
    async def test_is_refused_even_beside_a_good_cookie(
        self, running: RunningApp, ada: Person, value: str
    ) -> None:
        """Whoever sent the header meant it."""
        token = ada.tokens["access_token"]
        bad = ("authorization", value.format(token=token))
        for headers in ([bad], [bad, cookie(token)]):
            response = await send(running.app, "GET", ME, headers)
            refused(response, 401, "invalid_token", token)

    @pytest.mark.parametrize("scheme", ["bearer", "BEARER", "bEaReR"])
    async def test_scheme_has_no_case(
        self, running: RunningApp, ada: Person, scheme: str
    ) -> None:
        """RFC 9110 leaves its case to the caller."""
        header = ("authorization", f"{scheme} {ada.tokens['access_token']}")
        assert (await send(running.app, "GET", ME, [header])).status_code == 200

    async def test_two_headers(
        self, running: RunningApp, ada: Person, bob: Person
    ) -> None:
        """Two tokens are none, good as each may be."""
        first, second = bearer(ada.tokens["access_token"]), bearer("x")
        other = bearer(bob.tokens["access_token"])
        for headers in (
            [first, second],
            [second, first],
            [first, first],
            [first, other],
        ):
            response = await send(running.app, "GET", ME, headers)
            refused(response, 401, "invalid_token", first[1][7:])

    async def test_header_wins_over_cookie(
        self, running: RunningApp, ada: Person, bob: Person
    ) -> None:
        """Where both are good the header says who calls."""
        headers = [
            bearer(ada.tokens["access_token"]),
            cookie(bob.tokens["access_token"]),
        ]
        response = await send(running.app, "GET", ME, headers)
        assert response.json()["id"] == ada.id

    @pytest.mark.parametrize(
        "query", ["access_token", "token", "Authorization", "authorization", COOKIE]
    )
    async def test_token_in_the_query(
        self, running: RunningApp, ada: Person, query: str
    ) -> None:
        """Tokens in URLs end up in logs: they are not read."""
        token = ada.tokens["access_token"]
        response = await send(running.app, "GET", f"{ME}?{query}={token}")
        refused(response, 401, "not_authenticated", token)


class TestCookies:
    """Cookies that are not quite ours."""

    @pytest.mark.parametrize(
        "value",
        [
            "",
            "cardea_access",
            "cardea_access=",
            "Cardea_Access={token}",
            "xcardea_access={token}",
            "cardea_refresh={token}",
            "__Host-cardea_access={token}",
            "=;=;=; ;;;,",
            "\x00\xff",
        ],
        ids=range(9),
    )
    async def test_is_nobody(
        self, running: RunningApp, ada: Person, value: str
    ) -> None:
        """What does not carry a token by our name is nobody, or nonsense."""
        token = ada.tokens["access_token"]
        header = ("cookie", value.format(token=token))
        response = await send(running.app, "GET", ME, [header])
        code = "invalid_token" if value == "cardea_access=" else "not_authenticated"
        refused(response, 401, code, token)

    async def test_two_of_the_same_name(self, running: RunningApp, ada: Person) -> None:
        """A forged one beside the good one gains nothing."""
        forged = f"{COOKIE}={ada.tokens['access_token']}; {COOKIE}=forged"
        response = await send(running.app, "GET", ME, [("cookie", forged)])
        refused(response, 401, "invalid_token", ada.tokens["access_token"])

    async def test_over_https_only_the_guarded_name(
        self, running: RunningApp, ada: Person
    ) -> None:
        """Without https the guarded name is not ours, and the plain one is."""
        async with browse(running.app) as browser:
            browser.cookies.set("__Host-cardea_access", ada.tokens["access_token"])
            refused(await browser.get(ME), 401, "not_authenticated")
            browser.cookies.set(COOKIE, ada.tokens["access_token"])
            assert (await browser.get(ME)).json()["id"] == ada.id


class TestClockOfOthers:
    """Machines whose clocks differ a little."""

    @pytest.mark.parametrize(("ahead", "status"), [(30, 200), (31, 401)])
    async def test_issued_ahead(
        self, running: RunningApp, genuine: Genuine, ahead: int, status: int
    ) -> None:
        """A token from half a minute ahead is good; from later it is not."""
        moment = genuine.claims["iat"] + timedelta(seconds=ahead).seconds
        response = await send(running.app, "GET", ME, [bearer(genuine.but(iat=moment))])
        assert response.status_code == status
