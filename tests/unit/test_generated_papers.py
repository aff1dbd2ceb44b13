"""The papers that are made from the code say what the code says."""

import ast
import inspect
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner
from pydantic import SecretStr

from app.core.config import Settings
from app.core.exceptions import AppError, all_errors
from app.core.setting_rules import contradictions, production_refusals
from scripts import settings_papers, write_docs
from scripts.write_docs import PAPERS, ROOT

NAMES = [name.upper() for name in Settings.model_fields]
SECRET = "a-secret-key-that-only-the-tests-know-0123456789"


def read(paper: str) -> str:
    """Return a paper as it stands in the repository."""
    return (ROOT / paper).read_text(encoding="utf-8")


def refusals_in_the_code(refuse: Callable[[Settings], list[str]]) -> set[str]:
    """Return every refusal there can be, read from the source of what refuses."""
    code = ast.walk(ast.parse(inspect.getsource(refuse)))
    texts = {str(node.value) for node in code if isinstance(node, ast.Constant)}
    return {text for text in texts if re.match("[A-Z_]+: ", text)}


class TestPapers:
    """What `python -m scripts.write_docs` writes."""

    @pytest.mark.parametrize("paper", PAPERS)
    def test_fresh(self, paper: str) -> None:
        """The paper is what the code gives: else run `python -m scripts.write_docs`."""
        assert read(paper) == PAPERS[paper]()

    @pytest.mark.parametrize("paper", PAPERS)
    def test_independent_of_the_machine(
        self, paper: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        """Neither the environment nor a `.env` nor the folder changes a paper."""
        monkeypatch.setenv("SERVICE_NAME", "Another")
        monkeypatch.setenv("PUBLIC_URL", "https://another.example.com")
        (tmp_path / ".env").write_text("ACCESS_TOKEN_SECONDS=120\nLOG_LEVEL=debug\n")
        monkeypatch.chdir(tmp_path)
        assert PAPERS[paper]() == read(paper)

    def test_openapi_is_sorted(self) -> None:
        """A change of the contract is seen in openapi.json where it belongs."""
        document = json.loads(read("openapi.json"))
        assert list(document["paths"]) == sorted(document["paths"])
        assert document["openapi"].startswith("3.1")


class TestSettings:
    """docs/configuration.md and .env.example."""

    @pytest.mark.parametrize("name", NAMES)
    def test_documented(self, name: str) -> None:
        """Each setting has a docstring, a section and a line to copy."""
        assert Settings.model_fields[name.lower()].description
        assert f"\n## {name}\n" in read("docs/configuration.md")
        assert f"\n#{name}=" in read(".env.example")

    def test_example_gives_the_defaults(self, tmp_path: Path) -> None:
        """What .env.example proposes is what counts without it."""
        lines = read(".env.example").splitlines()
        proposed = [line[1:] for line in lines if line[:1] == "#" and line[1:2] != " "]
        assert len(proposed) == len(NAMES)
        path = tmp_path / "proposed.env"
        path.write_text("\n".join([*proposed, f"SECRET_KEY={SECRET}"]))

        loaded = Settings(_env_file=path)  # type: ignore[call-arg]
        assert loaded == Settings(  # type: ignore[call-arg]
            _env_file=None, secret_key=SecretStr(SECRET)
        )

    def test_example_sets_nothing(self) -> None:
        """A copy of .env.example changes nothing until it is edited."""
        lines = read(".env.example").splitlines()
        assert [line for line in lines if line and not line.startswith("#")] == []

    def test_production_refusals(self) -> None:
        """The page lists what production refuses, each by its setting's name."""
        page = read("docs/configuration.md")
        unsafe = settings_papers.production_refusals()
        for refusal in unsafe + settings_papers.mail_refusals():
            name, _, reason = refusal.partition(":")
            assert f"- `{name}`:{reason}\n" in page

    def test_no_production_refusal_is_missing(self) -> None:
        """The page's unsafe start meets every refusal there is in the code."""
        met = settings_papers.production_refusals()
        assert len(met) >= 5
        assert set(met) == refusals_in_the_code(production_refusals)

    def test_no_mail_refusal_is_missing(self) -> None:
        """It has whatever is refused for want of mail."""
        there = refusals_in_the_code(contradictions)
        about_mail = {line for line in there if "SMTP_URL" in line}
        assert set(settings_papers.mail_refusals()) == about_mail


class TestErrors:
    """docs/errors.md."""

    @pytest.mark.parametrize("error", all_errors(), ids=lambda error: error.code)
    def test_documented(self, error: type[AppError]) -> None:
        """Each error has a section with all that its page says."""
        page = " ".join(read("docs/errors.md").split())
        for text in (error.title, error.explanation(), error.remedy):
            assert text and " ".join(text.split()) in page
        assert f" ## {error.code} Status {error.http_status}: " in page


class TestCommand:
    """python -m scripts.write_docs, with a few papers that are soon written."""

    @pytest.fixture(autouse=True)
    def few(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Leave the pictures and the letters out."""
        names = ("docs/configuration.md", "docs/errors.md", ".env.example")
        monkeypatch.setattr(
            write_docs, "PAPERS", {name: PAPERS[name] for name in names}
        )

    def test_check_finds_what_is_stale(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """`--check` names the stale paper, writes nothing and ends with status 1."""
        before = read("docs/errors.md")
        monkeypatch.setitem(
            write_docs.PAPERS, "docs/errors.md", lambda: "something else\n"
        )
        done = CliRunner().invoke(write_docs.main, ["--check"])
        assert done.exit_code == 1
        assert "stale: docs/errors.md;" in done.output
        assert read("docs/errors.md") == before

    def test_check_passes(self) -> None:
        """`--check` is silent when all is well."""
        done = CliRunner().invoke(write_docs.main, ["--check"])
        assert (done.exit_code, done.output) == (0, "")

    def test_writes_what_is_stale(self, tmp_path: Path) -> None:
        """What is stale or missing is written, and only that."""
        assert write_docs.write(tmp_path) == list(write_docs.PAPERS)
        assert write_docs.write(tmp_path) == []
        (tmp_path / ".env.example").write_text("old")
        assert write_docs.write(tmp_path) == [".env.example"]
