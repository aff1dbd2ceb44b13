"""The command line: `cardea ...`."""

import asyncio
import os
import pty
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx2
import pytest
from click.testing import Result

from app.cli import main
from app.core.config import Settings
from app.migrations import head_revision
from tests.support.apps import run_app
from tests.support.clock import FakeClock
from tests.support.command_line import CommandLine, in_one_line
from tests.support.databases import Databases, make_settings
from tests.support.outsiders import execute
from tests.support.people import API, PASSWORD, Person, register, sign_in
from tests.support.processes import SECONDS, environment, run_python
from tests.support.server import serve

ROOT = "root@example.com"
CREATE = ("create-admin", "--email", ROOT)


@pytest.fixture
def cardea(settings: Settings) -> CommandLine:
    """The command on the database of the test."""
    return CommandLine(settings)


@pytest.fixture
def in_a_thread(cardea: CommandLine) -> Callable[..., Awaitable[Result]]:
    """Run the command beside the event loop of the test, as it has its own."""

    async def run(*arguments: str, **options: str) -> Result:
        return await asyncio.to_thread(cardea.run, *arguments, **options)

    return run


def rows(settings: Settings, statement: str) -> list[tuple[object, ...]]:
    """Return what another program reads."""
    return asyncio.run(execute(settings, statement))


def admins(settings: Settings) -> list[object]:
    """Return the addresses of all admins."""
    found = rows(
        settings,
        "SELECT email FROM users JOIN user_roles ON user_id = id"
        " WHERE role_name = 'admin' ORDER BY email",
    )
    return [email for (email,) in found]


class TestCreateAdmin:
    """`cardea create-admin`."""

    def test_password_from_standard_input(
        self, cardea: CommandLine, settings: Settings
    ) -> None:
        """The first line of standard input is the password."""
        result = cardea.run(*CREATE, stdin=f"{PASSWORD}\nnothing else\n")
        assert result.exit_code == 0, result.output
        assert ROOT in result.stdout and PASSWORD not in result.output
        assert admins(settings) == [ROOT]

    async def test_can_sign_in(
        self,
        settings: Settings,
        clock: FakeClock,
        in_a_thread: Callable[..., Awaitable[Result]],
    ) -> None:
        """The admin signs in with the password, to the letter."""
        spaced = f"  {PASSWORD} "
        result = await in_a_thread(*CREATE, stdin=f"{spaced}\r\n")
        assert result.exit_code == 0
        async with run_app(settings, clock) as app:
            root = await sign_in(app.client, Person(ROOT, spaced))
        assert root.tokens["user"]["roles"] == ["admin"]

    def test_email_from_standard_input(
        self, cardea: CommandLine, settings: Settings
    ) -> None:
        """Without --email the address is asked for first."""
        result = cardea.run("create-admin", stdin=f"{ROOT}\n{PASSWORD}\n")
        assert result.exit_code == 0, result.output
        assert admins(settings) == [ROOT]

    @pytest.mark.parametrize(
        ("password", "reason"),
        [
            ("", "short"),
            ("short", "short"),
            ("password123", "common"),
            ("my root cellar", "contains"),
            ("x" * 129, "long"),
        ],
        ids=["none", "short", "common", "personal", "long"],
    )
    def test_refuses_a_bad_password(
        self, cardea: CommandLine, settings: Settings, password: str, reason: str
    ) -> None:
        """A password that breaks a rule is refused in one line that does not repeat
        it, and no admin is made."""
        line = in_one_line(cardea.run(*CREATE, stdin=f"{password}\n"))
        assert reason in line.lower()
        assert len(password) < 8 or password not in line
        assert admins(settings) == []

    def test_refuses_a_bad_address(
        self, cardea: CommandLine, settings: Settings
    ) -> None:
        """What is no address is refused in one line."""
        result = cardea.run("create-admin", "--email", "nobody", stdin=f"{PASSWORD}\n")
        assert "e-mail" in in_one_line(result)
        assert admins(settings) == []

    def test_refuses_an_existing_address(
        self, cardea: CommandLine, settings: Settings
    ) -> None:
        """An account that is there is not touched, whoever has it."""
        cardea.run(*CREATE, stdin=f"{PASSWORD}\n")
        before = rows(settings, "SELECT * FROM users")
        result = cardea.run("create-admin", "--email", ROOT.upper(), stdin=PASSWORD)
        assert "already an account" in in_one_line(result)
        assert rows(settings, "SELECT * FROM users") == before

    def test_takes_no_password_argument(self, cardea: CommandLine) -> None:
        """Other users see arguments: no command has one for a password."""
        options = [
            name
            for command in main.commands.values()
            for parameter in command.params
            for name in parameter.opts
        ]
        assert not [name for name in options if "password" in name.lower()]
        assert all(
            command.params == []
            or all(
                parameter.param_type_name == "option" for parameter in command.params
            )
            for command in main.commands.values()
        )
        for attempt in (("--password", PASSWORD), (PASSWORD,)):
            assert cardea.run(*CREATE, *attempt).exit_code == 2

    def test_asks_on_a_terminal(self, settings: Settings, tmp_path: Path) -> None:
        """On a terminal the password is asked for twice and never shown."""
        shown = _type_on_a_terminal(settings, tmp_path, PASSWORD, PASSWORD)
        assert "Password:" in shown and "Repeat for confirmation:" in shown
        assert PASSWORD not in shown
        assert admins(settings) == [ROOT]


