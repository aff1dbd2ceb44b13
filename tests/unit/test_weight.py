"""What a process loads, and when."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.processes import NOBODY_LISTENS

OF_LIBRARIES = {"anyio", "cryptography", "encodings"}
"""What the HTTP client and the first signature load themselves."""

SELDOM_USED = (
    "aiosmtplib",
    "alembic",
    "asyncpg",
    "babel",
    "pytest",
    "redis",
    "zxcvbn",
)

BEFORE_IT_STARTS = """
import sys
import app.main, app.serving.server
print(*{name.partition(".")[0] for name in sys.modules})
"""

WHILE_IT_ANSWERS = """
import asyncio, sys
import httpx2
from app.core.config import load_settings
from app.main import create_app

ADA = {"email": "ada@example.com", "password": "seven otters mend clocks"}
V1 = "/api/v1"


async def main():
    app = create_app(load_settings())
    async with app.router.lifespan_context(app):
        transport = httpx2.ASGITransport(app)
        async with httpx2.AsyncClient(
            transport=transport, base_url="http://localhost"
        ) as client:
            await client.get("/health/ready")
            loaded = set(sys.modules)
            for path, body in (
                (f"{V1}/auth/register", ADA),
                (f"{V1}/auth/login", ADA),
                (f"{V1}/auth/login", {**ADA, "password": "wrong"}),
            ):
                answer = await client.post(path, json=body)
                if answer.status_code == 200:
                    tokens = answer.json()
            renewed = {"refresh_token": tokens["refresh_token"]}
            bearer = {"Authorization": "Bearer " + tokens["access_token"]}
            await client.post(f"{V1}/auth/refresh", json=renewed)
            for path in ("/users/me", "/users/me/sessions", "/users"):
                await client.get(V1 + path, headers=bearer)
            late = set(sys.modules) - loaded
            print(*{name.partition(".")[0] for name in late})


asyncio.run(main())
"""


def said_by(script: str, folder: Path | None = None, **environment: str) -> set[str]:
    """Return the words that a Python process of its own writes."""
    done = subprocess.run(
        [sys.executable, "-c", script],
        check=True,
        capture_output=True,
        text=True,
        cwd=folder,
        env={"PYTHONPATH": ":".join(sys.path), **environment},
    )
    return set(done.stdout.split())


@pytest.fixture(scope="module")
def loaded() -> set[str]:
    """The packages that a server has loaded before it starts."""
    return said_by(BEFORE_IT_STARTS)


@pytest.mark.parametrize("package", SELDOM_USED)
def test_is_left_out(loaded: set[str], package: str) -> None:
    """What most processes never use takes none of their memory."""
    assert "fastapi" in loaded
    assert package not in loaded


def test_requests_load_nothing_of_ours(tmp_path: Path) -> None:
    """All code is loaded at the start: later there may be no descriptor to read it."""
    late = said_by(
        WHILE_IT_ANSWERS,
        tmp_path,
        DATABASE_URL=f"sqlite+aiosqlite:///{tmp_path}/here.db",
        BREACHED_PASSWORDS_URL=NOBODY_LISTENS,
        BCRYPT_ROUNDS="10",
        SECRET_KEY="x" * 40,
    )
    assert late - OF_LIBRARIES == set()
