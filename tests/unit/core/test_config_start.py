"""Tests of `app.core.config`: how a start reads settings, and how it is refused."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from app.core.config import Settings, load_settings
from app.core.setting_rules import SAMPLE_SECRET_KEY

ROOT = Path(__file__).parents[3]
SECRET = "a-secret-key-that-only-the-tests-know-0123456789"


class TestLoadSettings:
    """load_settings()."""

    @pytest.fixture(autouse=True)
    def folder(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """An empty working directory, and no setting in the environment."""
        monkeypatch.chdir(tmp_path)
        for name in list(os.environ):
            if name.lower() in Settings.model_fields:
                monkeypatch.delenv(name)
        return tmp_path

    def test_from_file(self, folder: Path) -> None:
        """Settings come from the `.env` file of the working directory."""
        (folder / ".env").write_text(
            f"SECRET_KEY={SECRET}\nSERVICE_NAME=Größe\n", "utf-8"
        )
        assert load_settings().service_name == "Größe"

    def test_environment_wins(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A variable in the environment wins over the file."""
        (folder / ".env").write_text(f"SECRET_KEY={SECRET}\nSERVICE_NAME=File\n")
        monkeypatch.setenv("SERVICE_NAME", "Environment")
        assert load_settings().service_name == "Environment"

    @pytest.mark.parametrize(
        ("file", "line"),
        [
            pytest.param(b"", "SECRET_KEY: must be set", id="empty"),
            pytest.param(
                b"SECRET_KEY=short", "SECRET_KEY: must have at least 32", id="short"
            ),
            pytest.param(
                b"SECRET_KEY=\xe9\xe8", ".env: must be UTF-8 text", id="Latin 1"
            ),
        ],
    )
    def test_refused(
        self, folder: Path, capsys: pytest.CaptureFixture[str], file: bytes, line: str
    ) -> None:
        """What is wrong goes to stderr, and the status is 2."""
        (folder / ".env").write_bytes(file)
        with pytest.raises(SystemExit) as caught:
            load_settings()
        out, err = capsys.readouterr()
        assert (caught.value.code, out) == (2, "")
        assert err.startswith(line)
        assert err.count("\n") == 1


COMMANDS = {
    "import": [sys.executable, "-c", "import app.main; app.main.app"],
    "uvicorn": [sys.executable, "-m", "uvicorn", "app.main:app", "--port", "0"],
}
Start = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def start(tmp_path: Path) -> Start:
    """Start the service in an empty directory with these variables alone."""

    def run(command: str, **variables: str) -> "subprocess.CompletedProcess[str]":
        environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **variables}
        return subprocess.run(
            COMMANDS[command],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
        )

    return run


class TestRefusedStart:
    """A start with wrong settings, as a real process."""

    @pytest.mark.parametrize("command", COMMANDS)
    def test_wrong_values(self, start: Start, command: str) -> None:
        """One line per wrong setting, exit status 2, no traceback, no secret."""
        done = start(
            command, SECRET_KEY="hunter2", LOG_LEVEL="loud", BCRYPT_ROUNDS="17"
        )
        assert (done.returncode, done.stdout) == (2, "")
        assert sorted(line.split(": ")[0] for line in done.stderr.splitlines()) == [
            "BCRYPT_ROUNDS",
            "LOG_LEVEL",
            "SECRET_KEY",
        ]
        assert "hunter2" not in done.stderr

    def test_unsafe_values(self, start: Start) -> None:
        """What production refuses is said in the same way."""
        done = start("import", SECRET_KEY=SAMPLE_SECRET_KEY, RATE_LIMITS="off")
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.splitlines() == [
            "SECRET_KEY: production refuses the sample secret",
            "RATE_LIMITS: must be on in production",
        ]

    def test_nothing_set(self, start: Start, tmp_path: Path) -> None:
        """Without a secret it asks for one, and leaves no file behind."""
        done = start("uvicorn")
        assert (done.returncode, done.stderr) == (2, "SECRET_KEY: must be set\n")
        assert list(tmp_path.iterdir()) == []