class TestPromote:
    """`cardea create-admin --promote`."""

    async def test_keeps_the_password(
        self,
        settings: Settings,
        clock: FakeClock,
        in_a_thread: Callable[..., Awaitable[Result]],
    ) -> None:
        """An existing account becomes an admin; no password is asked for."""
        async with run_app(settings, clock) as app:
            await register(app.client, ROOT)
        promoted = await in_a_thread(*CREATE, "--promote")
        assert promoted.exit_code == 0, promoted.output
        async with run_app(settings, clock) as app:
            root = await sign_in(app.client, Person(ROOT))
        assert root.tokens["user"]["roles"] == ["admin", "user"]

    def test_unknown_address(self, cardea: CommandLine, settings: Settings) -> None:
        """Without an account there is nobody to promote."""
        assert "no account" in in_one_line(cardea.run(*CREATE, "--promote"))
        assert rows(settings, "SELECT * FROM users") == []


class TestRotateKeys:
    """`cardea rotate-keys`."""

    def test_makes_the_next_key(self, cardea: CommandLine, settings: Settings) -> None:
        """The new key is beside the old one, and the command says when it signs."""
        for number in (1, 2):
            result = cardea.run("rotate-keys")
            assert result.exit_code == 0, result.output
            assert "signs from" in result.stdout and result.stdout.endswith("UTC.\n")
            assert len(rows(settings, "SELECT kid FROM signing_keys")) == number

    def test_compromised(self, cardea: CommandLine, settings: Settings) -> None:
        """Only the new key is left."""
        cardea.run("rotate-keys")
        result = cardea.run("rotate-keys", "--compromised")
        [(kid,)] = rows(settings, "SELECT kid FROM signing_keys")
        assert str(kid) in result.stdout

    def test_wrong_secret(self, cardea: CommandLine, settings: Settings) -> None:
        """With another SECRET_KEY nothing is rotated."""
        cardea.run("rotate-keys")
        before = rows(settings, "SELECT * FROM signing_keys")
        result = cardea.run("rotate-keys", "--compromised", SECRET_KEY="x" * 40)
        assert "SECRET_KEY" in in_one_line(result)
        assert rows(settings, "SELECT * FROM signing_keys") == before


