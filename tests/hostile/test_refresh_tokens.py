"""Refresh tokens that we did not issue, or whose session is gone."""

import base64
from collections.abc import Callable
from typing import TypeAlias
from uuid import UUID, uuid4

import httpx2
import pytest

from app.core.security import DerivedKeys, RefreshTokens
from app.database import Database
from tests.support.apps import RunningApp, browse
from tests.support.databases import SECRET_KEY
from tests.support.hostile import contents, echoes, refused, send
from tests.support.people import API, Person

REFRESH = f"{API}/auth/refresh"
TOKEN = f"{API}/auth/token"
COOKIE = "cardea_refresh"
PREFIX = "cardea_rt_"
OTHER_SECRET = "the-secret-key-of-another-installation-0123456789"

Forgery: TypeAlias = Callable[[Person], str]


def _raw(person: Person) -> bytes:
    return base64.urlsafe_b64decode(person.refresh_token.removeprefix(PREFIX))


def _spelt(raw: bytes) -> str:
    return PREFIX + base64.urlsafe_b64encode(raw).decode()


def _flipped(person: Person, index: int) -> str:
    raw = bytearray(_raw(person))
    raw[index] ^= 1
    return _spelt(bytes(raw))


def _of_another_installation(person: Person) -> str:
    tokens = RefreshTokens(DerivedKeys(OTHER_SECRET))
    return tokens.issue(UUID(person.session_id), 0)


def _other_alphabet(person: Person) -> str:
    token = _spelt(b"\xff" * 54)
    return token.replace("_" * 3, "/" * 3)


def _for_another_purpose(person: Person) -> str:
    message = UUID(person.session_id).bytes + bytes(6)
    mac = DerivedKeys(SECRET_KEY).mac("device-token", message)
    return _spelt(message + mac)


FORGED: dict[str, Forgery] = {
    "empty": lambda p: "",
    "word": lambda p: "hunter2-hunter2",
    "prefix-alone": lambda p: PREFIX,
    "truncated": lambda p: p.refresh_token[:-1],
    "truncated-by-a-group": lambda p: p.refresh_token[:-4],
    "extended": lambda p: p.refresh_token + "A",
    "extended-by-a-group": lambda p: p.refresh_token + "AAAA",
    "padded": lambda p: p.refresh_token + "====",
    "padded-once": lambda p: p.refresh_token + "=",
    "trailing-space": lambda p: p.refresh_token + " ",
    "leading-space": lambda p: " " + p.refresh_token,
    "trailing-new-line": lambda p: p.refresh_token + "\n",
    "no-prefix": lambda p: p.refresh_token.removeprefix(PREFIX),
    "prefix-twice": lambda p: PREFIX + p.refresh_token,
    "capital-prefix": lambda p: p.refresh_token.replace("rt", "RT", 1),
    "device-prefix": lambda p: p.refresh_token.replace("rt", "dev", 1),
    "capitals": lambda p: p.refresh_token.upper(),
    "other-alphabet": _other_alphabet,
    "session-flipped": lambda p: _flipped(p, 0),
    "generation-flipped": lambda p: _flipped(p, 21),
    "generation-high-bit": lambda p: _flipped(p, 16),
    "mac-flipped": lambda p: _flipped(p, 53),
    "mac-zero": lambda p: _spelt(_raw(p)[:22] + bytes(32)),
    "mac-missing": lambda p: _spelt(_raw(p)[:22]),
    "all-zero": lambda p: _spelt(bytes(54)),
    "other-session": lambda p: _spelt(uuid4().bytes + _raw(p)[16:]),
    "other-installation": _of_another_installation,
    "other-purpose": _for_another_purpose,
    "access-token": lambda p: str(p.tokens["access_token"])[:200],
    "not-ascii": lambda p: PREFIX + "é" * 72,
    "sql": lambda p: PREFIX + "' OR '1'='1",
}


