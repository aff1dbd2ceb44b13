"""What a process does not load unless it is needed."""

import subprocess
import sys

import pytest

HEAVY = ("alembic", "redis", "zxcvbn", "asyncpg", "pytest")

LOADED = """
import sys
import app.main, app.serving.server
print(*{name.partition(".")[0] for name in sys.modules})
"""


@pytest.fixture(scope="module")
def loaded() -> set[str]:
    """The packages that a server has loaded before it starts."""
    command = [sys.executable, "-c", LOADED]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return set(done.stdout.split())


@pytest.mark.parametrize("package", HEAVY)
def test_is_left_out(loaded: set[str], package: str) -> None:
    """What most processes never use takes none of their memory."""
    assert "fastapi" in loaded
    assert package not in loaded
