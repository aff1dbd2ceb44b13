"""What the service says about itself: health, keys, name."""

import base64
import json
from contextlib import suppress
from typing import Any

import httpx2
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from sqlalchemy import text

from app import __version__
from app.core.config import Settings
from app.database import Database
from app.services.circuit_breaker import BreakerRegistry, DependencyUnavailableError
from tests.conftest import MakeSettings
from tests.support.apps import RunningApp
from tests.support.people import API, Person
from tests.support.problems import problem
from tests.support.roles import OWN
from tests.support.services import lose_database, put

JWKS = "/.well-known/jwks.json"
READY = "/health/ready"


class TestLive:
    """GET /health/live."""

    async def test_serves(self, client: httpx2.AsyncClient) -> None:
        """The process serves."""
        response = await client.get("/health/live")
        assert response.status_code == 200
        assert response.json() == {"status": "live"}

    async def test_needs_no_database(
        self, running: RunningApp, client: httpx2.AsyncClient
    ) -> None:
        """A lost database does not make the process dead."""
        lose_database(running)
        assert (await client.get("/health/live")).status_code == 200


class TestReady:
    """GET /health/ready."""

    async def test_ready(self, client: httpx2.AsyncClient, settings: Settings) -> None:
        """With database and migrations it is ready, and says which database."""
        response = await client.get(READY)
        assert response.status_code == 200
        ready = response.json()
        assert ready.keys() == {"status", "database", "limits", "breakers"}
        assert ready["status"] == "ready"
        assert ready["database"].pop("version")[0].isdigit()
        assert ready["database"] == {
            "kind": "sqlite" if settings.is_sqlite else "postgresql",
            "reachable": True,
            "migrated": True,
        }

    async def test_no_database(
        self, running: RunningApp, client: httpx2.AsyncClient
    ) -> None:
        """Without its database it is not ready."""
        lose_database(running)
        response = await client.get(READY)
        assert response.status_code == 503
        assert response.json()["status"] == "unready"
        assert response.json()["database"] == {
            "kind": "postgresql",
            "version": None,
            "reachable": False,
            "migrated": False,
        }

    @pytest.mark.parametrize(
        ("statement", "reachable"),
        [
            ("UPDATE alembic_version SET version_num = 'other'", True),
            ("DELETE FROM alembic_version", True),
            ("DROP TABLE alembic_version", False),
        ],
        ids=["other revision", "no revision", "no table"],
    )
    async def test_other_schema(
        self,
        client: httpx2.AsyncClient,
        database: Database,
        statement: str,
        reachable: bool,
    ) -> None:
        """With a schema that does not fit the code it is not ready."""
        async with database.writing() as session:
            await session.execute(text(statement))
        response = await client.get(READY)
        assert response.status_code == 503
        assert response.json()["database"]["migrated"] is False
        assert response.json()["database"]["reachable"] is reachable

    async def test_open_breaker(
        self, running: RunningApp, client: httpx2.AsyncClient
    ) -> None:
        """An open breaker is shown, and does not make the service unready."""
        breakers = BreakerRegistry()
        breaker = breakers.create("something", failures=(OSError,))

        async def fail() -> None:
            raise OSError

        while breakers.snapshot()["something"].state != "open":
            with suppress(DependencyUnavailableError):
                await breaker.call(fail)
        put(running, breakers=breakers)
        response = await client.get(READY)
        assert response.status_code == 200
        shown = response.json()["breakers"]["something"]
        assert shown["state"] == "open"
        assert shown["failures"] >= 1
        assert shown["retry_in_seconds"] >= 1
        assert shown["since_start"]["calls"] == shown["since_start"]["failures"] > 0

    @pytest.mark.parametrize("path", ["/health/live", READY])
    async def test_any_host(self, client: httpx2.AsyncClient, path: str) -> None:
        """A health check may name any host, such as the address of a container."""
        response = await client.get(path, headers={"Host": "10.0.0.1:8000"})
        assert response.status_code == 200


class TestReadyWithBreaker:
    """GET /health/ready, with the check for breached passwords."""

    @pytest.fixture
    def settings(self, make: MakeSettings) -> Settings:
        """The check is on; nothing is asked in these tests."""
        return make(breached_passwords_url="http://127.0.0.1:1", redis_url="")

    async def test_closed_breaker(self, client: httpx2.AsyncClient) -> None:
        """Its breaker's state is shown."""
        response = await client.get(READY)
        assert response.json()["breakers"] == {
            "breached_passwords": {
                "state": "closed",
                "failures": 0,
                "retry_in_seconds": 0,
                "since_start": {
                    "calls": 0,
                    "failures": 0,
                    "refused": 0,
                    "state_changes": 0,
                },
            }
        }


def decoded(part: str) -> bytes:
    """Return the bytes of a part of a token."""
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def public_key(jwk: dict[str, str]) -> ec.EllipticCurvePublicKey:
    """Return the key that a JWK describes."""
    x, y = (int.from_bytes(decoded(jwk[name])) for name in ("x", "y"))
    return ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()