class TestForgeries:
    """Tokens we did not issue."""

    @pytest.mark.parametrize("forgery", FORGED.values(), ids=FORGED)
    async def test_is_refused_everywhere(
        self,
        running: RunningApp,
        ada: Person,
        database: Database,
        forgery: Forgery,
    ) -> None:
        """Body, cookie and grant: no word of why, nor whether there is a session."""
        token, before = forgery(ada), await contents(database)
        client = running.client
        answers = [await client.post(REFRESH, json={"refresh_token": token})]
        if token == token.strip():  # Cookies have no spaces at their ends.
            cookie = ("cookie", f"{COOKIE}={token}")
            answers.append(await send(running.app, "POST", REFRESH, [cookie]))
            await send(running.app, "POST", f"{API}/auth/logout", [cookie])
        for answer in answers:
            body = refused(answer, 401, "invalid_refresh_token", token)
            assert body.keys() == {"type", "title", "status", "code", "request_id"}
        form = {"grant_type": "refresh_token", "refresh_token": token}
        granted = await client.post(TOKEN, data=form)
        expected = "invalid_grant" if token else "invalid_request"
        assert (granted.status_code, granted.json()["error"]) == (400, expected)
        assert not echoes(granted, token)
        assert await contents(database) == before

    async def test_forger_can_make_a_good_one(
        self, client: httpx2.AsyncClient, ada: Person
    ) -> None:
        """With the right secret it is good, so each refusal has its reason."""
        tokens = RefreshTokens(DerivedKeys(SECRET_KEY))
        token = tokens.issue(UUID(ada.session_id), 0)
        response = await client.post(REFRESH, json={"refresh_token": token})
        assert response.status_code == 200

    async def test_too_long(self, client: httpx2.AsyncClient) -> None:
        """More than 200 characters are no token of any age."""
        token = PREFIX + "A" * 60_000
        response = await client.post(REFRESH, json={"refresh_token": token})
        refused(response, 422, "validation_failed", token)

    async def test_forged_does_not_count_against_the_session(
        self, client: httpx2.AsyncClient, ada: Person
    ) -> None:
        """Hundreds of forgeries in the session's name leave its owner signed in."""
        token = _flipped(ada, 53)
        for _ in range(200):
            response = await client.post(REFRESH, json={"refresh_token": token})
            refused(response, 401, "invalid_refresh_token", token)
        body = {"refresh_token": ada.refresh_token}
        assert (await client.post(REFRESH, json=body)).status_code == 200


class TestSessionGone:
    """Genuine tokens without a session."""

    async def test_of_a_deleted_user(
        self, client: httpx2.AsyncClient, ada: Person, admin: Person
    ) -> None:
        """With the user the session is gone, and the token is nobody's."""
        await client.delete(f"{API}/users/{ada.id}", headers=admin.headers)
        response = await client.post(REFRESH, json={"refresh_token": ada.refresh_token})
        refused(response, 401, "invalid_refresh_token", ada.refresh_token)

    async def test_of_a_session_that_never_was(
        self, client: httpx2.AsyncClient
    ) -> None:
        """A token of our own secret is not enough."""
        token = RefreshTokens(DerivedKeys(SECRET_KEY)).issue(uuid4(), 0)
        response = await client.post(REFRESH, json={"refresh_token": token})
        refused(response, 401, "invalid_refresh_token", token)

    async def test_says_why_only_to_its_bearer(
        self, client: httpx2.AsyncClient, ada: Person, database: Database
    ) -> None:
        """The session's own token learns the reason; a forged one does not."""
        await client.post(f"{API}/auth/logout", headers=ada.headers)
        before = await contents(database)
        own = await client.post(REFRESH, json={"refresh_token": ada.refresh_token})
        assert refused(own, 401, "session_ended")["reason"] == "signed_out"
        forged = await client.post(REFRESH, json={"refresh_token": _flipped(ada, 53)})
        refused(forged, 401, "invalid_refresh_token")
        assert await contents(database) == before


class TestPlaces:
    """Where a refresh token is looked for."""

    async def test_nowhere(self, client: httpx2.AsyncClient) -> None:
        """Without a body and a cookie there is nothing to refresh."""
        refused(await client.post(REFRESH), 401, "not_authenticated")

    async def test_as_bearer(self, client: httpx2.AsyncClient, ada: Person) -> None:
        """It is no access token, and the header is not where it goes."""
        headers = {"Authorization": f"Bearer {ada.refresh_token}"}
        me = await client.get(f"{API}/users/me", headers=headers)
        refused(me, 401, "invalid_token", ada.refresh_token)
        refused(await client.post(REFRESH, headers=headers), 401, "not_authenticated")

    async def test_bad_body_beside_a_good_cookie(
        self, running: RunningApp, ada: Person
    ) -> None:
        """Whoever sent the body meant it; the cookie is not used instead."""
        async with browse(running.app) as browser:
            browser.cookies.set(COOKIE, ada.refresh_token)
            response = await browser.post(REFRESH, json={"refresh_token": "bad"})
            refused(response, 401, "invalid_refresh_token", ada.refresh_token)
