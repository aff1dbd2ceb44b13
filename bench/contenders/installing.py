"""Contenders whose packages are not Cardea's: fetched once, kept beside the code."""

import hashlib
import json
import platform
import shutil
import subprocess
import sys
from abc import abstractmethod
from collections.abc import Sequence
from importlib.metadata import distributions
from pathlib import Path

from bench.contenders.contender import Contender
from bench.load import MissingToolError

ROOT = Path(__file__).parents[2]
PACKAGES = ROOT / "bench" / ".contenders"
_STAMP = "installed"


class _Installed(Contender):
    """A contender with packages of its own, in a folder that git does not see."""

    wanted: Sequence[str]
    """The files in its home that say what is fetched."""

    @property
    def packages(self) -> Path:
        """The folder that they are in."""
        return PACKAGES / self.home.name

    def install(self) -> None:
        """Fetch what is wanted, unless it is there.

        Raises:
            MissingToolError: If the program that runs it is not installed.
            subprocess.CalledProcessError: If it could not be fetched.
        """
        wanted = self._wanted()
        stamp = self.packages / _STAMP
        if stamp.is_file() and stamp.read_text(encoding="ascii") == wanted:
            return
        shutil.rmtree(self.packages, ignore_errors=True)
        self.packages.mkdir(parents=True)
        self._fetch()
        # Last of all, so that what broke off is not taken for done.
        stamp.write_text(wanted, encoding="ascii")

    @abstractmethod
    def version_of(self, package: str) -> str:
        """Return the version of a package that is installed."""

    @abstractmethod
    def _runtime(self) -> str:
        """Return what runs it, for compiled packages fit one runtime alone."""

    @abstractmethod
    def _fetch(self) -> None:
        """Put the packages into their folder, which is empty."""

    def _wanted(self) -> str:
        digest = hashlib.sha256(self._runtime().encode())
        for name in self.wanted:
            digest.update((self.home / name).read_bytes())
        return digest.hexdigest()


class InVenv(_Installed):
    """A contender in Python, in a virtual environment of its own."""

    wanted = ("requirements.txt",)

    @property
    def python(self) -> str:
        """The environment's interpreter."""
        return str(self.packages / "bin" / "python")

    def version_of(self, package: str) -> str:
        """Return the version of a package that is installed."""
        where = [str(one) for one in self.packages.glob("lib/python*/site-packages")]
        return next(iter(distributions(name=package, path=where))).version

    def _runtime(self) -> str:
        return f"{sys.base_prefix} {platform.python_version()}"

    def _fetch(self) -> None:
        pip = (self.python, "-m", "pip", "install", "--quiet", "--requirement")
        requirements = str(self.home / self.wanted[0])
        subprocess.run([sys.executable, "-m", "venv", self.packages], check=True)
        subprocess.run([*pip, requirements], check=True)


class OnNode(_Installed):
    """A contender in JavaScript, with `node_modules` of its own.

    Its programs are copied beside them, as Node looks for packages above the file that
    asks for them and nowhere else.
    """

    wanted = ("package.json", "package-lock.json")
    programs: Sequence[str]

    @property
    def node(self) -> str:
        """The interpreter.

        Raises:
            MissingToolError: If it is not installed.
        """
        return _found("node")

    def install(self) -> None:
        """Fetch what is wanted, unless it is there, and put the programs beside it.

        Raises:
            MissingToolError: If Node or npm is not installed.
            subprocess.CalledProcessError: If it could not be fetched.
        """
        super().install()
        for program in self.programs:
            shutil.copy(self.home / program, self.packages)

    def version_of(self, package: str) -> str:
        """Return the version of a package that is installed."""
        told = self.packages / "node_modules" / package / "package.json"
        version: str = json.loads(told.read_text(encoding="utf-8"))["version"]
        return version

    def _runtime(self) -> str:
        command = [self.node, "--version"]
        return subprocess.check_output(command, text=True)

    def _fetch(self) -> None:
        npm = _found("npm")
        for name in self.wanted:
            shutil.copy(self.home / name, self.packages)
        command = (npm, "ci", "--engine-strict", "--no-audit", "--no-fund")
        subprocess.run(command, cwd=self.packages, check=True)


def _found(tool: str) -> str:
    found = shutil.which(tool)
    if found is None:
        raise MissingToolError(
            f"`{tool}` is not installed. On Debian and Ubuntu: "
            "apt-get install nodejs npm (Node 20 or newer)"
        )
    return found