def verify(token: str, jwks: dict[str, Any]) -> dict[str, Any]:
    """Check a token as a stranger would: with nothing but the published keys."""
    header, payload, signature = token.split(".")
    kid = json.loads(decoded(header))["kid"]
    key = public_key(next(key for key in jwks["keys"] if key["kid"] == kid))
    raw = decoded(signature)
    r, s = int.from_bytes(raw[:32]), int.from_bytes(raw[32:])
    signed = f"{header}.{payload}".encode()
    key.verify(encode_dss_signature(r, s), signed, ec.ECDSA(hashes.SHA256()))
    claims: dict[str, Any] = json.loads(decoded(payload))
    return claims


class TestJwks:
    """GET /.well-known/jwks.json."""

    async def test_public_parts_only(self, client: httpx2.AsyncClient) -> None:
        """Keys have their public members, and no other."""
        response = await client.get(JWKS)
        assert response.status_code == 200
        keys = response.json()["keys"]
        assert keys
        for key in keys:
            assert key.keys() == {"kty", "crv", "x", "y", "kid", "use", "alg"}
            assert (key["kty"], key["crv"]) == ("EC", "P-256")
            assert (key["use"], key["alg"]) == ("sig", "ES256")

    async def test_may_be_kept(self, client: httpx2.AsyncClient) -> None:
        """Others may keep the document for ten minutes."""
        response = await client.get(JWKS)
        assert response.headers["cache-control"] == "public, max-age=600"

    async def test_verifies_a_real_token(
        self, client: httpx2.AsyncClient, ada: Person
    ) -> None:
        """An access token verifies with the published key and another library."""
        jwks = (await client.get(JWKS)).json()
        claims = verify(ada.tokens["access_token"], jwks)
        assert claims["sub"] == ada.id
        assert claims["sid"] == ada.session_id
        assert claims["iss"] == "http://localhost:8000"
        assert claims["aud"] == "cardea"
        assert claims["exp"] - claims["iat"] == 600

    async def test_refuses_a_changed_token(
        self, client: httpx2.AsyncClient, ada: Person, bob: Person
    ) -> None:
        """A token with somebody else's claims does not verify."""
        jwks = (await client.get(JWKS)).json()
        header, _, signature = ada.tokens["access_token"].split(".")
        payload = bob.tokens["access_token"].split(".")[1]
        with pytest.raises(InvalidSignature):
            verify(f"{header}.{payload}.{signature}", jwks)

    async def test_claims_of_an_admin(
        self, client: httpx2.AsyncClient, admin: Person
    ) -> None:
        """A token names type, roles and permissions (RFC 9068)."""
        token = admin.tokens["access_token"]
        claims = verify(token, (await client.get(JWKS)).json())
        assert claims["roles"] == ["admin"]
        assert claims["scope"] == " ".join(OWN)
        assert claims["amr"] == ["pwd"]
        header = json.loads(decoded(token.partition(".")[0]))
        assert header["typ"] == "at+jwt"
        assert header["alg"] == "ES256"


class TestAbout:
    """GET /."""

    @pytest.fixture
    def settings(self, make: MakeSettings) -> Settings:
        """A service with a name and an address of its own."""
        return make(service_name="Door & Co", public_url="https://auth.example.com")

    @pytest.mark.parametrize("accept", ["application/json", "*/*", None])
    async def test_json(self, client: httpx2.AsyncClient, accept: str | None) -> None:
        """Programs get name, version and links that begin with PUBLIC_URL."""
        headers = {"Accept": accept} if accept else {}
        response = await client.get("/", headers=headers)
        assert response.status_code == 200
        assert response.json() == {
            "name": "Door & Co",
            "version": __version__,
            "docs": "https://auth.example.com/docs",
            "openapi": "https://auth.example.com/openapi.json",
            "jwks": "https://auth.example.com/.well-known/jwks.json",
            "errors": "https://auth.example.com/errors",
        }

    async def test_page(self, client: httpx2.AsyncClient) -> None:
        """Browsers get a page; caches keep the two apart."""
        accept = "text/html,application/xhtml+xml,*/*;q=0.8"
        response = await client.get("/", headers={"Accept": accept})
        assert response.status_code == 200
        assert response.headers["content-type"] == "text/html; charset=utf-8"
        assert "Accept" in response.headers["vary"].split(", ")
        assert "Door &amp; Co" in response.text
        assert __version__ in response.text
        for link in ("/docs", "/errors", JWKS, READY):
            assert f'href="{link}"' in response.text

    async def test_links_resolve(self, client: httpx2.AsyncClient) -> None:
        """Every link leads somewhere."""
        links = (await client.get("/")).json()
        for name in ("docs", "openapi", "jwks", "errors"):
            path = links[name].removeprefix("https://auth.example.com")
            assert (await client.get(path)).status_code == 200

    async def test_other_host(self, client: httpx2.AsyncClient) -> None:
        """The service answers for no other host."""
        response = await client.get("/", headers={"Host": "evil.example.com"})
        problem(response, 421, "host_not_allowed")
        assert "evil" not in response.text


class TestApi:
    """Around the API."""

    @pytest.mark.parametrize("path", ["/nothing", f"{API}/nothing", f"{API}/users/me/"])
    async def test_nothing_there(self, client: httpx2.AsyncClient, path: str) -> None:
        """An unknown path is a problem like any other."""
        problem(await client.get(path), 404, "not_found")
