"""Starting: where the service listens, and what is refused."""

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest

from app.core.config import Settings
from tests.serving.wire import LIVE
from tests.support.command_line import CommandLine
from tests.support.outsiders import execute
from tests.support.processes import (
    SECONDS,
    SERVE,
    SERVER,
    environment,
    run_server_until_it_ends,
)
from tests.support.server import Server, serve

UNREACHABLE = "postgresql+asyncpg://ada@127.0.0.1:9/none"
SEES_NOTHING_WRONG = """
import sys
from app.serving import supervisor
async def see_nothing_wrong(settings): pass
supervisor._check = see_nothing_wrong
from app.cli import main
main(["serve", *sys.argv[1:]])
"""


@pytest.fixture
def cardea(settings: Settings) -> CommandLine:
    """The command on the database of the test."""
    return CommandLine(settings)


@contextmanager
def run(
    settings: Settings, options: Sequence[str], fds: Sequence[int], /, **changes: str
) -> Iterator[str]:
    """Run `cardea serve` with these options; give the line that says where it is."""
    process = subprocess.Popen(
        [sys.executable, *SERVE, *options],
        env=environment(settings.database_url, **changes),
        cwd="/",
        pass_fds=fds,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    with process, process.stderr as lines:
        try:
            yield next(line for line in lines if "server.listening" in line)
        finally:
            process.terminate()
            process.wait(SECONDS)
    assert process.returncode == 0


class TestListening:
    """Where the service listens."""

    def test_port_of_its_own(self, settings: Settings) -> None:
        """The options count more than the settings, port 0 is a free one, the log names
        it, and answers come at once."""
        wrong = {"SERVE_HOST": "192.0.2.1", "SERVE_PORT": "1", "SERVE_WORKERS": "2"}
        options = ("--host", "localhost", "--port", "0", "--workers", "1")
        with run(settings, options, [], SERVE_DRAIN_SECONDS="0", **wrong) as line:
            said = json.loads(line)
            assert said["address"].rpartition(":")[2] not in ("0", "1")
            assert said["workers"] == 1
            assert seconds_for_answers(said["address"], 50) < 50 * 0.03

    def test_socket_of_somebody_else(self, settings: Settings) -> None:
        """A socket that is handed over is taken for what it is: answers come at once.
        On a console, a person reads where that is."""
        with socket.create_server(("127.0.0.1", 0)) as listener:
            number = listener.fileno()
            options = ("--fd", str(number))
            changes = {"SERVE_DRAIN_SECONDS": "0", "LOG_FORMAT": "console"}
            with run(settings, options, [number], **changes) as line:
                address = f"http://127.0.0.1:{listener.getsockname()[1]}"
                assert f"server.listening  address={address} " in line
                assert seconds_for_answers(address, 50) < 50 * 0.03

    def test_log(self, patient: Server) -> None:
        """Every line of the log is JSON and an event of ours."""
        [line] = patient.events("server.listening")
        assert line["address"] == patient.url
        lines = [json.loads(each) for each in patient.log.read_text().splitlines()]
        assert {each["logger"].partition(".")[0] for each in lines} == {"app"}

    def test_plain_uvicorn(self, settings: Settings) -> None:
        """`uvicorn app.main:app` serves as ever, whatever SERVE_ settings say."""
        changes = {"SERVE_WORKERS": "4", "SERVE_PORT": "1", "SERVE_HOST": "nowhere"}
        with serve(settings.database_url, SERVER, **changes) as server:
            ready = httpx2.get(f"{server.url}/health/ready").json()
            assert ready["status"] == "ready"
            assert not server.events("server.listening")


REFUSE_ROLES = {
    True: "CREATE TRIGGER never BEFORE INSERT ON roles "
    "BEGIN SELECT RAISE(ABORT, 'never'); END",
    False: "ALTER TABLE roles ADD CONSTRAINT never CHECK (false) NOT VALID",
}
"""By whether it is SQLite: has the database refuse every new role."""


class TestRefused:
    """What ends a start in one line, without a server."""

    def test_wrong_settings(self, cardea: CommandLine) -> None:
        """A wrong option is told like a wrong setting, with status 2."""
        wrong = ("--port", "65536", "--workers", "many")
        done = cardea.run("serve", *wrong, SERVE_HEAD_SECONDS="0")
        assert done.exit_code == 2
        names = [line.partition(":")[0] for line in done.stderr.splitlines()]
        assert sorted(names) == ["SERVE_HEAD_SECONDS", "SERVE_PORT", "SERVE_WORKERS"]

    def test_port_is_taken(self, cardea: CommandLine) -> None:
        """A port that somebody has is named, with status 3."""
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            done = cardea.run("serve", "--port", str(port))
        assert done.exit_code == 3
        assert f"port {port}" in done.stderr and "in use" in done.stderr

    @pytest.mark.parametrize("host", ["192.0.2.1", "no.such.host.invalid"])
    def test_no_such_address(self, cardea: CommandLine, host: str) -> None:
        """An address that is not ours is named, with status 3."""
        done = cardea.run("serve", "--host", host, "--port", "0")
        assert done.exit_code == 3 and host in done.stderr

    def test_no_socket(self, cardea: CommandLine) -> None:
        """A file that is no socket is refused, with status 3."""
        with Path("/dev/null").open() as file:
            done = cardea.run("serve", "--fd", str(file.fileno()))
            assert done.exit_code == 3 and "--fd" in done.stderr
            assert not file.closed and file.read() == ""

    def test_several_on_sqlite(self, cardea: CommandLine, tmp_path: Path) -> None:
        """Several workers on SQLite are refused in a line that names PostgreSQL, before
        anything is touched."""
        url = f"sqlite+aiosqlite:///{tmp_path}/here.db"
        done = cardea.run("serve", "--workers=2", DATABASE_URL=url, LOG_FORMAT="json")
        assert done.exit_code == 3
        assert "PostgreSQL" in the_one_line(done.stderr)
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize("workers", ["1", "2"])
    def test_no_database(self, tmp_path: Path, workers: str) -> None:
        """A database that can't be reached is refused with status 3, once for all
        workers, and never tried again."""
        env = environment(UNREACHABLE, SERVE_WORKERS=workers)
        done = run_server_until_it_ends(tmp_path, env, SERVE)
        assert done.returncode == 3
        assert "DATABASE_URL" in the_one_line(done.stderr)

    def test_wrong_setting_for_several(self, tmp_path: Path) -> None:
        """Settings are read once, however many workers there are to be."""
        env = environment(UNREACHABLE, SERVE_WORKERS="2", BCRYPT_ROUNDS="99")
        done = run_server_until_it_ends(tmp_path, env, SERVE)
        assert done.returncode == 2
        assert len(done.stderr.splitlines()) == 1 and "BCRYPT_ROUNDS" in done.stderr

    async def test_crash(self, settings: Settings, tmp_path: Path) -> None:
        """A start that fails unforeseen ends with status 3, and the log says why."""
        await execute(settings, REFUSE_ROLES[settings.is_sqlite])
        env = environment(settings.database_url)
        done = run_server_until_it_ends(tmp_path, env, SERVE)
        assert done.returncode == 3
        *_, line = [json.loads(line) for line in done.stderr.splitlines()]
        assert line["event"] == "server.start_crashed"
        assert "never" in line["exception"]


@pytest.mark.postgresql
class TestRefusedWorkers:
    """What ends the start of several workers, with status 3."""

    def test_wrong_secret(
        self, cardea: CommandLine, settings: Settings, tmp_path: Path
    ) -> None:
        """Another SECRET_KEY than the database's is told once."""
        cardea.run("rotate-keys")
        changes = {"SERVE_WORKERS": "2", "SECRET_KEY": "x" * 40}
        env = environment(settings.database_url, **changes)
        done = run_server_until_it_ends(tmp_path, env, SERVE)
        assert done.returncode == 3
        assert "SECRET_KEY" in the_one_line(done.stderr)

    def test_all_workers_fail(self, tmp_path: Path) -> None:
        """If no worker has ever served, one that is refused ends the whole thing."""
        command = ("-c", SEES_NOTHING_WRONG)
        env = environment(UNREACHABLE, SERVE_WORKERS="2")
        done = run_server_until_it_ends(tmp_path, env, command)
        assert done.returncode == 3
        assert "DATABASE_URL" in done.stderr


def the_one_line(said: str) -> str:
    """Expect nothing but a refusal; return its reason."""
    [line] = [json.loads(line) for line in said.splitlines()]
    assert line["event"] == "server.start_refused"
    return str(line["reason"])


def seconds_for_answers(address: str, count: int) -> float:
    """Return how long so many answers take, one after the other."""
    with httpx2.Client(base_url=address) as client:
        client.get(LIVE)
        began = time.monotonic()
        for _ in range(count):
            assert client.get(LIVE).status_code == 200
        return time.monotonic() - began
