"""Tokens that are forged, raced, or outlive a restart."""

import asyncio
import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any
from uuid import UUID

import httpx2
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from app.core.config import Settings
from app.core.keys import SigningKey
from app.database import Database
from app.models import Session
from app.services.container import Services
from tests.hostile.forgeries import Genuine
from tests.support.apps import run_app
from tests.support.clock import FakeClock
from tests.support.forging import base64url, private_key, unsigned
from tests.support.people import API, Person, register, sign_in
from tests.support.problems import problem, reason
from tests.support.refreshing import refresh, refreshed
from tests.support.statements import statements
from tests.support.stored_sessions import stored

ME = f"{API}/users/me"
CALLERS = 20


def spelt(encoding: Encoding, layout: PublicFormat) -> Callable[[SigningKey], bytes]:
    """Return what writes the public half of a key this way."""
    return lambda key: private_key(key).public_key().public_bytes(encoding, layout)


SECRETS: dict[str, Callable[[SigningKey], bytes]] = {
    "pem": spelt(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
    "der": spelt(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
    "openssh": spelt(Encoding.OpenSSH, PublicFormat.OpenSSH),
    "point": spelt(Encoding.X962, PublicFormat.UncompressedPoint),
    "jwk": lambda key: json.dumps(key.public_jwk).encode(),
    "empty": lambda key: b"",
}
HASHES = {"HS256": hashlib.sha256, "HS384": hashlib.sha384, "HS512": hashlib.sha512}


@pytest.fixture
def genuine(ada: Person, services: Services, clock: FakeClock) -> Genuine:
    """Ada's own token, and the key that signed it."""
    key = services.keys.ring.signing_key(clock())
    return Genuine(ada.tokens["access_token"], key)


async def present(client: httpx2.AsyncClient, token: str) -> httpx2.Response:
    """Ask for something with this token."""
    return await client.get(ME, headers={"Authorization": f"Bearer {token}"})


async def until_it_writes(seen: list[str]) -> None:
    """Return as a request begins to write; on SQLite that is before it reads."""
    begun = ("BEGIN IMMEDIATE", "UPDATE sessions")
    async with asyncio.timeout(5):
        while not any(statement.startswith(begun) for statement in seen):
            await asyncio.sleep(0)


class TestAlgorithmConfusion:
    """CVE-2024-33663: the library took a published key for the secret of an HMAC, so
    that anybody could sign."""

    async def test_what_is_genuine_passes(
        self, client: httpx2.AsyncClient, genuine: Genuine
    ) -> None:
        """Signed anew by our key it is good, so each refusal here has its reason."""
        assert (await present(client, genuine.but())).status_code == 200

    @pytest.mark.parametrize("algorithm", HASHES)
    @pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS)
    async def test_public_key_is_no_secret(
        self,
        client: httpx2.AsyncClient,
        genuine: Genuine,
        secret: Callable[[SigningKey], bytes],
        algorithm: str,
    ) -> None:
        """However the public key is spelt, a MAC made with it is refused."""
        message = unsigned({**genuine.header, "alg": algorithm}, genuine.claims)
        mac = hmac.digest(secret(genuine.key), message.encode(), HASHES[algorithm])
        for signature in (mac, mac.ljust(64, b"\0")):
            forged = f"{message}.{base64url(signature)}"
            problem(await present(client, forged), 401, "invalid_token")

    @pytest.mark.parametrize("algorithm", ["none", "None", "", None, ["ES256"]])
    async def test_no_algorithm(
        self, client: httpx2.AsyncClient, genuine: Genuine, algorithm: Any
    ) -> None:
        """Nor does a header switch the signature off."""
        message = unsigned({**genuine.header, "alg": algorithm}, genuine.claims)
        for signature in ("", "." + base64url(bytes(64))):
            forged = f"{message}.{signature.removeprefix('.')}"
            problem(await present(client, forged), 401, "invalid_token")


class TestCriticalHeader:
    """CVE-2026-32597: the library accepted a token whose `crit` named an extension
    that it did not know, and so what the extension was to forbid."""

    @pytest.mark.parametrize("crit", [["b64"], ["exp"], ["mfa"], [], None, "exp"])
    async def test_is_refused(
        self, client: httpx2.AsyncClient, genuine: Genuine, crit: Any
    ) -> None:
        """Even with our own signature, with the extension and without it."""
        problem(await present(client, genuine.headed(crit=crit)), 401, "invalid_token")
        forged = genuine.headed(crit=crit, mfa="required", b64=True, exp=1)
        problem(await present(client, forged), 401, "invalid_token")


class TestParallelRefresh:
    """CVE-2026-1035: whether a refresh token had been used was looked up first and
    noted later, so that requests in between each got tokens of their own."""

    async def test_one_token_has_one_successor(
        self, client: httpx2.AsyncClient, ada: Person, database: Database
    ) -> None:
        """Twenty at once are one rotation, and no second branch begins."""
        answers = await asyncio.gather(
            *[refresh(client, ada.refresh_token) for _ in range(CALLERS)]
        )
        assert {answer.status_code for answer in answers} == {200}
        assert len({answer.json()["refresh_token"] for answer in answers}) == 1
        assert (await stored(database, UUID(ada.session_id))).generation == 1

    async def test_who_writes_late_looks_again(
        self, client: httpx2.AsyncClient, ada: Person, database: Database
    ) -> None:
        """A token that was used while the request was under way is a used one."""
        async with database.writing() as rival:
            row = await rival.get_one(Session, UUID(ada.session_id))
            row.generation, row.confirmed = 2, True
            await rival.flush()
            with statements() as seen:
                waiting = asyncio.create_task(refresh(client, ada.refresh_token))
                await until_it_writes(seen)
        assert reason(await waiting) == "token_reused"
        assert (await stored(database, UUID(ada.session_id))).generation == 2


class TestAfterARestart:
    """CVE-2026-9802: what told a rotated refresh token from a good one was counted
    from the start of the server, so that a restart revived it."""

    async def test_rotated_token_stays_dead(
        self, settings: Settings, clock: FakeClock
    ) -> None:
        """It is in two hands before and after: the session ends."""
        async with run_app(settings, clock) as before:
            ada = await register(before.client, "ada@example.com")
            thief = await sign_in(before.client, ada)
            owner = await refreshed(before.client, thief)
            assert (await before.client.get(ME, headers=owner.headers)).is_success
        clock.tick(minutes=1)
        async with run_app(settings, clock) as after:
            stolen = await refresh(after.client, thief.refresh_token)
            assert reason(stolen) == "token_reused"

    async def test_ended_session_stays_ended(
        self, settings: Settings, clock: FakeClock
    ) -> None:
        """Neither token of a session that was signed out opens anything."""
        async with run_app(settings, clock) as before:
            ada = await register(before.client, "ada@example.com")
            ada = await sign_in(before.client, ada)
            out = f"{API}/auth/logout"
            assert (await before.client.post(out, headers=ada.headers)).is_success
        async with run_app(settings, clock) as after:
            me = await after.client.get(ME, headers=ada.headers)
            assert reason(me) == "signed_out"
            assert reason(await refresh(after.client, ada.refresh_token)) == (
                "signed_out"
            )

    async def test_good_tokens_go_on(
        self, settings: Settings, clock: FakeClock
    ) -> None:
        """A restart throws nobody out either."""
        async with run_app(settings, clock) as before:
            ada = await register(before.client, "ada@example.com")
            ada = await sign_in(before.client, ada)
        async with run_app(settings, clock) as after:
            assert (await after.client.get(ME, headers=ada.headers)).is_success
            await refreshed(after.client, ada)
