"""What the launcher does to a server before it runs it."""

import time
from pathlib import Path

import pytest

from tests.faults.defects import DEFECTS
from tests.faults.wall_clock import set_clock
from tests.support.processes import ROOT, Finished, environment, run_python

PROBE = """
import sys, time
from app.core.clock import utc_now
from app.core.exceptions import AppError
from app.services.principals import PrincipalCache
print(time.time(), utc_now().timestamp())
"""


def launch(folder: Path, *arguments: str) -> Finished:
    """Run a module that tells what it finds, as the launcher would run a server."""
    (folder / "probe.py").write_text(PROBE)
    env = environment("sqlite+aiosqlite:///unused.db")
    env["PYTHONPATH"] = f"{ROOT}:{folder}"
    launcher = ("-m", "tests.faults.launcher", *arguments, "-m", "probe")
    return run_python(*launcher, cwd=folder, env=env)


class TestClock:
    """`--clock`."""

    def test_moved(self, tmp_path: Path) -> None:
        """Both places where the service reads the time follow the file."""
        set_clock(tmp_path / "clock", 5000)
        finished = launch(tmp_path, "--clock", str(tmp_path / "clock"))
        ahead = [float(text) - time.time() for text in finished.stdout.split()]
        assert ahead == pytest.approx([5000, 5000], abs=60), finished.stderr


class TestDefects:
    """`--defect`."""

    @pytest.mark.parametrize("name", sorted(DEFECTS))
    def test_its_guard_is_there(self, tmp_path: Path, name: str) -> None:
        """Every defect still finds the guard that it removes."""
        finished = launch(tmp_path, "--defect", name)
        assert finished.returncode == 0, finished.stderr

    def test_unknown(self, tmp_path: Path) -> None:
        """A defect that there is not stops the server, so no run passes by mistake."""
        assert launch(tmp_path, "--defect", "none_such").returncode != 0
