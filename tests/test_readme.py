"""The README keeps its word: its session runs, its links lead somewhere."""

import json
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.databases import Databases
from tests.support.processes import ROOT
from tests.support.server import serve

README = (ROOT / "README.md").read_text(encoding="utf-8")
ADDRESS = "localhost:8000"
COMMANDS = [
    "pip install -r requirements.txt && uvicorn app.main:app",
    "pip install -r requirements.txt && pytest",
]
PAPERS = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]
MASKS = {
    r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}": "<id>",
    r"\b[0-9a-f]{32}\b": "<request>",
    r"\d{4}-\d\d-\d\dT[\d:.]+Z": "<time>",
    r'(?<="refresh_expires_in": )\d+': '"<seconds>"',
}


@dataclass(frozen=True)
class Step:
    """One command of the session, and the answer that is printed after it."""

    command: str
    answer: str


def session() -> list[Step]:
    """Return what the README's console shows."""
    (console,) = re.findall(r"```console\n(.*?)```", README, re.DOTALL)
    steps = re.split(r"^\$ ", console, flags=re.MULTILINE)[1:]
    parts = (re.split(r"(?<!\\)\n", step, maxsplit=1) for step in steps)
    return [Step(command, answer) for command, answer in parts]


def masked(answer: str) -> Any:
    """Return an answer without what is different each time, and without its layout."""
    text = json.dumps(json.loads(answer))
    for pattern, mask in MASKS.items():
        text = re.sub(pattern, mask, text)
    return json.loads(text)


def links(paper: Path) -> list[str]:
    """Return the links of a paper to files and headings of this repository."""
    text = re.sub(r"```.*?```", "", paper.read_text(encoding="utf-8"), flags=re.DOTALL)
    found = re.findall(r"\]\(([^)\s]+)\)", text)
    return [link for link in found if "://" not in link]


def headings(paper: Path) -> set[str]:
    """Return the anchors of a paper as GitHub makes them."""
    lines = re.findall(r"^#+ (.+)$", paper.read_text(encoding="utf-8"), re.MULTILINE)
    plain = (re.sub(r"[^\w\- ]", "", line).lower() for line in lines)
    return {line.replace(" ", "-") for line in plain}


class TestSession:
    """The README's curl session."""

    @pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
    def test_gives_the_printed_answers(
        self, databases: Databases, tmp_path: Path
    ) -> None:
        """Each command, typed as printed, gives the answer that is printed."""
        public_url = f"http://{ADDRESS}"
        with serve(databases.migrated(), PUBLIC_URL=public_url) as server:
            for step in session():
                command = step.command.replace(ADDRESS, f"127.0.0.1:{server.port}")
                done = subprocess.run(
                    ["sh", "-c", command],
                    cwd=tmp_path,
                    capture_output=True,
                    text=True,
                    timeout=60,
                    check=True,
                )
                assert masked(done.stdout) == masked(step.answer), command

    def test_shows_a_whole_life(self) -> None:
        """The session goes from sign-up to the reason why it ended."""
        steps = session()
        assert len(steps) == 6
        assert masked(steps[-1].answer)["reason"] == "signed_out"

    @pytest.mark.parametrize("command", COMMANDS)
    def test_commands(self, command: str) -> None:
        """Start and test are one line each, also with a virtual environment."""
        assert f"```sh\n{command}\n```" in README
        environment = "python3 -m venv .venv && . .venv/bin/activate"
        assert f"```sh\n{environment} && {command}\n```" in README


class TestLinks:
    """Links in README and docs."""

    @pytest.mark.parametrize("paper", PAPERS, ids=lambda paper: paper.stem)
    def test_lead_somewhere(self, paper: Path) -> None:
        """Every relative link names a file that exists, and a heading in it."""
        for link in links(paper):
            name, _, anchor = link.partition("#")
            target = paper.parent / name if name else paper
            assert target.exists(), link
            assert not anchor or anchor in headings(target), link
