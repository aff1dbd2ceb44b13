"""The example of docs/verifying-tokens.md, run against a real server's keys."""

import asyncio
import json
import runpy
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from starlette.testclient import TestClient

from app.core.clock import utc_now
from app.core.security import SigningKey
from app.migrations import head_revision
from app.services.container import open_services
from tests.support.databases import Databases, make_settings
from tests.support.people import API, PASSWORD
from tests.support.processes import NOBODY_LISTENS, ROOT
from tests.support.server import ROOT_EMAIL, Server, serve

EXAMPLE = ROOT / "docs" / "examples" / "verify.py"
PAGE = ROOT / "docs" / "verifying-tokens.md"
Sign = Callable[..., str]


@pytest.fixture(scope="module")
def database_url(databases: Databases) -> str:
    """Where the service keeps its keys."""
    return databases.migrated()


@pytest.fixture(scope="module")
def server(database_url: str) -> Iterator[Server]:
    """The service, as a process."""
    with serve(database_url) as running:
        yield running


@pytest.fixture(scope="module")
def example(server: Server) -> Iterator[TestClient]:
    """The very file that the page shows, as a service."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CARDEA_URL", server.url)
        module = runpy.run_path(str(EXAMPLE))
    with TestClient(module["app"]) as client:
        yield client


@pytest.fixture(scope="module")
def admin_token(server: Server) -> str:
    """A token that may make roles."""
    return sign_in(server, ROOT_EMAIL, PASSWORD)


@pytest.fixture(scope="module")
def reader_token(server: Server, admin_token: str) -> str:
    """A token of somebody who may read articles."""
    headers = {"Authorization": f"Bearer {admin_token}"}
    role = {"name": "reader", "description": "", "permissions": ["articles:read"]}
    person = {"email": "ada@example.com", "password": "seven otters mend clocks"}
    with httpx2.Client(base_url=f"{server.url}{API}", headers=headers) as client:
        client.post("/roles", json=role).raise_for_status()
        body = {**person, "roles": ["reader"]}
        client.post("/users", json=body).raise_for_status()
    return sign_in(server, person["email"], person["password"])


@pytest.fixture(scope="module")
def sign(database_url: str, reader_token: str) -> Sign:
    """Make the reader's token anew, with changed claims, by the service's own key."""
    key = asyncio.run(signing_key(database_url))
    claims = jwt.decode(reader_token, options={"verify_signature": False})

    def with_changes(typ: str = "at+jwt", **changes: Any) -> str:
        changed = {name: v for name, v in (claims | changes).items() if v is not None}
        headers = {"kid": key.kid, "typ": typ}
        return jwt.encode(changed, key.private_pem, "ES256", headers=headers)

    return with_changes


async def signing_key(database_url: str) -> SigningKey:
    """Return the key that the service signs with."""
    settings = make_settings(database_url)
    async with open_services(settings, head_revision()) as services:
        await services.keys.load()
        return services.keys.ring.signing_key(utc_now())


def sign_in(server: Server, email: str, password: str) -> str:
    """Return an access token."""
    body = {"email": email, "password": password}
    answer = httpx2.post(f"{server.url}{API}/auth/login", json=body)
    return str(answer.raise_for_status().json()["access_token"])


def ask(example: TestClient, token: str) -> httpx2.Response:
    """Ask the example for its articles."""
    return example.get("/articles", headers={"Authorization": f"Bearer {token}"})


class TestExample:
    """docs/examples/verify.py."""

    def test_shown_on_the_page(self) -> None:
        """The page shows the file as it is."""
        code = EXAMPLE.read_text(encoding="utf-8")
        assert f"```python\n{code}```" in PAGE.read_text(encoding="utf-8")

    def test_good_token(self, example: TestClient, reader_token: str) -> None:
        """Whoever holds the permission is let in, by name."""
        answer = ask(example, reader_token)
        assert answer.status_code == 200
        claims = jwt.decode(reader_token, options={"verify_signature": False})
        assert answer.json()["reader"] == claims["sub"]

    def test_without_the_permission(self, example: TestClient, sign: Sign) -> None:
        """A good token without the permission is not enough."""
        for scope in ("", "articles:write", "articles:readers"):
            assert ask(example, sign(scope=scope)).status_code == 403

    def test_without_token(self, example: TestClient) -> None:
        """Without a token nobody is let in."""
        assert example.get("/articles").status_code == 401

    def test_tampered(self, example: TestClient, reader_token: str) -> None:
        """A token whose claims were changed is refused."""
        header, payload, signature = reader_token.split(".")
        claims = json.loads(jwt.utils.base64url_decode(payload))
        claims["scope"] = "articles:read articles:write"
        changed = jwt.utils.base64url_encode(json.dumps(claims).encode()).decode()
        answer = ask(example, f"{header}.{changed}.{signature}")
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"] == "Bearer"

    def test_foreign_key(self, example: TestClient, reader_token: str) -> None:
        """The same claims under the same key id, signed by a stranger, are refused."""
        claims = jwt.decode(reader_token, options={"verify_signature": False})
        headers = jwt.get_unverified_header(reader_token)
        stranger = ec.generate_private_key(ec.SECP256R1())
        forged = jwt.encode(claims, stranger, "ES256", headers=headers)
        assert ask(example, forged).status_code == 401

    def test_signed_anew(self, example: TestClient, sign: Sign) -> None:
        """A token made by the service's own key is let in, so what follows counts."""
        assert ask(example, sign()).status_code == 200

    @pytest.mark.parametrize(
        "changes",
        [
            pytest.param({"exp": int(time.time()) - 1}, id="expired"),
            pytest.param({"aud": "another"}, id="foreign audience"),
            pytest.param({"iss": "http://localhost:1"}, id="foreign issuer"),
            pytest.param({"typ": "JWT"}, id="no access token"),
            pytest.param({"exp": None}, id="never expires"),
            pytest.param({"scope": None}, id="no permissions claim"),
        ],
    )
    def test_refused(
        self, example: TestClient, sign: Sign, changes: dict[str, Any]
    ) -> None:
        """A token that the service's own key has signed must still be right."""
        assert ask(example, sign(**changes)).status_code == 401

    def test_service_away(
        self, monkeypatch: pytest.MonkeyPatch, reader_token: str
    ) -> None:
        """Without the keys nobody is let in, and nobody is told to sign in again."""
        monkeypatch.setenv("CARDEA_URL", NOBODY_LISTENS)
        module = runpy.run_path(str(EXAMPLE))
        with TestClient(module["app"]) as client:
            assert ask(client, reader_token).status_code == 503