class TestMigrate:
    """`cardea migrate`."""

    def test_empty_database(self, databases: Databases) -> None:
        """The schema is brought up to date, and the command says to what."""
        empty = make_settings(databases.empty())
        result = CommandLine(empty).run("migrate")
        assert result.exit_code == 0, result.output
        assert head_revision() in result.stdout
        assert rows(empty, "SELECT version_num FROM alembic_version") == [
            (head_revision(),)
        ]

    def test_although_it_is_off_at_start(self, databases: Databases) -> None:
        """MIGRATE_ON_START=off is about the start: the command does what it says."""
        empty = make_settings(databases.empty())
        result = CommandLine(empty).run("migrate", MIGRATE_ON_START="off")
        assert result.exit_code == 0, result.output
        assert rows(empty, "SELECT * FROM users") == []

    @pytest.mark.parametrize(
        "command", [("migrate",), ("rotate-keys",), CREATE], ids=lambda words: words[0]
    )
    def test_newer_database(
        self, cardea: CommandLine, settings: Settings, command: tuple[str, ...]
    ) -> None:
        """No command touches what a newer version has used."""
        rows(settings, "UPDATE alembic_version SET version_num = 'fffffffffffe'")
        result = cardea.run(*command, stdin=f"{PASSWORD}\n")
        assert "newer" in in_one_line(result)

    @pytest.mark.parametrize(
        "command", [("migrate",), ("rotate-keys",)], ids=lambda words: words[0]
    )
    def test_unusable_database(
        self, cardea: CommandLine, command: tuple[str, ...]
    ) -> None:
        """A database that can't be reached is one line."""
        url = "postgresql+asyncpg://ada@127.0.0.1:9/none"
        assert "DATABASE_URL" in in_one_line(cardea.run(*command, DATABASE_URL=url))


class TestSettings:
    """Settings of the command line."""

    def test_wrong_setting(self, cardea: CommandLine) -> None:
        """A wrong setting is named in a line, with exit status 2."""
        result = cardea.run("migrate", BCRYPT_ROUNDS="99", ACCESS_TOKEN_SECONDS="x")
        assert result.exit_code == 2
        names = [line.partition(":")[0] for line in result.stderr.splitlines()]
        assert sorted(names) == ["ACCESS_TOKEN_SECONDS", "BCRYPT_ROUNDS"]

    def test_version_and_help_need_none(self, tmp_path: Path) -> None:
        """`python -m app` answers before there is any setting."""
        env = {**environment(""), "SECRET_KEY": ""}
        for option in ("--version", "--help"):
            done = run_python("-m", "app", option, cwd=tmp_path, env=env)
            assert done.returncode == 0, done.stderr
            assert "cardea" in done.stdout.lower()


class TestBesideTheServer:
    """The command line beside a running server."""

    def test_both_go_on(self, settings: Settings, cardea: CommandLine) -> None:
        """An admin made by the command signs in to the running server."""
        email = "second@example.com"
        with serve(settings.database_url) as server:
            made = cardea.run("create-admin", "--email", email, stdin=f"{PASSWORD}\n")
            assert made.exit_code == 0, made.output
            body = {"email": email, "password": PASSWORD}
            tokens = httpx2.post(f"{server.url}{API}/auth/login", json=body).json()
            assert tokens["user"]["roles"] == ["admin"]


def _type_on_a_terminal(settings: Settings, cwd: Path, *lines: str) -> str:
    """Run create-admin on a terminal of its own; return all that it showed."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "app", *CREATE],
        cwd=cwd,
        env=environment(settings.database_url, LOG_LEVEL="error"),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    shown = b""
    for line in lines:
        while not shown.endswith(b": "):
            shown += os.read(ours, 1024)
        shown += b"\n"
        os.write(ours, line.encode() + b"\n")
    assert process.wait(timeout=SECONDS) == 0, shown
    shown += os.read(ours, 4096)
    os.close(ours)
    return shown.decode()
